"""The web server: one thread of the service; it may fail and be tried again, and never stops the service.

It serves one application by several entrances: the local socket for commands, and the page's address.

Nothing of FastAPI is loaded before the thread starts, and nothing at all where the page is off.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.sections.page import Page, page_url
from filmscand.daemon.web.log_lines import RecentLog
from filmscand.daemon.web.pulse import Pulse

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from filmscand.daemon.web.entrances import Entrance
    from filmscand.daemon.web.site import Site

log = logging.getLogger(__name__)

PAGE_ALARM: Final = "page"
# Requests under way when the service stops; event streams end by themselves at once.
_LAST_REQUESTS_S: Final = 2
_STOP_POLL_S: Final = 0.05


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
        self._servers: list[uvicorn.Server] = []
        self._address: str | None = None
        self._problems: dict[str, str] = {}
        self._clean_end = True
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def address(self) -> str | None:
        """The address of the page while it is served, for a person to open."""
        return self._address

    @property
    def problem(self) -> str | None:
        """Why the page or the local socket is not served, for an alarm; None if they are, or are to be off."""
        return " ".join(self._problems.values()) or None

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
            # First of all: the servers wait for their event streams.
            self._site.board.close()
        for server in list(self._servers):
            server.should_exit = True
        self._thread.join(3 * _LAST_REQUESTS_S)
        return self._clean_end and not self._thread.is_alive()

    def _run(self) -> None:
        tries = 0
        while not self._told_to_stop.is_set():
            try:
                asyncio.run(self._serve_all())
            except Exception as error:
                # The scans and their cleaning go on without a page, whatever its fault is.
                self._problems[""] = problem_of(self._station.page, error)
                log.warning("%s", self._problems[""])
                self._told_to_stop.wait(backoff_s(tries, self._timing.retry_first_s, self._timing.retry_cap_s))
                tries += 1

    async def _serve_all(self) -> None:
        from filmscand.daemon.web.app import make_app
        from filmscand.daemon.web.entrances import entrances_of
        from filmscand.daemon.web.site import Site

        site = self._site = Site(self._station, self.pulse, self._log, self._ring)
        site.start()
        try:
            app = make_app(site)
            entrances = entrances_of(self._station)
            self._problems.clear()
            await asyncio.gather(*(self._keep_open(app, entrance) for entrance in entrances))
        finally:
            self._site = None
            self._clean_end = site.close(_LAST_REQUESTS_S)

    async def _keep_open(self, app: ASGIApp, entrance: Entrance) -> None:
        """Serve one entrance until the service stops; one that cannot be opened leaves the others as they are."""
        tries = 0
        while not self._told_to_stop.is_set():
            began_s = time.monotonic()
            try:
                with entrance.listen() as listener:
                    await self._serve(app, entrance, listener)
            except Exception as error:
                self._problems[entrance.name] = entrance.problem(error)
                log.warning("%s", self._problems[entrance.name])
            # A server that ran for a while and then failed begins anew with the first pause.
            tries = 0 if time.monotonic() - began_s > self._timing.retry_cap_s else tries + 1
            await self._pause(backoff_s(max(0, tries - 1), self._timing.retry_first_s, self._timing.retry_cap_s))

    async def _serve(self, app: ASGIApp, entrance: Entrance, listener: socket.socket) -> None:
        import uvicorn

        server = uvicorn.Server(entrance.configure(app, _LAST_REQUESTS_S))
        self._servers.append(server)
        try:
            server.config.load()
            self._problems.pop(entrance.name, None)
            if entrance.is_page:
                self._address = address_of(listener, server.config.is_ssl)
                log.info("page at %s", self._address)
            if not self._told_to_stop.is_set():
                await server.serve(sockets=[listener])
        finally:
            self._servers.remove(server)
            if entrance.is_page:
                self._address = None

    async def _pause(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while not self._told_to_stop.is_set() and time.monotonic() < end_s:
            await asyncio.sleep(min(_STOP_POLL_S, seconds))


def address_of(listener: socket.socket, is_tls: bool = False) -> str:
    """Return the address of the page, for a person to open."""
    host, port = listener.getsockname()[:2]
    return page_url("https" if is_tls else "http", host, port)


def problem_of(page: Page, error: Exception) -> str:
    """Return why nothing of the page is served, and what to do."""
    where = f"port {page.port} of {page.address}"
    return f"the page at {where} ended with an error: {error!r}; it is tried again. Scanning and cleaning go on"
