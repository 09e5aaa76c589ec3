"""The entrances that are open on a station: where each listens, how it speaks, and which door guards it."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.sections.page import Page
from filmscand.daemon.station.service_socket import listening_locally, socket_path
from filmscand.daemon.web.doors.door import Door, Loopback
from filmscand.daemon.web.doors.local_socket import LocalSocket, PeerProtocol
from filmscand.daemon.web.doors.network import Network
from filmscand.daemon.web.guard import HEADERS_LIMIT_BYTES, Guard

# 64 event streams, and a few dozen requests beside them.
_CONNECTIONS: Final = 128


@dataclass(frozen=True)
class Entrance:
    """One place where the service listens.

    Attributes
    ----------
    name : str
        For the table of problems.
    door : Door
        Who comes in here, and what is its own.
    listen : callable
        Opens the socket (a context manager).
    problem : callable
        Returns why it is not open, and what to do, for an error.
    protocol : type
        How a connection is spoken to.
    tls : mapping
        Certificate and key, for uvicorn; empty without TLS.
    is_page : bool
        Whether a browser is pointed here.
    """

    name: str
    door: Door
    listen: Callable[[], AbstractContextManager[socket.socket]]
    problem: Callable[[Exception], str]
    protocol: type[H11Protocol] = H11Protocol
    tls: dict[str, Any] = field(default_factory=dict)
    is_page: bool = False

    def configure(self, app: ASGIApp, last_requests_s: int) -> uvicorn.Config:
        """Return how uvicorn serves an application here; at the end it waits so long for requests under way."""
        return uvicorn.Config(
            # Outermost, so that an answer to an unexpected error is guarded too.
            Guard(app, self.door),
            loop="asyncio",
            http=self.protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=last_requests_s,
            h11_max_incomplete_event_size=HEADERS_LIMIT_BYTES,
            **self.tls,
        )


def entrances_of(station: Station) -> tuple[Entrance, ...]:
    """Return the entrances of a station: the local socket for commands, and the page."""
    page = station.page
    return (
        Entrance(
            "socket",
            LocalSocket(),
            partial(listening_locally, station),
            partial(socket_problem, station),
            protocol=PeerProtocol,
        ),
        Entrance(
            "page",
            Network(page) if page.needs_login else Loopback(),
            partial(listening, page),
            partial(page_problem, page),
            tls=_tls(page),
            is_page=True,
        ),
    )


def _tls(page: Page) -> dict[str, Any]:
    if page.certificate is None:
        return {}
    return {"ssl_certfile": page.certificate, "ssl_keyfile": page.key}


@contextlib.contextmanager
def listening(page: Page) -> Iterator[socket.socket]:
    """Listen at the address and port of the configuration (a context manager).

    Raises
    ------
    OSError
        The port is in use, or this user may not have it.
    """
    family = socket.AF_INET6 if ":" in page.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        # A port that an earlier service has just left is free; one that somebody listens at is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((page.address, page.port))
        listener.listen(_CONNECTIONS)
        yield listener


def page_problem(page: Page, error: Exception) -> str:
    """Return why the page is not served, and what to do."""
    where = f"port {page.port} of {page.address}"
    if isinstance(error, ssl.SSLError | FileNotFoundError | PermissionError) and page.certificate is not None:
        return (
            f"the page cannot be served at {where}: its certificate {page.certificate} or key {page.key} cannot be "
            f"used: {error}. Put it right; it is tried again. Scanning and cleaning go on"
        )
    if not isinstance(error, OSError):
        return f"the page at {where} ended with an error: {error!r}; it is tried again. Scanning and cleaning go on"
    return (
        f"the page cannot be served at {where}: {error.strerror or error}. Stop the program that uses it, or give "
        "page.port another number; it is tried again. Scanning and cleaning go on"
    )


def socket_problem(station: Station, error: Exception) -> str:
    """Return why commands cannot reach the service, and what to do."""
    return (
        f"commands cannot reach the service at {socket_path(station)}: {error!r}. Put its folder right; it is tried "
        "again. Scanning and cleaning go on"
    )
