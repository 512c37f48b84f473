"""Make the dump behind ``adp-tui demo``: build the bank, let it crash, pack what is left.

    python demo/make.py

needs a Rust toolchain, and a Linux that lets this user make namespaces and writes a core into
the folder of the process. The result, ``tui/demo_data/bank.tar.xz``, is committed: whoever
only looks at the demo needs none of that.

The dump must read the same on every machine, and say nothing of this one:

- the program is linked statically, so that it needs no library of any distribution;
- compiler and linker write ``/bank``, ``/cargo/registry`` and ``/rust`` for the folders that
  sources lie in;
- the program runs as ``/bank/bank`` in a root of its own, with no environment, with process
  numbers from 1, and without address randomisation;
- the kernel's own page (the vdso), which may name the folder that it was built in, is left
  out of the core: no thread stands in it;
- the archive has no owners, and one time: when the core was written.
"""

from __future__ import annotations

import argparse
import io
import lzma
import os
import shlex
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE / "bank"
ARCHIVE = HERE.parent / "tui" / "demo_data" / "bank.tar.xz"
BUILD = HERE.parent / "target" / "demo"
PLATFORM = "x86_64-unknown-linux-gnu"

SAVED = 0x11
"""What the core keeps (core(5)): private memory that was written to, and ELF headers. The
rest stands in the executable."""

PT_LOAD, PT_NOTE, NT_AUXV, AT_SYSINFO_EHDR = 1, 4, 6, 33

RUN = """
mount -t proc proc {root}/proc
ulimit -c unlimited
echo {saved:#x} > /proc/self/coredump_filter
cd {root}
chroot=$(command -v chroot)
setarch --addr-no-randomize env -i "$chroot" {root} /bank/bank || true
"""
"""What a shell does as the first process of new namespaces. The program is its child, since a
first process can't die of SIGABRT."""


def main() -> int:
    """Make the dump."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsItIs)
    parser.add_argument("--output", type=Path, default=ARCHIVE, help=f"default: {ARCHIVE}")
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory(prefix="bank-") as folder:
        root = Path(folder)
        executable = build()
        core = crash(executable, root)
        forget_kernel(core)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(packed(executable, core))
    print(f"{output}: {output.stat().st_size:,} bytes")
    return 0


class _AsItIs(argparse.RawDescriptionHelpFormatter):
    """Keep the lines of the description."""


def build() -> Path:
    """Build the program and return its executable."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", BUILD))
    environment = {
        **os.environ,
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(_flags()),
        "CARGO_INCREMENTAL": "0",
    }
    command = ["cargo", "build", "--release", "--locked", "--target", PLATFORM]
    _run([*command, "--target-dir", str(target)], cwd=PROJECT, env=environment)
    return target / PLATFORM / "release" / "bank"


def _flags() -> Iterator[str]:
    yield "-Ctarget-feature=+crt-static"
    yield "-Clink-arg=-Wl,--build-id=sha1"
    # The last one that fits is used.
    for folder, name in [
        (Path.home(), "/home"),
        (_cargo_home(), "/cargo"),
        *((registry, "/cargo/registry") for registry in (_cargo_home() / "registry/src").glob("*")),
        (_sysroot(), "/rust"),
        (_sysroot() / "lib/rustlib/src/rust", "/rust"),
        (HERE.parent, "/adp-tui"),
        (PROJECT, "/bank"),
    ]:
        yield f"--remap-path-prefix={folder}={name}"


def _cargo_home() -> Path:
    return Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


def _sysroot() -> Path:
    command = ["rustc", "--print", "sysroot"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def crash(executable: Path, root: Path) -> Path:
    """Run the program in a root of its own until it aborts, and return its core."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern[:1] in "|/":
        sys.exit(
            f"cores go to {pattern} here, and not into the folder of the process; for a while:\n"
            "  sudo sysctl kernel.core_pattern=core"
        )
    (root / "bank").mkdir()
    (root / "proc").mkdir()
    shutil.copy(executable, root / "bank" / "bank")
    script = RUN.format(root=shlex.quote(str(root)), saved=SAVED)
    spaces = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]
    _run([*spaces, "sh", "-euc", script])
    cores = list(root.glob("core*"))
    if len(cores) != 1:
        sys.exit(f"the program left {len(cores)} cores, not one")
    return cores[0]


def forget_kernel(core: Path) -> None:
    """Take the bytes of the vdso out of a core: its segment stays, with nothing saved."""
    data = bytearray(core.read_bytes())
    table, size, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
    headers = [table + size * number for number in range(count)]
    notes = next(at for at in headers if struct.unpack_from("<I", data, at)[0] == PT_NOTE)
    vdso = _auxiliary(data, *struct.unpack_from("<Q16xQ", data, notes + 8))[AT_SYSINFO_EHDR]
    for at in headers:
        kind, _, offset, address, _, saved = struct.unpack_from("<IIQQQQ", data, at)
        if kind == PT_LOAD and address == vdso:
            data[offset : offset + saved] = bytes(saved)
            struct.pack_into("<Q", data, at + 32, 0)
    core.write_bytes(data)


def _auxiliary(data: bytearray, at: int, size: int) -> dict[int, int]:
    """Return the auxiliary vector, from the notes at an offset."""
    end = at + size
    while at < end:
        name, length, kind = struct.unpack_from("<III", data, at)
        at += 12 + (name + 3 & ~3)
        if kind == NT_AUXV:
            words = struct.unpack_from(f"<{length // 8}Q", data, at)
            return dict(zip(words[::2], words[1::2], strict=True))
        at += length + 3 & ~3
    sys.exit("the core has no auxiliary vector")


def packed(executable: Path, core: Path) -> bytes:
    """Return the archive: what ``tui/demo.py`` unpacks."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        # Sources come first: `tar t` shows at once what this is.
        for path in sorted(
            [PROJECT / "Cargo.toml", PROJECT / "Cargo.lock", *PROJECT.glob("src/*")]
        ):
            _add(archive, path, f"bank/{path.relative_to(PROJECT)}", 0o644)
        _add(archive, executable, "bank/bank", 0o755)
        _add(archive, core, "core", 0o600, int(core.stat().st_mtime))
    extreme = 9 | lzma.PRESET_EXTREME
    return lzma.compress(plain.getvalue(), check=lzma.CHECK_SHA256, preset=extreme)


def _add(archive: tarfile.TarFile, path: Path, name: str, mode: int, written: int = 0) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    entry.mode = mode
    entry.mtime = written
    with path.open("rb") as content:
        archive.addfile(entry, content)


def _run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, check=False, cwd=cwd, env=env)
    if done.returncode:
        sys.exit(f"this failed with status {done.returncode}: {shlex.join(command[:6])} …")


if __name__ == "__main__":
    sys.exit(main())
