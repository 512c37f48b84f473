"""Fixtures for all tests: real programs and their cores."""

from __future__ import annotations

import gc
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from support.build import Dump, MissingToolError, make
from support.cores import Cores
from support.workers import Scheduler, turn

# A shell ignores these in what it runs in the background (nohup the last), and programs inherit
# that: those that the tests start are ended by signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    return Scheduler(config, log)


def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay, out of each search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that measures time, or watches a process, have the machine for itself."""
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def own_cache() -> Iterator[None]:
    """Let nothing that another run kept answer for the code under test, nor what the user has."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", folder)
        patch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        yield


@pytest.fixture(scope="session")
def dump() -> Callable[..., Dump]:
    """Return ``support.build.make``: a program of ``tests/programs`` and its core."""

    def made(*arguments: str, **options: Any) -> Dump:
        try:
            return make(*arguments, **options)
        except MissingToolError as problem:
            pytest.fail(str(problem))

    return made


@pytest.fixture(scope="session")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cores]:
    """Return what builds a single source file and lets it crash."""
    if not (shutil.which("gcc") and shutil.which("gdb")):
        pytest.fail("gcc and gdb are needed: apt-get install gcc gdb")
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.fail("the hard limit of core files is 0: ulimit -Hc unlimited")
    folder = tmp_path_factory.mktemp("cores")
    yield Cores(folder)
    shutil.rmtree(folder, ignore_errors=True)
