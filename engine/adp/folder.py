"""The folders with a team's and a user's own descriptors: ``.adp/`` and ``~/.config/adp-tui/``.

Descriptors are data: reading them needs no trust. A file that cannot be used is listed with its
reason and spoils no other.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from adp_tui.engine.adp.catalogue import SUFFIX, catalogue_texts
from adp_tui.engine.adp.descriptor import MAX_SIZE, load
from adp_tui.engine.adp.schema import Descriptor, Origin
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError, OpenError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.text import clean

__all__ = [
    "NAME",
    "Folder",
    "Provision",
    "find_folders",
    "named_folder",
    "provision",
    "user_folder",
]

NAME = ".adp"
MAX_FILES = 256
"""Descriptors of one folder."""
MAX_PARENTS = 64
_ROOT = ".git"
"""Stands at the root of a repository: a folder, or a file in a worktree."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with extensions. ``origin`` is ``project`` or ``user``."""

    path: Path
    origin: str


@dataclass(frozen=True, slots=True)
class Provision:
    """What the folders hold."""

    folders: tuple[Folder, ...] = ()
    descriptors: tuple[Descriptor, ...] = ()
    """The nearest first."""
    extensions: tuple[Extension, ...] = ()
    """Files that cannot be used, with the reason."""


def user_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the user's own folder by the XDG base directory specification; None without a home."""
    base = environment.get("XDG_CONFIG_HOME", "")
    try:
        root = Path(base) if base.startswith("/") else Path.home() / ".config"
    except RuntimeError:
        return None
    return root / "adp-tui"


def named_folder(path: Path) -> Folder:
    """Return the folder that ``--adp DIR`` names: itself, or the ``.adp`` in it.

    Raises:
        OpenError: there is none.
    """
    inner = path / NAME
    found = inner if inner.is_dir() else path
    if not found.is_dir():
        raise OpenError(f"--adp {path}: there is no such folder", help="name a folder: --adp DIR")
    return Folder(found.absolute(), "project")


def find_folders(start: Path, environment: Mapping[str, str]) -> tuple[Folder, ...]:
    """Return the ``.adp`` folders from ``start`` up to its repository's root, then the user's.

    Outside a repository only ``start`` itself is looked at. A folder that belongs to somebody else
    (but root) is passed over: it can be named.
    """
    found = [Folder(path / NAME, "project") for path in _up(start.absolute())]
    own = user_folder(environment)
    if own is not None:
        found.append(Folder(own, "user"))
    return tuple(folder for folder in found if _is_ours(folder.path))


def _up(start: Path) -> list[Path]:
    """Return the folders from one up to the root of its repository."""
    walked = []
    for path in (start, *start.parents)[:MAX_PARENTS]:
        walked.append(path)
        try:
            if (path / _ROOT).exists():
                return walked
        except OSError:
            break
    return [start]


def _is_ours(path: Path) -> bool:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid in (os.geteuid(), 0)


def provision(folders: tuple[Folder, ...]) -> Provision:
    """Read the descriptors of folders, of which the nearest comes first."""
    texts: dict[str, str] = dict(catalogue_texts())
    layers: list[tuple[Folder, dict[str, str]]] = []
    broken: list[Extension] = []
    for folder in folders:
        own: dict[str, str] = {}
        for path, problem in _files(folder.path):
            try:
                if problem:
                    raise AdpError(problem)
                own[path.name.removesuffix(SUFFIX)] = _read(path)
            except AdpError as error:
                broken.append(_broken(folder, path, error))
        layers.append((folder, own))
    descriptors: list[Descriptor] = []
    # A file may extend one of the same name that is farther away, so the farthest come first.
    for folder, own in reversed(layers):
        made, failed = _load(folder, own, texts)
        descriptors[:0] = made.values()
        broken += failed
        texts |= {name: json.dumps(descriptor.data) for name, descriptor in made.items()}
    return Provision(folders, tuple(descriptors), tuple(broken))


def _load(
    folder: Folder, own: Mapping[str, str], texts: Mapping[str, str]
) -> tuple[dict[str, Descriptor], list[Extension]]:
    """Return the descriptors of a folder by file name, and those that cannot be used."""
    made: dict[str, Descriptor] = {}
    failed: list[Extension] = []
    known = {**texts, **own}
    # What takes the place of one farther away first: the others of the folder extend the result.
    for name in sorted(own, key=lambda name: name not in texts):
        path = folder.path / f"{name}{SUFFIX}"
        others = known
        if name in texts:
            others = {**known, name: texts[name]}
        try:
            made[name] = load(own[name], others, Origin(folder.origin, str(path)))
        except AdpError as error:
            failed.append(_broken(folder, path, error))
        else:
            known[name] = json.dumps(made[name].data)
    return {name: made[name] for name in own if name in made}, failed


def _broken(folder: Folder, path: Path, error: AdpError) -> Extension:
    name = clean(path.name.removesuffix(SUFFIX), 200)
    why = clean(error.message if not error.help else f"{error.message}; {error.help}", 1000)
    return Extension("descriptor", name, folder.origin, clean(str(path), 4096), "broken", why)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the descriptors of a folder by name, and why one is not read."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except OSError as error:
        yield folder / f"*{SUFFIX}", f"the folder cannot be read: {error.strerror}"
        return
    for name in names[:MAX_FILES]:
        yield folder / name, ""
    for name in names[MAX_FILES:][:1]:
        yield folder / name, f"{len(names)} descriptors are more than {MAX_FILES}: the rest is left"


def _read(path: Path) -> str:
    """Return the text of a regular file of limited size.

    Raises:
        AdpError: it is none, or cannot be read.
    """
    try:
        # A pipe would keep its reader waiting.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise AdpError("it is no regular file")
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise AdpError(f"it cannot be read: {error.strerror}") from None
    if len(data) > MAX_SIZE:
        raise AdpError(f"it has more than {MAX_SIZE} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise AdpError("it is no UTF-8") from None
