"""Who may do what: the one place that decides it. A viewer may read, an operator may change.

A route asks nothing: the guard has let only those through who may use its method. `visitor_of` tells a route who it is,
for the record of a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

READING: Final = frozenset({"GET", "HEAD"})
CHANGING: Final = frozenset({"POST", "PUT", "DELETE"})
_KEY: Final = "filmscand.visitor"


class Level(StrEnum):
    """What a visitor may do: a viewer reads, an operator changes too."""

    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request.

    Attributes
    ----------
    level : Level
        What this visitor may do.
    name : str or None
        The visitor's name, for the record; None: whoever uses this machine.
    """

    level: Level
    name: str | None = None


# Who can open a connection on this machine's own loopback address is somebody who works at the station.
AT_THE_STATION: Final = Visitor(Level.OPERATOR)


def may(visitor: Visitor, method: str) -> bool:
    """Return whether a visitor may send requests of a method: the whole rule."""
    return method in READING or (method in CHANGING and visitor.level is Level.OPERATOR)


def introduce(scope: Scope, visitor: Visitor) -> Scope:
    """Return the scope of a request that names its visitor."""
    return {**scope, _KEY: visitor}


def visitor_of(request: Request) -> Visitor:
    """Return who sent a request that the guard has let through."""
    visitor = request.scope[_KEY]
    assert isinstance(visitor, Visitor)
    return visitor
