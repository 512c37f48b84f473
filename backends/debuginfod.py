"""Files that are missing here, fetched by build-id from debuginfod servers: only when asked for.

The protocol is elfutils' (``debuginfod(8)``): ``GET URL/buildid/HEX/executable`` and
``…/debuginfo``. So is the layout of the cache: HEX/executable and HEX/debuginfo in a folder.
What a server sends is hostile: it is bounded in size and time, and used only when it is an ELF
file of the build that was asked for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from adp_tui.backends.files import clean, open_elf
from adp_tui.engine.errors import OpenError
from adp_tui.engine.kept import kept_folder, outgrown

__all__ = ["Debuginfod", "Kind", "from_environment"]

Kind = Literal["executable", "debuginfo"]
Tell = Callable[[str, int, int | None], None]
"""Is told what is fetched, how much of it is there, and how much it will be where that is known."""

SILENCE_S = 30.0
"""How long a server may send nothing; ``DEBUGINFOD_TIMEOUT`` says otherwise."""
FETCH_S = 900.0
"""How long one file may take."""
MAX_FILE = 4 << 30
"""Bytes of one file: the debug information of the largest programs has 2 GB."""
MAX_FOLDER = 16 << 30
"""Bytes of all files: beyond, those that were used longest ago go."""
SPARE = 1 << 30
"""Bytes of the disk that are left free."""
MAX_SERVERS = 8
_CHUNK = 1 << 18
_PART = ".part-"


def from_environment(environment: Mapping[str, str], tell: Tell | None = None) -> Debuginfod:
    """Return what asks the servers that ``DEBUGINFOD_URLS`` names.

    Raises:
        OpenError: it names none that can be asked, or there is no folder for files.
    """
    urls = environment.get("DEBUGINFOD_URLS", "").split()
    servers = tuple(url.rstrip("/") for url in urls if _is_web(url))[:MAX_SERVERS]
    if not servers:
        has = "names none that begins with http:// or https://" if urls else "is not set"
        raise OpenError(
            f"--debuginfod asks the servers in DEBUGINFOD_URLS, which {has}",
            help="export DEBUGINFOD_URLS=https://debuginfod.elfutils.org",
        )
    folder = _folder(environment)
    silence = environment.get("DEBUGINFOD_TIMEOUT", "")
    seconds = float(silence) if silence.isdecimal() and int(silence) > 0 else SILENCE_S
    return Debuginfod(servers, folder, silence_s=seconds, tell=tell)


def _folder(environment: Mapping[str, str]) -> Path:
    own = environment.get("DEBUGINFOD_CACHE_PATH", "")
    if own:
        return Path(own)
    root = kept_folder(environment)
    if root is None:
        raise OpenError(
            "--debuginfod has no folder for what it fetches: this user has no home",
            help="export DEBUGINFOD_CACHE_PATH=DIR",
        )
    return root / "debuginfod"


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _RefusedError(Exception):
    """A server's answer is of no use; the message says why."""


class _GoneError(_RefusedError):
    """A server does not answer at all: it is not asked again."""


class Debuginfod:
    """Servers that are asked in turn, and a folder that keeps what they sent. One thread.

    ``problems`` says of each file that no server had why it is missing.
    """

    def __init__(
        self,
        servers: tuple[str, ...],
        folder: Path,
        *,
        silence_s: float = SILENCE_S,
        fetch_s: float = FETCH_S,
        max_file: int = MAX_FILE,
        max_folder: int = MAX_FOLDER,
        tell: Tell | None = None,
    ) -> None:
        self._servers = list(servers)
        self._folder = folder
        self._silence_s = silence_s
        self._fetch_s = fetch_s
        self._max_file = max_file
        self._max_folder = max_folder
        self.tell = tell
        self._opener = _opener()
        self._asked: dict[tuple[str, Kind], Path | None] = {}
        self.problems: list[str] = []

    def fetch(self, build_id: str, kind: Kind, name: str) -> Path | None:
        """Return the file of a build, from the cache or a server; None where nobody has it.

        Args:
            build_id: hexadecimal digits.
            kind: what of the build.
            name: what the file is called, for people.
        """
        key = (build_id, kind)
        if key not in self._asked:
            self._asked[key] = self._fetch(build_id, kind, name)
        return self._asked[key]

    def _fetch(self, build_id: str, kind: Kind, name: str) -> Path | None:
        if not 8 <= len(build_id) <= 128 or set(build_id) - set("0123456789abcdef"):
            return None
        path = self._folder / build_id / kind
        if _is_of(path, build_id):
            with suppress(OSError):
                # The time of the last use decides what goes first.
                os.utime(path)
            return path
        reasons = []
        for server in list(self._servers):
            try:
                self._download(f"{server}/buildid/{build_id}/{kind}", path, build_id, name)
            except _RefusedError as refused:
                reasons.append(f"{server}: {refused}")
                if isinstance(refused, _GoneError):
                    self._servers.remove(server)
                continue
            self._trim(path)
            return path
        said = "; ".join(reasons) or "no server that was asked answers"
        self.problems.append(f"debuginfod: the {kind} of {name} ({build_id}) is missing: {said}")
        return None

    def _download(self, url: str, path: Path, build_id: str, name: str) -> None:
        """Put what a server sends in its place.

        Raises:
            _RefusedError: it is not what was asked for, or there is none.
        """
        request = Request(url, headers={"User-Agent": "adp-tui"})
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._opener.open(request, timeout=self._silence_s) as answer:
                # Made with mode 0600.
                handle, part = tempfile.mkstemp(dir=path.parent, prefix=_PART)
                try:
                    with os.fdopen(handle, "wb") as file:
                        self._copy(answer, file.write, name)
                    if not _is_of(Path(part), build_id):
                        raise _RefusedError("it sent a file that is not of this build")
                    os.replace(part, path)
                except BaseException:
                    os.unlink(part)
                    raise
        except HTTPError as error:
            raise _RefusedError(f"{error.code} {clean(str(error.reason).encode())}") from error
        except TimeoutError as error:
            raise _GoneError(f"it sent nothing for {self._silence_s:.0f} s") from error
        except (OSError, HTTPException, ValueError) as error:
            why = clean(str(getattr(error, "reason", error)).encode()) or type(error).__name__
            raise _GoneError(why) from error

    def _copy(self, answer: HTTPResponse, write: Callable[[bytes], object], name: str) -> None:
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        free = shutil.disk_usage(self._folder).free - SPARE
        limit = min(self._max_file, max(free, 0))
        end = time.monotonic() + self._fetch_s
        done = 0
        if total is not None and total > limit:
            raise _RefusedError(self._too_large(total, free))
        while chunk := answer.read1(_CHUNK):
            done += len(chunk)
            if done > limit:
                raise _RefusedError(self._too_large(done, free))
            if time.monotonic() > end:
                raise _GoneError(f"it took more than {self._fetch_s:.0f} s")
            write(chunk)
            if self.tell is not None:
                self.tell(name, done, total)
        if total is not None and done < total:
            raise _RefusedError(f"it sent {done:,} of {total:,} bytes")

    def _too_large(self, size: int, free: int) -> str:
        if size > self._max_file:
            return f"it sends {size:,} bytes, and at most {self._max_file:,} are taken"
        return f"it sends {size:,} bytes, and {max(free, 0):,} may be used in {self._folder}"

    def _trim(self, kept: Path) -> None:
        """Remove what was used longest ago, until the rest is small enough."""
        names = ("executable", "debuginfo")
        files = (path for path in self._folder.glob("*/*") if path.name in names)
        for path in outgrown(files, self._max_folder):
            if path != kept:
                with suppress(OSError):
                    path.unlink()
                    path.parent.rmdir()


def _opener() -> OpenerDirector:
    """Return what opens web addresses and nothing else: no redirection leads to a local file."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPRedirectHandler,
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _is_of(path: Path, build_id: str) -> bool:
    """Tell whether a file is an ELF file of this build."""
    try:
        found = open_elf(path)
    except (OSError, ValueError):
        return False
    return found is not None and found.image.build_id == build_id
