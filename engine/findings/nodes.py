"""Who can wait for others: tasks, and threads that sleep in a lock without a task on them."""

from __future__ import annotations

from adp_tui.engine.model import Snapshot, Thread, Wait

__all__ = ["Nodes"]


class Nodes:
    """Numbers for all that wait: a task has its own, threads come after them.

    Attributes:
        locked: the lock that a node's thread sleeps in.
        roots: task of the ``block_on`` that stands on a thread.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        tasks = snapshot.tasks
        self._tasks = len(tasks)
        self._threads: list[Thread] = []
        self.roots = {
            thread: index
            for index, thread in enumerate(tasks.thread)
            if thread >= 0 and tasks.texts.text(tasks.kind[index]) == "block_on"
        }
        self._of_thread = dict(self.roots)
        self.locked: dict[int, Wait] = {}
        for thread in snapshot.threads:
            wait = thread.doing.wait
            if wait is None:
                continue
            node = self.roots.get(thread.tid)
            if thread.task is not None:
                node = tasks.index(thread.task)
            if node is None:
                node = len(self)
                self._threads.append(thread)
            self._of_thread[thread.tid] = node
            self.locked[node] = wait

    def __len__(self) -> int:
        return self._tasks + len(self._threads)

    def of_thread(self, tid: int) -> int | None:
        """Return what stands on a thread; None where nothing that waits does."""
        return self._of_thread.get(tid)

    def thread(self, node: int) -> Thread | None:
        """Return the thread that a node is; None for a task."""
        return self._threads[node - self._tasks] if node >= self._tasks else None
