"""What a panic said on whose way the program ended: read from the stack of the thread that died.

std's own library comes without variables, so what it keeps there is told by its vtables, whose
functions have names. Only what std's frames lead to counts, and only while it lies in a frame that
has not returned: what an earlier panic left behind is not told.

The layouts are those of ``library/std/src/panicking.rs``, std 1.75 to 1.97. The function that calls
the hook has in its frame, one behind the other, ``payload: &mut dyn PanicPayload`` (once
``BoxMeUp``) and ``location: &Location``; and a ``PanicHookInfo`` with ``payload: &dyn Any`` and
``location`` (once a ``PanicInfo``, which has a message between the two). The payload lies in the
frame of the caller. It is one of

- ``StaticStrPayload(&'static str)``, once ``StrPanicPayload``: a panic without arguments;
- ``FormatStringPayload { inner: &PanicMessage, string: Option<String> }``, once ``PanicPayload``:
  one with arguments, whose text is made before the hook is called;
- ``begin_panic::Payload<A> { inner: Option<A> }``, once ``PanicPayload<A>``: ``panic_any``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from adp_tui.engine.analysis.facts import ThreadFacts
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.model import PanicFacts
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import PANIC_HOOK_CALLERS, demangle, function_name
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.unwinder import RawFrame

__all__ = ["panic_of"]

MAX_FRAMES = 256
"""Frames that are looked at, from the innermost: those of a hook, then those of std."""
MAX_FRAME = 1 << 16
"""Bytes of one frame that are searched; that of std's function has 150."""
MAX_BYTES = 1 << 14
"""Bytes of a message that are read."""
MAX_MESSAGE = 4096
MAX_FILE = 4096
MAX_LENGTH = 1 << 31
MAX_LINE = 1 << 24
_DANGLING = 1
"""Where text without bytes stands (``NonNull::<u8>::dangling``)."""
_WRITABLE, _ALLOCATED = 1, 2
"""Flags of an ELF section: ``SHF_WRITE``, ``SHF_ALLOC``."""
_RELOCATED = ".data.rel.ro"
"""What the linker writes once: tables of pointers, in sections that are writable by their flags."""
_RUST_EXCEPTION = frozenset(int.from_bytes(b"MOZ\0RUST", order) for order in ("little", "big"))
"""The class of an exception: once as a number, since as bytes (std 1.95)."""
_REFUSALS = frozenset({"core::panicking::panic_in_cleanup", "core::panicking::panic_cannot_unwind"})
"""What panics where the stack cannot be unwound: a destructor, or a function of another ABI."""
_ALIGNMENTS = frozenset({1, 2, 4, 8, 16})
_LITERALS = frozenset({"StaticStrPayload", "StrPanicPayload"})
_PAYLOAD = re.compile(
    r"<std::panicking::(begin_panic|begin_panic_handler|panic_handler)::(\w+) as core::"
    r"(?:panic::PanicPayload|panic::BoxMeUp|fmt::Display)>::"
)
_ANY = re.compile(r"<(.+) as core::any::Any>::type_id")
_THROWN = re.compile(r"std::panicking::begin_panic::\w*Payload<(.+)>")

Reader = Callable[[int], str | None]


@dataclass(frozen=True, slots=True)
class _Payload:
    """What a pointer in std's frame leads to: a text, if the payload is one, and the place that
    stands beside it.
    """

    text: str | None
    place: tuple[str, int] | None


def panic_of(program: Program, thread: ThreadFacts) -> PanicFacts | None:
    """Return what the outermost panic on a thread's stack said; None where there is none.

    One inside it came of its hook, or of its arguments when they were formatted. What is not
    certain is None: without symbols, or where std keeps it in another way.
    """
    scopes = thread.scopes[:MAX_FRAMES]
    calls = [n for n, (raw, names) in enumerate(scopes) if _calls_hook(program, raw, names)]
    if not calls:
        return None
    std = _Std(program)
    raw, above = (scopes[min(calls[-1] + n, len(scopes) - 1)][0] for n in (0, 1))
    return replace(_hooked(std, raw, above), unwound=_unwound(std, scopes[calls[-1] :]))


def _calls_hook(program: Program, raw: RawFrame, names: Sequence[str]) -> bool:
    if names:
        return not PANIC_HOOK_CALLERS.isdisjoint(names)
    return function_name(_symbol(program, raw.lookup, exactly=False)) in PANIC_HOOK_CALLERS


def _symbol(program: Program, address: int, *, exactly: bool = True) -> str:
    """Return the raw name of the function at (or, unless ``exactly``, around) an address."""
    try:
        found = program.symbol_at(address)
    except AdpError:
        return ""
    return "" if found is None or (exactly and found.offset) else found.name


def _hooked(std: _Std, raw: RawFrame, above: RawFrame) -> PanicFacts:
    """Read the frame of the function that calls the hook, whose caller is ``above``."""
    found = list(_payloads(std, raw, above))
    texts = {each.text for each in found if each.text is not None}
    places = {each.place for each in found if each.place is not None}
    return PanicFacts(
        texts.pop() if len(texts) == 1 else None,
        places.pop() if len(places) == 1 else None,
    )


def _payloads(std: _Std, raw: RawFrame, above: RawFrame) -> Iterator[_Payload]:
    """Yield what each pointer to a payload with its vtable leads to."""
    words = std.frame(raw)
    # The caller may be inlined into the same frame.
    end = (raw.cfa or raw.sp) if above.cfa is None else above.cfa
    end = min(end, raw.sp + 2 * MAX_FRAME)
    for at, (data, table) in enumerate(pairwise(words)):
        if data % 8 or not raw.sp <= data < end:
            continue
        reader = std.reader(table)
        if reader is not None:
            places = map(std.place, words[at + 2 : at + 4])
            place = next((each for each in places if each is not None), None)
            yield _Payload(reader(data), place)


def _unwound(std: _Std, scopes: Sequence[tuple[RawFrame, tuple[str, ...]]]) -> str | None:
    """Return what the panic said from which the stack was unwound when this one came.

    A function that cleans up keeps the exception, to go on with it: in a variable of its frame or
    in a register.
    """
    calls = [n for n, (_, names) in enumerate(scopes) if not _REFUSALS.isdisjoint(names)]
    if not calls or calls[-1] + 1 >= len(scopes):
        return None
    raw, _ = scopes[calls[-1] + 1]
    kept = dict.fromkeys((*raw.registers.values(), *std.frame(raw)))
    texts = {text for text in map(std.exception, kept) if text is not None}
    return texts.pop() if len(texts) == 1 else None


class _Std:
    """Reads what std keeps in a program's memory."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def frame(self, raw: RawFrame) -> list[int]:
        """Return the words of a frame."""
        size = 0 if raw.cfa is None else min(max(raw.cfa - raw.sp, 0), MAX_FRAME)
        return self._words(raw.sp, size // 8)

    def exception(self, address: int) -> str | None:
        """Read the message of a panic from the exception that unwinds it.

        ``Exception { _uwe: _Unwind_Exception, canary: *const u8, cause: Box<dyn Any + Send> }`` of
        ``library/panic_unwind/src/gcc.rs``, where the first has four words on 64-bit processors.
        """
        words = [] if address % 8 else self._words(address, 7)
        if not words or words[0] not in _RUST_EXCEPTION or not self._is_constant(words[4]):
            return None
        if not function_name(_symbol(self._program, words[1])).endswith("::exception_cleanup"):
            return None
        reader = self.reader(words[6])
        return None if reader is None else reader(words[5])

    def _words(self, address: int, count: int) -> list[int]:
        """Return words of memory; none where they cannot be read."""
        try:
            return memoryview(self._program.memory.read(address, 8 * count)).cast("Q").tolist()
        except AdpError:
            return []

    # What a vtable is of.

    def reader(self, table: int) -> Reader | None:
        """Return what reads a payload with this vtable; None if it is none of a panic's."""
        header = self._words(table, 5) if self._is_constant(table) and not table % 8 else []
        if not header or header[2] not in _ALIGNMENTS:
            return None
        for method in header[3:]:
            symbol = _symbol(self._program, method)
            name = function_name(symbol)
            payload = _PAYLOAD.match(name)
            if payload is not None:
                return self._payload_reader(payload[1], payload[2], table)
            if name.endswith(" as core::any::Any>::type_id"):
                return self._any_reader(symbol, table)
        return None

    def _payload_reader(self, maker: str, name: str, table: int) -> Reader:
        if maker == "begin_panic":
            thrown = _THROWN.fullmatch(self._type(table) or "")
            return self._of("" if thrown is None else thrown[1])
        return self._literal if name in _LITERALS else self._formatted

    def _any_reader(self, symbol: str, table: int) -> Reader:
        found = _ANY.match(demangle(symbol) or "")
        # Legacy names have only the parameter's.
        name = None if found is None or found[1] == "T" else found[1]
        return self._of(name or self._type(table) or "")

    def _type(self, table: int) -> str | None:
        found = self._program.vtable_type(table)
        return None if found is None else found.name

    def _of(self, type_name: str) -> Reader:
        if type_name == "alloc::string::String":
            return self._string
        return self._literal if type_name in ("&str", "&'static str") else lambda _: None

    # Texts.

    def _literal(self, address: int) -> str | None:
        """Read a ``&str``."""
        words = self._words(address, 2)
        return self._text(*words) if words else None

    def _string(self, address: int) -> str | None:
        """Read a ``String``: capacity and pointer stand either way round (by version)."""
        words = self._words(address, 3)
        if not words:
            return None
        first, second, length = words
        orders = ((first, second), (second, first))
        fitting = [at for capacity, at in orders if length <= capacity < MAX_LENGTH]
        texts = {text for at in fitting if (text := self._text(at, length)) is not None}
        return texts.pop() if len(texts) == 1 else None

    def _formatted(self, address: int) -> str | None:
        """Read the ``string`` of a ``FormatStringPayload``, before or behind ``inner``."""
        read = map(self._string, (address, address + 8))
        texts = {text for text in read if text is not None}
        return texts.pop() if len(texts) == 1 else None

    def _text(self, address: int, length: int) -> str | None:
        text = self._decoded(address, length, MAX_BYTES)
        return None if text is None else clean(text, MAX_MESSAGE)

    def _decoded(self, address: int, length: int, limit: int) -> str | None:
        """Return text, cut after ``limit`` bytes; None for what is not UTF-8."""
        if not address or length >= MAX_LENGTH:
            return None
        if not length and address != _DANGLING and not self._words(address & ~7, 1):
            return None
        try:
            return self._program.memory.read(address, min(length, limit)).decode()
        except AdpError:
            return None
        except UnicodeDecodeError as error:
            # The last character may have been cut.
            is_cut = length > limit and error.start > len(error.object) - 4
            return error.object[: error.start].decode() if is_cut else None

    # Places.

    def place(self, address: int) -> tuple[str, int] | None:
        """Read a ``core::panic::Location``: file, line and column; all of them are constants."""
        if address % 8 or not self._is_constant(address):
            return None
        words = self._words(address, 3)
        if not words or not 0 < words[1] <= MAX_FILE or not self._is_constant(words[0]):
            return None
        line, column = words[2] & 0xFFFFFFFF, words[2] >> 32
        text = self._decoded(words[0], words[1], MAX_FILE)
        # Some versions of std keep names that end in a zero, for C.
        file = "" if text is None else text.removesuffix("\0")
        if not file.isprintable() or not file or not 0 < line < MAX_LINE or not column:
            return None
        return clean(file, MAX_FILE), line

    def _is_constant(self, address: int) -> bool:
        """Tell whether an address is one of a file's constants."""
        image = self._program.image_at(address)
        if image is None or image.elf is None:
            return False
        return _holds_constant(image, image.file_address(address))


def _holds_constant(image: Image, address: int) -> bool:
    assert image.elf is not None
    return any(
        section.address <= address < section.address + section.size
        for section in image.elf.sections.values()
        if section.flags & _ALLOCATED
        and (not section.flags & _WRITABLE or section.name.startswith(_RELOCATED))
    )
