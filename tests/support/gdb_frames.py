"""Run by gdb: write every frame of every thread as one line of JSON."""

import json

import gdb

WHOLE = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)


def variables(frame):
    """Return the numbers that the frame's variables hold, the innermost of each name."""
    found = {}
    try:
        block = frame.block()
    except RuntimeError:
        return found
    while block is not None:
        for symbol in block:
            if (symbol.is_variable or symbol.is_argument) and symbol.name not in found:
                found[symbol.name] = whole(symbol, frame)
        if block.function is not None:
            break
        block = block.superblock
    return {name: number for name, number in found.items() if number is not None}


def whole(symbol, frame):
    try:
        value = symbol.value(frame)
        size = value.type.sizeof
        if value.is_optimized_out or value.type.strip_typedefs().code not in WHOLE or size > 8:
            return None
        return int(value) & (1 << 8 * size) - 1
    except (gdb.error, RuntimeError):
        return None


def frames():
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        place = frame.find_sal()
        yield {
            "pc": frame.pc(),
            "name": frame.name(),
            "inlined": frame.type() == gdb.INLINE_FRAME,
            # A function that ended in a jump to another left no frame: gdb makes one up.
            "made_up": frame.type() == gdb.TAILCALL_FRAME,
            "signal": frame.type() == gdb.SIGTRAMP_FRAME,
            "file": place.symtab.filename if place.symtab else None,
            "line": place.line if place.symtab else None,
            "variables": variables(frame),
        }
        try:
            frame = frame.older()
        except gdb.error:
            return


for thread in gdb.selected_inferior().threads():
    thread.switch()
    print("frames " + json.dumps({"tid": thread.ptid[1], "frames": list(frames())}))
