"""What the sources of ``tests/programs/zoo`` imply for each of its tasks.

``stack`` has a line for each frame, outermost first: a function of the program with the marker
of the line at which it stands (``@fn``: where the function begins), or the first library
function below one. Branches of select!, join! and the like are indented.
"""

from __future__ import annotations

from support.zoo.channels import CHANNELS
from support.zoo.combine import COMBINED
from support.zoo.compose import COMPOSED
from support.zoo.daily import DAILY
from support.zoo.expected import Expected
from support.zoo.locks import LOCKS
from support.zoo.roots import OTHERS
from support.zoo.sockets import SOCKETS
from support.zoo.states import STATES
from support.zoo.wrap import WRAPPED

__all__ = ["TASKS", "Expected", "tasks_with"]

TASKS = (*COMPOSED, *COMBINED, *LOCKS, *CHANNELS, *SOCKETS, *STATES, *OTHERS, *DAILY, *WRAPPED)


def tasks_with(tokio: str | None) -> tuple[Expected, ...]:
    """Return the tasks of the program that is built for this version of tokio."""
    return tuple(each for each in TASKS if each.is_in(tokio))
