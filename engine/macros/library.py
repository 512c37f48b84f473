"""All macros that there are: tables of descriptors, trusted files, installed packages.

Nothing of Python is run before macros are asked for, and then only files whose hash is trusted.
"""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from adp_tui.engine.adp.folder import Folder
from adp_tui.engine.adp.schema import Descriptor, MacroRule
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.macros.files import MacroFile, macro_files, real_folder
from adp_tui.engine.macros.macro import Macro
from adp_tui.engine.macros.packages import Package, loaded, packages
from adp_tui.engine.macros.runner import Gate, run
from adp_tui.engine.macros.tables import table_macro
from adp_tui.engine.macros.trust import Trust, default_trust
from adp_tui.engine.text import clean
from adp_tui.engine.views.records import MacroRow, MacroText

__all__ = ["Entry", "Library", "default_library", "row_of"]

MAX_MACROS = 1000
CHANGED = "it was changed"
LOAD_S = 10.0
"""How long a file may take to define its macros."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry(MacroRow):
    """A macro with what runs it, or why there is none."""

    macro: Macro | None = None
    source: bytes = b""
    """Of its file."""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A file with what became of it."""

    folder: Folder
    file: MacroFile
    state: str
    why: str


class Library:
    """The macros of folders and packages.

    Args:
        folders: with a folder ``macros`` each, the nearest first.
        trust: which of their files may be run; None for none.
        with_packages: whether installed packages are asked.
    """

    def __init__(
        self, folders: Sequence[Folder] = (), trust: Trust | None = None, *,
        with_packages: bool = True,
    ) -> None:  # fmt: skip
        self.folders = tuple(folders)
        self.trust = trust
        self._with_packages = with_packages
        self._loaded: dict[tuple[str, str], list[Entry]] = {}
        """By path and hash: a file is run once, and again when it was changed and is trusted."""
        self._packaged: list[Entry] | None = None

    def extensions(self) -> tuple[Extension, ...]:
        """Return the files that there are, and whether they may be run. Nothing is run.

        Packages are not looked for before macros are asked for: that takes time.
        """
        states = {"ready": "used"}
        found = [
            Extension(
                "macros",
                clean(each.file.name, 200),
                each.folder.origin,
                clean(each.file.path, 4096),
                states.get(each.state, each.state),
                each.why,
            )
            for each in self._files()
        ]
        return tuple(found)

    def entries(self, descriptors: Sequence[Descriptor] = ()) -> list[Entry]:
        """Return all macros, and what is no macro with the reason. Of one name the first is run.

        Args:
            descriptors: those with tables, the nearest first.
        """
        found: list[Entry] = []
        for each in self._files():
            if each.state == "ready":
                found += self._load(each)
            else:
                found.append(_nothing(each.file, each.folder.origin, each.state, each.why))
        found += [_table(descriptor, m) for descriptor in descriptors for m in descriptor.macros]
        if self._with_packages:
            if self._packaged is None:
                self._packaged = [e for package in packages() for e in _packaged(package)]
            found += self._packaged
        return found[:MAX_MACROS]

    def untrusted(self) -> list[MacroText]:
        """Return the files that may be trusted, and are not."""
        return [
            MacroText(
                str(real_folder(each.folder.path)),
                each.file.name,
                clean(each.file.path, 4096),
                each.file.digest,
                tuple(clean(line, 500) for line in _text_of(each.file).splitlines()),
                each.why.startswith(CHANGED),
            )
            for each in self._files()
            if each.state == "untrusted"
        ]

    def approve(self, files: Sequence[MacroText]) -> None:
        """Trust files as they were read, beside those of their folders that are trusted.

        Raises:
            AdpError: the list of what is trusted cannot be written.
        """
        if self.trust is None:
            raise AdpError("there is no home to keep the list in", help="set XDG_CONFIG_HOME")
        for folder in dict.fromkeys(file.folder for file in files):
            new = {file.name: file.digest for file in files if file.folder == folder}
            self.trust.approve(Path(folder), {**self.trust.of(Path(folder)), **new})

    def _files(self) -> Iterator[_Found]:
        for folder in self.folders:
            files = macro_files(folder.path)
            if not files:
                continue
            try:
                known = {} if self.trust is None else self.trust.of(folder.path)
                refused = ""
            except AdpError as error:
                known, refused = {}, f"{error.message}; {error.help}"
            where = real_folder(folder.path)
            for file in files:
                why = clean(file.problem or refused, 1000)
                if why:
                    yield _Found(folder, file, "broken", why)
                elif known.get(file.name) == file.digest:
                    yield _Found(folder, file, "ready", "")
                else:
                    what = CHANGED if file.name in known else "it is not trusted"
                    why = clean(f"{what}: look at it, then adp-tui trust {where}", 1000)
                    yield _Found(folder, file, "untrusted", why)

    def _load(self, found: _Found) -> list[Entry]:
        key = (found.file.path, found.file.digest)
        known = self._loaded.get(key)
        if known is None:
            known = self._loaded[key] = _run_file(found)
        return known


def default_library(folders: Sequence[Folder], *, with_packages: bool = True) -> Library:
    """Return the library of these folders, with the user's own list of what is trusted."""
    return Library(folders, default_trust(os.environ), with_packages=with_packages)


def row_of(entry: Entry) -> MacroRow:
    """Return what a front end shows of a macro."""
    return MacroRow(*(getattr(entry, field.name) for field in fields(MacroRow)))


def _run_file(found: _Found) -> list[Entry]:
    """Run a trusted file, from the bytes that were hashed, and return its macros."""
    file, origin = found.file, found.folder.origin

    def define(_: Gate) -> dict[str, object]:
        module = types.ModuleType(f"adp_tui_macros_{Path(file.path).stem}")
        module.__file__ = file.path
        # What was hashed is what is run: nothing is read again.
        exec(compile(file.data, file.path, "exec", dont_inherit=True), module.__dict__)
        return module.__dict__

    ran = run(define, file.path, file.data, deadline_s=LOAD_S)
    if ran.result is None:
        return [_nothing(file, origin, "broken", ran.error or "")]
    return _collected(ran.result, origin, file.path, file.data)


def _collected(
    names: dict[str, object], origin: str, place: str, source: bytes = b""
) -> list[Entry]:
    macros = dict.fromkeys(each for each in list(names.values()) if isinstance(each, Macro))
    return [_entry(each, origin, place, source) for each in macros]


def _text_of(file: MacroFile) -> str:
    return file.data.decode("utf-8", "backslashreplace")


def _entry(macro: Macro, origin: str, place: str, source: bytes = b"") -> Entry:
    arguments = tuple((a.name, a.kind.__name__, a.required) for a in macro.arguments)
    return Entry(
        clean(macro.name, 100), clean(macro.help, 400), macro.on, "python", origin,
        clean(place, 4096), "ready", "", arguments, macro, source,
    )  # fmt: skip


def _nothing(file: MacroFile, origin: str, state: str, why: str) -> Entry:
    return Entry(
        clean(file.name, 100), "", "global", "python", origin, clean(file.path, 4096), state, why,
        source=file.data,
    )  # fmt: skip


def _table(descriptor: Descriptor, rule: MacroRule) -> Entry:
    macro = table_macro(descriptor, rule)
    return Entry(
        clean(macro.name, 100), clean(macro.help, 400), macro.on, "table", descriptor.origin.kind,
        clean(descriptor.origin.place or descriptor.id, 4096), "ready", "", (), macro,
    )  # fmt: skip


def _packaged(package: Package) -> list[Entry]:
    place = f"{package.package}: {package.value}"
    load: Callable[[Gate], object] = lambda gate: loaded(package)  # noqa: E731
    ran = run(load, place, deadline_s=LOAD_S)
    if isinstance(ran.result, Macro):
        return [_entry(ran.result, "package", place)]
    if isinstance(ran.result, types.ModuleType):
        return _collected(vars(ran.result), "package", place)
    why = ran.error or "it names neither a module nor a macro"
    name = clean(package.name, 100)
    return [Entry(name, "", "global", "python", "package", clean(place, 400), "broken", why)]
