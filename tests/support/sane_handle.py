"""A stand-in for python-sane's low-level handle: it holds options and records what is set."""

from __future__ import annotations

from typing import Any

BOOL, INT, FIXED, STRING = 0, 1, 2, 3
INACTIVE, RELOAD_OPTIONS = 32, 2


class SaneHandle:
    """Options as `_sane.SaneDev.get_options` lists them; `accepted` maps a name to the value that it stores instead."""

    def __init__(self, *rows: tuple[Any, ...], accepted: dict[str, Any] | None = None) -> None:
        self.rows = list(rows)
        self.accepted = accepted or {}
        self.reloads_on: set[str] = set()
        self.values: dict[str, Any] = {}
        self.order: list[str] = []
        self.readings = 0

    def get_options(self) -> list[tuple[Any, ...]]:
        self.readings += 1
        return self.rows

    def get_option(self, index: int) -> Any:
        return self.values[self._name(index)]

    def set_option(self, index: int, value: Any) -> int:
        name = self._name(index)
        self.values[name] = self.accepted.get(name, value)
        self.order.append(name)
        return RELOAD_OPTIONS if name in self.reloads_on else 0

    def _name(self, index: int) -> str:
        return next(row[1] for row in self.rows if row[0] == index)


def option(index: int, name: str, kind: int, constraint: Any = None, *, active: bool = True) -> tuple[Any, ...]:
    """Make a row of the list: a tuple is a range, a list the choices."""
    return (index, name, name.title(), "", kind, 0, 4, 5 if active else 5 | INACTIVE, constraint)
