"""What the source of ``tests/programs/lost`` implies: which tasks nothing can wake."""

from __future__ import annotations

__all__ = ["LOST", "WAKEABLE"]

LOST = {"forgets": "shows.await", "slackens": "slackens.await"}
"""Tasks whose waker nobody kept, with the marker of the line where they stand."""
WAKEABLE = {
    "boxed": "its waker is on the heap, where no variable leads to",
    "framed": "its waker is in a frame of a thread",
    "register": "its waker's data is in a register of a thread, and nowhere else",
    "wraps": "its waker is in what the waker of its inner future leads to",
    "hides": "its waker's data alone is there, in what another waker leads to",
    "intends": "it awaits `pending`",
    "never": "it awaits what has nothing to wait with",
    "dozes": "it waits for a timer",
    "meets": "it waits for a timer",
    "met": "it waits for a timer",
    "unseen": "it is scheduled",
}
"""All others, and why they are none."""
