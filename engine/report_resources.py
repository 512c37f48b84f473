"""The resources of a report as JSON: there may be as many as tasks, and most are alike."""

from __future__ import annotations

import json

from adp_tui.engine.model import Holder, Owner, Resource

__all__ = ["ResourceWriter"]

_text = json.JSONEncoder(ensure_ascii=False).encode


class ResourceWriter:
    """Writes resources; what many have in common is brought to text once."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}
        self._states: dict[tuple[tuple[str, int | None], ...], str] = {}
        self._ends: dict[tuple[object, ...], str] = {}

    def text(self, resource: Resource) -> str:
        """Return a resource as a JSON object."""
        state = self._states.get(resource.state)
        if state is None:
            state = self._states[resource.state] = self._state(resource.state)
        return (
            f'{{"key": "{resource.key}", {self._type(resource)}, "address": "{resource.address:#x}"'
            f', "state": {{{state}}}, "holders": [{", ".join(map(self._holder, resource.holders))}]'
            f', "waiters": [{_keys(resource.waiters)}]'
            f', "waiting_threads": [{", ".join(map(str, resource.waiting_threads))}]'
            f', "owners": [{", ".join(map(self._owner, resource.owners))}]}}'
        )

    def _state(self, state: tuple[tuple[str, int | None], ...]) -> str:
        return ", ".join(
            f"{self._name(name)}: {'null' if number is None else int(number)}"
            for name, number in state
        )

    def _type(self, resource: Resource) -> str:
        key = resource.kind, resource.type
        known = self._types.get(key)
        if known is None:
            known = self._types[key] = _text({"kind": resource.kind, "type": resource.type})[1:-1]
        return known

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = _text(name)
        return known

    def _holder(self, holder: Holder) -> str:
        return self._end(holder, ("amount", holder.amount), ("mode", holder.mode))

    def _owner(self, owner: Owner) -> str:
        return self._end(owner, ("role", owner.role))

    def _end(self, end: Holder | Owner, *own: tuple[str, object]) -> str:
        """Return what a task has of a resource: of many tasks all but the task is the same."""
        key = (
            end.thread, end.function, end.variable, end.path, end.line, own, end.conf, end.src
        )  # fmt: skip
        known = self._ends.get(key)
        if known is None:
            rest = {
                "thread": end.thread,
                "function": end.function,
                "variable": end.variable,
                "path": end.path,
                "line": end.line,
                **dict(own),
                "conf": end.conf,
                "src": end.src,
            }
            known = self._ends[key] = _text(rest)[1:]
        return f'{{"task": {"null" if end.task is None else _keys((end.task,))}, {known}'


def _keys(keys: tuple[str, ...]) -> str:
    """Return keys of tasks, which need no escapes, side by side."""
    return '"' + '", "'.join(keys) + '"' if keys else ""
