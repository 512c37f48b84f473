"""Run by gdb: write every frame of every thread as one line of JSON."""

import json

import gdb


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
        }
        try:
            frame = frame.older()
        except gdb.error:
            return


for thread in gdb.selected_inferior().threads():
    thread.switch()
    print("frames " + json.dumps({"tid": thread.ptid[1], "frames": list(frames())}))
