"""Damage that hits anything: whatever is read then is checked by ``look_at_all``."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.damage import DamagedCore, look_at_all
from support.build import Dump

from adp_tui.engine.errors import OpenError

Damage = Callable[[DamagedCore, random.Random], None]

KINDS: dict[str, Damage] = {
    "some words": lambda core, chance: core.spoil_words(chance, 10),
    "many words": lambda core, chance: core.spoil_words(chance, 500),
    "bytes": lambda core, chance: core.spoil_bytes(chance, 0.01),
    "many bytes": lambda core, chance: core.spoil_bytes(chance, 0.3),
    "zeros": lambda core, chance: core.zero_segments(chance, 3),
    "registers": lambda core, chance: core.spoil_registers(chance),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_survived(
    kind: str, seed: int, core: DamagedCore, zoo: Dump, known_files: None
) -> None:
    # GIVEN a core that is damaged in places that only the seed knows
    KINDS[kind](core, random.Random(f"{kind} {seed}"))
    # WHEN all of it is looked at THEN no error comes out, and what comes out is fit to be shown
    look_at_all(core.path, zoo.exe, locals=seed == 0 and "many" in kind)


@pytest.mark.parametrize("kind", ["some words", "many words", "bytes", "zeros"])
def test_damage_of_other_runtimes_is_survived(
    kind: str, dump: Callable[..., Dump], tmp_path: Path, known_files: None
) -> None:
    # GIVEN a core with several runtimes, in whose memory wakers are searched for
    pond = dump("pond", profile="release")
    copy = DamagedCore(pond.core, tmp_path / "core")
    KINDS[kind](copy, random.Random(f"{kind} of the pond"))
    # WHEN all of it is looked at THEN no error comes out, and what comes out is fit to be shown
    look_at_all(copy.path, pond.exe, locals=False)
    copy.close()
    copy.path.unlink()


@pytest.mark.parametrize("share", [0.002, 0.02, 0.5])
def test_a_core_that_is_cut_off(share: float, zoo: Dump, tmp_path: Path, known_files: None) -> None:
    # GIVEN a core of which only the first part is there
    copy = DamagedCore(zoo.core, tmp_path / "core")
    size = copy.path.stat().st_size
    os.truncate(copy.path, int(size * share))
    # WHEN it is looked at
    seen = look_at_all(copy.path, zoo.exe, locals=False)
    # THEN it is said how much is missing
    (cut,) = (loss for loss in seen.snapshot.losses if loss.what == "target")
    assert cut.missing and "truncated" in cut.why
    copy.path.unlink()


def test_nothing_but_headers_is_refused(zoo: Dump, tmp_path: Path) -> None:
    copy = DamagedCore(zoo.core, tmp_path / "core")
    os.truncate(copy.path, 64)
    with pytest.raises(OpenError) as refused:
        look_at_all(copy.path, zoo.exe)
    assert refused.value.help
    copy.path.unlink()
