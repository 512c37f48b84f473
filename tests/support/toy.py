"""What the sources of ``tests/programs/toy`` imply for each of its tasks (as ``support.zoo``)."""

from __future__ import annotations

from support.zoo import Expected

__all__ = ["BUILDS", "HELD", "TASKS"]

BUILDS = (
    ("debug", None),
    ("release", None),
    ("release", "thin-lto"),
    ("release", "fat-lto"),
    ("release", "debuglink"),
    ("release", "debug-file"),
)
"""Profile and build (or finish: stripped, with a separate debug file)."""

TASKS = (
    Expected("keeps", "toy::keeps @keeps.sleep\ntoy_rt::timer::Sleep", ("timer",)),
    Expected(
        "sleeps",
        "toy::sleeps @sleeps.nap\ntoy::nap @nap.sleep\ntoy_rt::timer::Sleep",
        ("timer",),
    ),
    Expected("wants", "toy::wants @wants.acquire\ntoy_rt::baton::Acquire", ("baton",)),
    Expected("left", "toy::crosses @crosses.acquire\ntoy_rt::baton::Acquire", ("baton",)),
    Expected("right", "toy::crosses @crosses.acquire\ntoy_rt::baton::Acquire", ("baton",)),
    Expected("gives", "toy::gives @gives.give\ntoy_rt::slot::Give", ("rendezvous give",)),
    Expected("takes", "toy::takes @takes.take\ntoy_rt::slot::Take", ("rendezvous take",)),
    Expected("ends", state="complete"),
    Expected("joins", "toy::joins @joins.join\ntoy_rt::task::Join", ("join task=child",)),
    Expected("child", "toy::nap @nap.sleep\ntoy_rt::timer::Sleep", ("timer",), parent="joins"),
    Expected("unseen", "toy::sleeps @fn (unresumed)", state="scheduled"),
)

HELD = {"wants": "keeps", "left": "right", "right": "left"}
"""Who waits for a baton, and who holds it."""
