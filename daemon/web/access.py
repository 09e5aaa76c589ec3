"""Who may do what: the one place that decides it. A viewer may read, an operator may change.

A route asks nothing: the guard has let only those through who may use its method. `visitor_of` tells a route who it is,
for the record of a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from filmscand.daemon.station.page import Level

READING: Final = frozenset({"GET", "HEAD"})
CHANGING: Final = frozenset({"POST", "PUT", "DELETE"})
# Addresses whose answers are for programs: JSON and plain text instead of pages.
FOR_PROGRAMS: Final = ("/api/", "/iiif/", "/metrics", "/healthz")
# Pictures for viewers of other institutions (IIIF Image API).
IIIF: Final = "/iiif/"
LOGIN_PAGE: Final = "/login"
LOGIN: Final = "/api/login"
LOGOUT: Final = "/api/logout"
_KEY: Final = "filmscand.visitor"


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


def is_open(method: str, path: str) -> bool:
    """Return whether a request passes whoever sent it: the page where one logs in, what it needs, and logging out."""
    if method in READING:
        return path == LOGIN_PAGE or path.startswith("/static/")
    return method == "POST" and path in (LOGIN, LOGOUT)


def introduce(scope: Scope, visitor: Visitor | None) -> Scope:
    """Return the scope of a request that names its visitor, None for somebody who has not logged in."""
    return {**scope, _KEY: visitor}


def visitor_of(request: Request) -> Visitor:
    """Return who sent a request that the guard has let through; not for the few addresses that need no login."""
    visitor = find_visitor(request)
    assert visitor is not None
    return visitor


def find_visitor(request: Request) -> Visitor | None:
    """Return who sent a request, None for somebody who has not logged in."""
    visitor = request.scope[_KEY]
    assert visitor is None or isinstance(visitor, Visitor)
    return visitor
