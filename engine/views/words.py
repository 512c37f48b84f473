"""Facts in a person's words: durations, names, waits, what a thread does."""

from __future__ import annotations

import re
from functools import lru_cache

from adp_tui.engine.model import Doing, Holder, Owner, Resource, Wait
from adp_tui.engine.rust.names import short_type, split_segments
from adp_tui.engine.target import Scheduling
from adp_tui.engine.text import clean

__all__ = [
    "count_of",
    "doing",
    "duration",
    "end_place",
    "end_words",
    "future_name",
    "key_order",
    "resource_state",
    "scheduling_words",
    "short_function",
    "type_name",
    "wait_kind",
    "wait_sentence",
    "wait_target",
    "wait_words",
]

MAX_NAME = 200
_FUNCTION = re.compile(r"::\{async_fn_env#\d+\}")
_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))
_NUMBERS = re.compile(r"(\d+)")


_STATES = {
    "R": "running or ready",
    "S": "sleeps",
    "D": "sleeps and takes no signals",
    "T": "stopped by a signal",
    "t": "stopped by a tracer",
}
"""Of threads, as the kernel names them (proc(5))."""


def count_of(number: int, noun: str) -> str:
    """Return ``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Return a duration in at most five characters or so: ``120ms``, ``2.5s``, ``3m05s``."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    for size, unit, below, lower in _UNITS:
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size}{unit}{rest:02}{lower}" if rest else f"{whole // size}{unit}"
    return f"{whole}s"


@lru_cache(maxsize=16_384)
def type_name(name: str) -> str:
    """Return a type's name without the modules' paths, a coroutine as its function."""
    # Nearly every collection has the default allocator: it says nothing.
    short = short_type(clean(name, 4096).replace(", alloc::alloc::Global>", ">"))
    short = _FUNCTION.sub("", short).replace("_block_env#", "_block#")
    return clean(short.replace("_closure_env#", "_closure#"), MAX_NAME)


@lru_cache(maxsize=16_384)
def future_name(name: str) -> str:
    """Return the short name of a task's future: ``bank::audit``, ``Instrumented<x>``."""
    return type_name(name) if "<" in name.lstrip("<") else short_function(name)


@lru_cache(maxsize=16_384)
def short_function(name: str) -> str:
    """Return the last two segments of a function's path, blocks and closures not counted."""
    segments = split_segments(clean(name, 4096))
    start = len(segments)
    for _ in range(2):
        start -= 1
        while start > 0 and segments[start].startswith("{"):
            start -= 1
    shown = [short_type(s) if s.startswith("<") else s for s in segments[max(start, 0) :]]
    return clean("::".join(shown), MAX_NAME)


def key_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return by what to sort text so that ``t10`` stands after ``t9``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() and len(part) < 40 else (1, 0, part)
        for part in _NUMBERS.split(text.lower())
        if part
    )


# Waits.


def wait_kind(wait: Wait) -> str:
    """Return kind and mode: ``rwlock write``, ``io readable``, ``mutex``."""
    return f"{wait.kind} {wait.mode}" if wait.mode else wait.kind


def wait_target(wait: Wait) -> str:
    """Return what is waited on or for how long: ``r3``, ``fd 7``, ``t12``, ``2.5s``."""
    if wait.kind == "timer":
        if wait.remaining_s is None:
            return ""
        left = wait.remaining_s
        return duration(left) if left >= 0 else f"{duration(-left)} overdue"
    if wait.task is not None:
        return wait.task
    if wait.fd is not None:
        return f"fd {wait.fd}"
    if wait.resource is not None:
        return wait.resource
    if wait.kind == "unknown" and wait.detail:
        return type_name(wait.detail)
    return ""


def wait_words(wait: Wait) -> str:
    """Return a wait in a few words: ``mutex r3``, ``timer 2.5s``, ``io fd 7 readable``."""
    target = wait_target(wait)
    words = wait_kind(wait)
    if target:
        # The mode of an I/O wait reads better behind its file descriptor.
        words = (
            f"io {target} {wait.mode or ''}".rstrip() if wait.kind == "io" else f"{words} {target}"
        )
    return words if wait.armed else f"{words} (not polled)"


def wait_sentence(wait: Wait, resource: Resource | None) -> str:
    """Return all that is known of a wait, for the detail of a task."""
    parts = [wait_words(wait)]
    if wait.kind == "timer" and wait.remaining_s is not None and wait.remaining_s >= 0:
        parts[0] += " left"
    if wait.resource is not None and wait.resource not in parts[0].split():
        parts[0] += f" {wait.resource}"
    if resource is not None:
        parts.append(f"{type_name(resource.type)} at {resource.address:#x}")
        state = resource_state(resource)
        if state:
            parts.append(state)
        parts.append(f"{len(resource.waiters)} waiting")
    if wait.detail and wait.kind != "unknown":
        parts.append(clean(wait.detail, MAX_NAME))
    text = ", ".join(parts)
    if wait.branch is not None:
        text = f"branch {clean(wait.branch, MAX_NAME)}: {text}"
    return text if wait.conf == "certain" else f"{text} ({wait.conf.value})"


def resource_state(resource: Resource) -> str:
    """Return a resource's state: ``permits 0, readers 1``; what is not known is left out."""
    return ", ".join(f"{clean(k, 64)} {v}" for k, v in resource.state if v is not None)


def end_place(end: Holder | Owner) -> str:
    """Return where a guard or an end is: ``desk.held in bank::audit, since line 43``."""
    variable = clean(end.variable + (end.path or ""), MAX_NAME)
    since = "" if end.line is None else f", since line {end.line}"
    return f"{variable} in {clean(end.function, MAX_NAME)}{since}"


def end_words(end: Holder | Owner) -> str:
    """Return all that is known of a guard or an end, but for who has it."""
    words = end_place(end)
    if isinstance(end, Holder) and end.mode is not None and end.mode != "exclusive":
        mode = clean(end.mode, 64)
        many = end.mode == "permit" and end.amount is not None
        words = f"{count_of(end.amount or 0, mode) if many else mode} as {words}"
    else:
        words = f"as {words}"
    return words if end.conf == "certain" else f"{words} ({end.conf.value})"


# Threads.


def scheduling_words(scheduling: Scheduling) -> str:
    """Return state, place in the kernel and used time: ``S sleeps in do_epoll_wait, CPU 12s``."""
    state = clean(scheduling.state, 8)
    words = f"{state} {_STATES.get(state, '')}".strip()
    if scheduling.channel is not None:
        words += f" in {clean(scheduling.channel, MAX_NAME)}"
    return f"{words}, CPU {duration(scheduling.cpu_s)}"


def doing(doing: Doing, task: str | None) -> str:
    """Say what a thread does."""
    call = doing.syscall or ""
    if call and doing.fd is not None:
        call += f" fd {doing.fd}"
    inside = f" in {call}" if call else ""
    lock = f" at {doing.lock}" if doing.lock else ""
    wait = doing.wait
    if wait is not None:
        lock = f" for {wait.kind} {wait.resource}"
    match doing.kind:
        case "parked":
            return "parked"
        case "driver":
            return f"waits for events{inside}"
        case "polling":
            return f"polls {task or 'a task'}{inside}{lock}"
        case "blocking_job":
            return f"blocking job{inside}{lock}"
        case "futex":
            return f"waits for a lock{lock}" if wait is None else f"waits{lock}"
        case "syscall":
            return call
        case kind:
            return kind
