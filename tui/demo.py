"""The crash dump that ships with adp-tui: a real core of a real program, unpacked while in use.

``demo/bank`` is the program, ``demo/make.py`` makes the archive.
"""

from __future__ import annotations

import lzma
import os
import signal
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import IO

from adp_tui.engine.errors import OpenError

__all__ = ["DemoFiles", "demo_files"]

_ARCHIVE = "demo_data/bank.tar.xz"
_BLOCK = 1 << 16
"""Bytes that are copied at a time. Stacks are mostly zeros: a block of zeros becomes a hole."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the parts of the demo lie; they are gone when the context ends."""

    core: Path
    executable: Path
    sources: Path
    """The package of the program: ``src/transfers.rs`` is below it."""
    sysroot: Path
    """The root that the program ran in: its own files, and nothing of any distribution."""


@contextmanager
def demo_files() -> Iterator[DemoFiles]:
    """Unpack the demo into a folder that only this user can read, and remove it afterwards.

    Raises:
        OpenError: the archive is missing or damaged, or there is no room for its content.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="adp-tui-demo-")
    except OSError as error:
        raise _no_room(error) from error
    with folder as name, _cleaned_when_killed(folder.cleanup):
        root = Path(name)
        _unpack(root)
        package = root / "bank"
        yield DemoFiles(
            core=root / "core", executable=package / "bank", sources=package, sysroot=root
        )


@contextmanager
def _cleaned_when_killed(clean: Callable[[], None]) -> Iterator[None]:
    """Clean before dying of a closed terminal or of ``kill``; only Python's main thread can."""

    def die(number: int, _: FrameType | None) -> None:
        clean()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    ours = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGHUP, signal.SIGTERM):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, die)
                ours.append(number)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _unpack(root: Path) -> None:
    archive = resources.files("adp_tui.tui").joinpath(_ARCHIVE)
    try:
        with (
            archive.open("rb") as packed,
            lzma.open(packed) as plain,
            tarfile.open(fileobj=plain, mode="r|") as entries,
        ):
            for entry in entries:
                _unpack_one(entries, entry, root)
    except FileNotFoundError as error:
        raise OpenError("the demo's dump is not in this installation", help=_REINSTALL) from error
    except (lzma.LZMAError, tarfile.TarError, EOFError) as error:
        message = f"the demo's dump is damaged: {error}"
        raise OpenError(message, help=_REINSTALL) from error
    except OSError as error:
        raise _no_room(error) from error


def _unpack_one(entries: tarfile.TarFile, entry: tarfile.TarInfo, root: Path) -> None:
    name = PurePosixPath(entry.name)
    content = entries.extractfile(entry) if entry.isfile() else None
    if content is None or name.is_absolute() or ".." in name.parts:
        raise tarfile.ReadError(f"{name} is no file below the archive's root")
    path = root / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with content, path.open("xb") as out:
        _copy(content, out)
        out.truncate(entry.size)
    path.chmod(entry.mode & 0o700)
    # The time at which a core was written is the time at which the program died.
    os.utime(path, (entry.mtime, entry.mtime))


def _copy(content: IO[bytes], out: IO[bytes]) -> None:
    zeros = bytes(_BLOCK)
    while block := content.read(_BLOCK):
        if block == zeros:
            out.seek(_BLOCK, 1)
        else:
            out.write(block)


_REINSTALL = "install adp-tui again (pip install --force-reinstall adp-tui), or run `make demo`"


def _no_room(error: OSError) -> OpenError:
    return OpenError(
        f"can't unpack the demo into {tempfile.gettempdir()}: {error.strerror or error}",
        help="name a folder with 30 MB of room: TMPDIR=DIR adp-tui demo",
    )
