"""What every route needs: the station, its board and pulse, and threads for disks that may not answer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Final, ParamSpec, TypeVar

from starlette.requests import Request

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.web.access import Visitor
from filmscand.daemon.web.board import Board
from filmscand.daemon.web.log_lines import RecentLog
from filmscand.daemon.web.pictures import Order, SmallPictures
from filmscand.daemon.web.pulse import Pulse
from filmscand.daemon.web.tiles import IDLE_S, TileOrder, Tiles

P = ParamSpec("P")
T = TypeVar("T")

# A browser asks for six files at once.
_DISK_THREADS: Final = 8
# A share that answers takes milliseconds; one that is gone takes minutes.
_DISK_PATIENCE_S: Final = 15.0
# Browsers with an event stream; a station is watched by a few.
STREAMS_AT_MOST: Final = 64
_THREADS: Final = "page disk"


class DiskSilentError(DaemonError):
    """The disk of the archive or of a watch folder does not answer."""


class Site:
    """One station as its page sees it.

    Parameters
    ----------
    station : Station
        The station.
    pulse : Pulse
        The supervisor's pulse.
    log : RecentLog
        The last lines of the service's log.
    ring : callable
        Wakes the supervisor, which starts sessions and cleaning; callable from any thread.
    """

    def __init__(self, station: Station, pulse: Pulse, log: RecentLog, ring: Callable[[], None]) -> None:
        self.station = station
        self.pulse = pulse
        self.log = log
        self.ring = ring
        self.board = Board(station)
        self.pictures = SmallPictures()
        self.tiles = Tiles()
        self.streams = 0
        # The station's page as it was made last, and for which status and visitor.
        self.station_page: tuple[tuple[int, Visitor | None], bytes] | None = None
        # Number and picture of the last look at what lies in a scanner.
        self.look: tuple[int, bytes] = (0, b"")
        self._disk = ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix=_THREADS)
        # SANE is asked by one thread: it needs seconds, and two answers would be the same.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix=f"{_THREADS}, scanners")
        # One roll after the other, and none of the threads that look at pictures waits for it.
        self._whole_rolls = ThreadPoolExecutor(1, thread_name_prefix=f"{_THREADS}, whole rolls")
        # The child that makes small pictures dies with the thread that started it: this one stays.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="page pictures")
        self._cutting = ThreadPoolExecutor(1, thread_name_prefix="page tiles")

    def start(self) -> None:
        """Start reading for those who watch."""
        self.board.start()

    def close(self, at_most_s: float) -> bool:
        """End all threads and the child; return False if a thread still waits for a disk after `at_most_s` seconds."""
        self.board.close()
        self._disk.shutdown(wait=False, cancel_futures=True)
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._whole_rolls.shutdown(wait=False, cancel_futures=True)
        self._drawing.submit(self.pictures.close)
        self._drawing.shutdown(wait=True)
        self.tiles.interrupt()
        self._cutting.shutdown(wait=True, cancel_futures=True)
        self.tiles.close()
        end_s = time.monotonic() + at_most_s
        while any(thread.name.startswith(_THREADS) for thread in threading.enumerate()):
            if time.monotonic() > end_s:
                return False
            time.sleep(0.02)
        return True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the station's database for reading, for one thread (a context manager)."""
        with closing(open_to_read(self.station.database)) as connection:
            yield connection

    async def on_disk(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what touches the archive or a watch folder in a thread of its own, and wait for it only so long.

        Raises
        ------
        DiskSilentError
            It took too long.
        """
        future = self._disk.submit(action, *args, **kwargs)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), _DISK_PATIENCE_S)
        except TimeoutError as error:
            raise DiskSilentError(
                f"no answer for {_DISK_PATIENCE_S:.0f} s from the disk of the archive or of a watch folder"
            ) from error

    async def ask_scanners(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask SANE something, which may take a minute, in a thread of its own.

        Raises
        ------
        ScannerError
            SANE is missing, crashed or took too long.
        """
        return await asyncio.wrap_future(self._asking.submit(action, *args, **kwargs))

    async def on_whole_roll(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what reads or writes all frames of a roll, however long it takes, in the thread for it.

        A service that stops meanwhile does not wait for it: a roll that is being sealed stays open, and of frames that
        are being described some are.
        """
        return await asyncio.wrap_future(self._whole_rolls.submit(action, *args, **kwargs))

    async def draw(self, sha256: str, order: Order) -> bytes:
        """Return a small picture; see `SmallPictures.make` for the errors."""
        return await asyncio.wrap_future(self._drawing.submit(self.pictures.make, sha256, order))

    async def cut(self, order: TileOrder) -> bytes:
        """Return a tile; see `Tiles.make` for the errors."""
        made = await asyncio.wrap_future(self._cutting.submit(self.tiles.make, order))
        asyncio.get_running_loop().call_later(IDLE_S, self._rest)
        return made

    def _rest(self) -> None:
        # The site may have been closed meanwhile.
        with suppress(RuntimeError):
            self._cutting.submit(self.tiles.close_idle)


def site_of(request: Request) -> Site:
    """Return the site that a request came to."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site
