"""The web server: one thread of the service; it may fail and be tried again, and never stops the service.

Nothing of FastAPI is loaded before the thread starts, and nothing at all where the page is off.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.station.configuration import Page, Station
from filmscand.daemon.web.log_lines import RecentLog
from filmscand.daemon.web.pulse import Pulse

if TYPE_CHECKING:
    import uvicorn

    from filmscand.daemon.web.site import Site

log = logging.getLogger(__name__)

PAGE_ALARM: Final = "page"
# Requests under way when the service stops; event streams end by themselves at once.
_LAST_REQUESTS_S: Final = 2.0
# 64 event streams, and a few dozen requests beside them.
_CONNECTIONS: Final = 128


class PageServer:
    """Serves the page of a station in a thread, if its configuration says so.

    Parameters
    ----------
    station : Station
        The station.
    timing : Timing
        Pauses before the next try where the page cannot be served.
    ring : callable
        Wakes the supervisor, which starts sessions and cleaning; called from any thread.
    """

    def __init__(self, station: Station, timing: Timing, ring: Callable[[], None]) -> None:
        self.pulse = Pulse()
        self._station = station
        self._timing = timing
        self._ring = ring
        self._log = RecentLog()
        self._told_to_stop = threading.Event()
        self._site: Site | None = None
        self._server: uvicorn.Server | None = None
        self._address: str | None = None
        self._problem: str | None = None
        self._clean_end = True
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def address(self) -> str | None:
        """The address of the page while it is served, for a person to open."""
        return self._address

    @property
    def problem(self) -> str | None:
        """Why the page is not served, for an alarm; None if it is, or is to be off."""
        return self._problem

    def start(self) -> None:
        """Start serving; returns at once."""
        if self._station.page.enabled:
            logging.getLogger().addHandler(self._log)
            self._thread.start()

    def stop(self) -> bool:
        """Stop serving; return False if a thread still waits for a disk that does not answer."""
        self._told_to_stop.set()
        logging.getLogger().removeHandler(self._log)
        if not self._thread.is_alive():
            return True
        if self._site is not None:
            # First of all: the server waits for its event streams.
            self._site.board.close()
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(3 * _LAST_REQUESTS_S)
        return self._clean_end and not self._thread.is_alive()

    def _run(self) -> None:
        tries = 0
        while not self._told_to_stop.is_set():
            began_s = time.monotonic()
            try:
                with listening(self._station.page) as listener:
                    self._serve(listener)
            except Exception as error:
                # The scans and their cleaning go on without a page, whatever its fault is.
                self._problem = problem_of(self._station.page, error)
                log.warning("%s", self._problem)
            # A server that ran for a while and then failed begins anew with the first pause.
            tries = 0 if time.monotonic() - began_s > self._timing.retry_cap_s else tries + 1
            self._told_to_stop.wait(backoff_s(max(0, tries - 1), self._timing.retry_first_s, self._timing.retry_cap_s))

    def _serve(self, listener: socket.socket) -> None:
        import uvicorn

        from filmscand.daemon.web.app import make_app
        from filmscand.daemon.web.guard import HEADERS_LIMIT_BYTES
        from filmscand.daemon.web.site import Site

        site = Site(self._station, self.pulse, self._log, self._ring)
        config = uvicorn.Config(
            make_app(site),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=int(_LAST_REQUESTS_S),
            h11_max_incomplete_event_size=HEADERS_LIMIT_BYTES,
        )
        self._site, self._server = site, uvicorn.Server(config)
        site.start()
        try:
            self._address, self._problem = address_of(listener), None
            log.info("page at %s", self._address)
            if not self._told_to_stop.is_set():
                self._server.run(sockets=[listener])
        finally:
            self._site = self._server = self._address = None
            self._clean_end = site.close(_LAST_REQUESTS_S)


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


def address_of(listener: socket.socket) -> str:
    """Return the address of the page, for a person to open."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def problem_of(page: Page, error: Exception) -> str:
    """Return why the page is not served, and what to do."""
    where = f"port {page.port} of {page.address}"
    if not isinstance(error, OSError):
        return f"the page at {where} ended with an error: {error!r}; it is tried again. Scanning and cleaning go on"
    return (
        f"the page cannot be served at {where}: {error.strerror or error}. Stop the program that uses it, or give "
        "page.port another number; it is tried again. Scanning and cleaning go on"
    )
