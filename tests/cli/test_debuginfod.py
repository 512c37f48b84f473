"""Missing files are fetched by build-id, when that is asked for, and only what is right is used."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.build import Dump
from support.crash import crash
from support.elf import build_id

from adp_tui.backends.debuginfod import Debuginfod, from_environment
from adp_tui.engine.errors import OpenError

SECONDS = 60


class Server:
    """A server on this machine: what it sends, and what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.files.get(self.path)
                if answer is None:
                    self.send_error(404)
                elif callable(answer):
                    answer(self)
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, format: str, *_: object) -> None:
                pass

        self.leaving = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def has(self, kind: str, path: Path, of: str | None = None) -> str:
        """Let it have a file; return the path under which it is asked for it."""
        place = f"/buildid/{of or build_id(path)}/{kind}"
        self.files[place] = path.read_bytes()
        return place

    def close(self) -> None:
        """Let go of those that wait, and of the port."""
        self.leaving.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a server that has nothing yet."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def environment(server: Server, tmp_path: Path) -> dict[str, str]:
    """Return what names the server and a cache that is empty."""
    return {"DEBUGINFOD_URLS": server.url, "DEBUGINFOD_CACHE_PATH": str(tmp_path / "cache")}


@pytest.fixture
def gone(dump, split, tmp_path: Path) -> tuple[Dump, Path, Path, Path]:
    """Return a program, its core, and its stripped and its debug file, which nothing leads to."""
    tiny = dump("tiny")
    stripped, debug = split(tiny.exe, tmp_path)
    crash(tmp_path, [str(stripped)])
    away = tmp_path / "away"
    away.mkdir()
    return tiny, tmp_path / "core", stripped.rename(away / "tiny"), debug.rename(away / "debug")


def a_debuginfod(server: Server, folder: Path, **bounds: float) -> Debuginfod:
    return Debuginfod((server.url,), folder, **bounds)  # type: ignore[arg-type]


def test_program_and_debug_information_are_fetched(gone, server, environment, adp_tui_command):
    # GIVEN a server that has what this machine lacks
    _, core, stripped, debug = gone
    places = [server.has("executable", stripped), server.has("debuginfo", debug)]
    # WHEN the core is reported on, and servers may be asked
    words = ("report", "core", core, "--debuginfod", "--json", "--no-cache")
    ran = adp_tui_command(*words, env=environment)
    # THEN it is read as if all were here
    assert "tiny::naps" in {task["future"] for task in ran.report["tasks"]}
    assert all(f"tiny ({build_id(stripped)})" not in loss for loss in ran.losses.splitlines())
    assert set(places) <= set(server.asked)
    # AND what was fetched is for the user alone, under the names that elfutils uses
    kept = Path(environment["DEBUGINFOD_CACHE_PATH"]) / build_id(stripped)
    assert {path.name for path in kept.iterdir()} == {"executable", "debuginfo"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept.iterdir())
    # WHEN it is reported on again
    server.asked.clear()
    again = adp_tui_command(*words, env=environment)
    # THEN nobody is asked for it again
    assert again.report["tasks"] == ran.report["tasks"]
    assert not set(places) & set(server.asked)


def test_nobody_is_asked_without_the_option(gone, server, environment, adp_tui_command):
    # GIVEN a server that has the program
    _, core, stripped, _ = gone
    server.has("executable", stripped)
    # WHEN the core is reported on without --debuginfod
    ran = adp_tui_command("report", "core", core, "--json", env=environment)
    # THEN the server hears nothing, and the option is named
    assert server.asked == []
    assert f"(build-id {build_id(stripped)}) is not on this machine" in ran.losses
    assert "--debuginfod" in ran.losses


def test_debug_information_alone_is_missing(gone, server, environment, adp_tui_command):
    # GIVEN the stripped program
    _, core, stripped, debug = gone
    words = ("report", "core", core, "--exe", stripped, "--json")
    # THEN the option is named
    assert "or --debuginfod" in adp_tui_command(*words, env=environment).losses
    # AND with it the tasks are read
    server.has("debuginfo", debug)
    ran = adp_tui_command(*words, "--debuginfod", env=environment)
    assert "tiny::naps" in {task["future"] for task in ran.report["tasks"]}


def test_a_server_that_has_nothing_is_quoted(gone, server, environment, adp_tui_command):
    _, core, stripped, _ = gone
    ran = adp_tui_command("report", "core", core, "--debuginfod", "--json", env=environment)
    wanted = f"the executable of tiny ({build_id(stripped)}) is missing: {server.url}: 404"
    assert wanted in ran.losses


def test_no_server_is_named(gone, adp_tui_command):
    _, core, _, _ = gone
    ran = adp_tui_command("report", "core", core, "--debuginfod", env={"DEBUGINFOD_URLS": ""})
    assert ran.status == 3
    assert "DEBUGINFOD_URLS, which is not set" in ran.err
    assert "export DEBUGINFOD_URLS=" in ran.err


@pytest.mark.parametrize("urls", ["file:///etc/passwd", "ftp://host/", "http://", "nonsense"])
def test_only_web_addresses_are_asked(urls):
    with pytest.raises(OpenError, match="names none that begins with http"):
        from_environment({"DEBUGINFOD_URLS": urls})


def test_the_cache_is_where_the_environment_says(monkeypatch, server, dump, tmp_path):
    # GIVEN a server, and XDG_CACHE_HOME
    tiny = dump("tiny")
    server.has("executable", tiny.exe)
    found = from_environment(
        {"DEBUGINFOD_URLS": f"ftp://x {server.url}/", "XDG_CACHE_HOME": str(tmp_path)}
    )
    # THEN the cache is below it
    path = found.fetch(build_id(tiny.exe), "executable", "tiny")
    assert path == tmp_path / "adp-tui" / "debuginfod" / build_id(tiny.exe) / "executable"


def test_a_file_of_another_build_is_not_used(server, dump, tmp_path):
    # GIVEN a server that sends another file than it was asked for
    tiny = dump("tiny")
    wanted = "0123456789abcdef" * 2
    server.has("executable", tiny.exe, of=wanted)
    asked = a_debuginfod(server, tmp_path)
    # THEN there is none, and nothing is left behind
    assert asked.fetch(wanted, "executable", "tiny") is None
    assert "not of this build" in asked.problems[0]
    assert list((tmp_path / wanted).iterdir()) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(server, dump, tmp_path):
    tiny = dump("tiny")
    server.has("executable", tiny.exe)
    kept = tmp_path / build_id(tiny.exe) / "executable"
    kept.parent.mkdir()
    kept.write_bytes(b"\x7fELF and then nothing")
    path = a_debuginfod(server, tmp_path).fetch(build_id(tiny.exe), "executable", "tiny")
    assert path == kept and kept.read_bytes() == tiny.exe.read_bytes()


def sends_nothing(server: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        server.leaving.wait(SECONDS)

    return answer


def test_a_server_that_hangs_is_asked_once(server, tmp_path):
    # GIVEN a server that begins to answer and then sends nothing
    ids = ("aa" * 20, "bb" * 20)
    for each in ids:
        server.files[f"/buildid/{each}/debuginfo"] = sends_nothing(server)
    asked = a_debuginfod(server, tmp_path, silence_s=2.0)
    # THEN it is given up, and is not asked for anything else
    assert [asked.fetch(each, "debuginfo", "it") for each in ids] == [None, None]
    assert "sent nothing for" in asked.problems[0]
    assert len(server.asked) == 1


def sends(length: str, *parts: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if length:
            request.send_header("Content-Length", length)
        request.end_headers()
        for part in parts:
            try:
                request.wfile.write(part)
            except ConnectionError:
                return

    return answer


@pytest.mark.parametrize(
    ("length", "parts", "why"),
    [
        pytest.param(str(1 << 60), (b"x",), "at most 1,000,000 are taken", id="says huge"),
        pytest.param("", (b"x" * 65536,) * 64, "at most 1,000,000 are taken", id="is huge"),
        pytest.param("5000", (b"x" * 100,), "100 of 5,000 bytes", id="ends early"),
        pytest.param("-1", (b"x" * 100,), "not of this build", id="negative"),
        pytest.param("0", (), "not of this build", id="empty"),
    ],
)
def test_what_is_sent_is_bounded(server, tmp_path, length, parts, why):
    # GIVEN a server that sends nonsense
    wanted = "cc" * 20
    server.files[f"/buildid/{wanted}/debuginfo"] = sends(length, *parts)
    asked = a_debuginfod(server, tmp_path, max_file=1_000_000)
    # THEN nothing of it is kept, and it is said why
    assert asked.fetch(wanted, "debuginfo", "it") is None
    assert why in asked.problems[0]
    assert list((tmp_path / wanted).iterdir()) == []


def test_no_redirection_leads_to_a_file_of_this_machine(server, dump, tmp_path):
    tiny = dump("tiny")
    wanted = build_id(tiny.exe)

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", tiny.exe.as_uri())
        request.end_headers()

    server.files[f"/buildid/{wanted}/executable"] = answer
    asked = a_debuginfod(server, tmp_path)
    assert asked.fetch(wanted, "executable", "tiny") is None
    assert "302" in asked.problems[0]


@pytest.mark.parametrize("wanted", ["", "../../../etc/passwd", "ABCDEF0123", "ab", "ff" * 100])
def test_only_build_ids_are_asked_for(server, tmp_path, wanted):
    assert a_debuginfod(server, tmp_path).fetch(wanted, "debuginfo", "it") is None
    assert server.asked == []


def test_what_was_used_longest_ago_goes(server, dump, tmp_path):
    # GIVEN a cache with a file of long ago, and bounds that only one file fits in
    tiny = dump("tiny")
    server.has("executable", tiny.exe)
    old = tmp_path / ("dd" * 20) / "executable"
    old.parent.mkdir()
    shutil.copyfile(tiny.exe, old)
    os.utime(old, (0, 0))
    # WHEN another one is fetched
    asked = a_debuginfod(server, tmp_path, max_folder=tiny.exe.stat().st_size + 100)
    path = asked.fetch(build_id(tiny.exe), "executable", "tiny")
    # THEN the old one is gone
    assert path is not None and path.is_file() and not old.exists()
