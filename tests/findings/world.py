"""A snapshot in the making: tasks with waits, resources with holders."""

from __future__ import annotations

from typing import Any

from adp_tui.engine.findings.find import find
from adp_tui.engine.model import (
    Branch,
    Confidence,
    Executor,
    Finding,
    Frame,
    Holder,
    Owner,
    Queues,
    Resource,
    ResourceColumns,
    Snapshot,
    Stack,
    TargetFacts,
    Task,
    TaskColumns,
    TaskCounts,
    TaskState,
    Thread,
    Wait,
)

TARGET = TargetFacts(
    "core", "core", 1, "/opt/bank", None, "x86_64", None, None, "adp-tui", None, ()
)


def frame(*branches: Branch, combinator: str | None = None) -> Frame:
    return Frame(
        "bank::pay", "async_fn", "suspended", "T", file="src/pay.rs", line=7, branches=branches,
        combinator=combinator,
    )  # fmt: skip


def arm(label: str, state: str = "pending", *frames: Frame) -> Branch:
    return Branch(label, state, frames or (frame(),))


def select(*labels: str) -> Frame:
    return frame(*map(arm, labels), combinator="select")


def join(*labels: str) -> Frame:
    return frame(*map(arm, labels), combinator="join")


class World:
    """Tasks and resources are added in order: the first ones are ``t1`` and ``r1``."""

    def __init__(self) -> None:
        self.tasks = TaskColumns()
        self.stacks: list[Stack] = []
        self.resources: list[Resource] = []
        self.threads: list[Thread] = []
        self.executors: list[Executor] = []

    def executor(self, parent: str | None = None) -> str:
        key = f"x{len(self.executors) + 1}"
        counts, queues = TaskCounts(), Queues()
        self.executors.append(
            Executor(key, "tokio.local_set", "tokio", None, 0, parent, (), (), counts, queues, None)
        )
        return key

    def task(
        self,
        *waits: Wait,
        frames: tuple[Frame, ...] = (),
        state: TaskState = TaskState.IDLE,
        kind: str = "spawned",
        thread: int | None = None,
        parent: int = -1,
        executor: int = -1,
        **given: Any,
    ) -> str:
        """Add a task; its frames end where its waits are."""
        self.stacks.append(Stack(f"s{len(self.stacks) + 1}", 1, "", "", frames or (frame(),)))
        number = len(self.tasks) + 1
        usual = {
            "key": "", "id": number, "name": f"n{number}", "cancelled": False, "runtime": "tokio",
            "executor": None, "address": 0x1000 * number, "parent": None, "future": "bank::pay",
            "defined_at": None, "spawned_at": None, "panic": None, "stack": None,
        }  # fmt: skip
        record = Task(**usual | given, kind=kind, state=state, thread=thread, waits=waits)
        self.tasks.append(record, executor, parent, len(self.stacks) - 1)
        return f"t{number}"

    def resource(self, kind: str, *ends: Holder | Owner, **given: Any) -> str:
        key = f"r{len(self.resources) + 1}"
        holders = tuple(end for end in ends if isinstance(end, Holder))
        owners = tuple(end for end in ends if isinstance(end, Owner))
        type_ = given.pop("type", f"tokio::sync::{kind}")
        self.resources.append(
            Resource(key, kind, type_, 0xA00 + len(self.resources), holders=holders, owners=owners,
                     **given)
        )  # fmt: skip
        return key

    def snapshot(self, **given: Any) -> Snapshot:
        usual = {
            "target": TARGET, "threads": tuple(self.threads), "stacks": tuple(self.stacks),
            "executors": tuple(self.executors), "tasks": self.tasks,
            "resources": ResourceColumns(self.resources),
        }  # fmt: skip
        return Snapshot(epoch=1, **usual | given)

    def found(self, **given: Any) -> tuple[Finding, ...]:
        return find(self.snapshot(**given))

    def dead(self) -> list[tuple[str, ...]]:
        """Return the tasks of each deadlock."""
        return [f.tasks for f in self.found() if f.kind == "deadlock"]


def holder(
    task: str | None,
    *,
    mode: str = "exclusive",
    frame: tuple[int, ...] | None = (0,),
    conf: Confidence = Confidence.CERTAIN,
    thread: int | None = None,
    amount: int = 1,
) -> Holder:
    return Holder(task, thread, "bank::pay", "held", None, 5, amount, mode, conf, "tokio", frame)


def owner(
    task: str | None,
    role: str,
    *,
    frame: tuple[int, ...] | None = (0,),
    thread: int | None = None,
    conf: Confidence = Confidence.CERTAIN,
) -> Owner:
    return Owner(task, thread, "bank::pay", "tx", None, 5, role, conf, "tokio", frame)


def lock(resource: str, branch: str | None = None, **given: Any) -> Wait:
    return Wait("mutex", resource=resource, branch=branch, **given)
