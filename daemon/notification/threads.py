"""Runs the notifications of a station: one thread for each target, and one that measures the archive's disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from functools import partial

from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.database.alarms import Alarm, keep_targets
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.maintenance.database_threads import join_all, keep_working
from filmscand.daemon.maintenance.room import room_of, space_alarms
from filmscand.daemon.notification.teller import Teller
from filmscand.daemon.station.configuration import Station, Target


class Notifications:
    """The threads that tell the targets of a station; a target that hangs delays nobody else.

    Parameters
    ----------
    station : Station
        The station, with its targets.
    timing : NotifyTiming
        Waiting times.
    """

    def __init__(self, station: Station, timing: NotifyTiming) -> None:
        self._station = station
        self._timing = timing
        self._stop = threading.Event()
        self._space: tuple[Alarm, ...] = ()
        # Daemon threads: a share or a server that does not answer must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._tell, args=(target,), name=f"notify {target.title}", daemon=True)
            for target in station.notify.targets
        ]

    def start(self, connection: sqlite3.Connection) -> None:
        """Begin; targets that the configuration no longer names are forgotten, with their alarms."""
        keep_targets(connection, [target.title for target in self._station.notify.targets])
        if self._threads:
            threading.Thread(target=self._measure_room, name="notify room", daemon=True).start()
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self) -> None:
        """Ask the threads to end; each tells what is news by then."""
        self._stop.set()

    def join(self, at_most_s: float) -> bool:
        """Wait up to `at_most_s` seconds until all targets have been told; return False if one has not."""
        return join_all(self._threads, at_most_s)

    def space_alarms(self) -> Sequence[Alarm]:
        """Return the alarm that the archive's disk is nearly full, as it was measured last."""
        return self._space

    def _measure_room(self) -> None:
        # A thread of its own: a share that hangs must not keep the alarm about it from being told.
        while not self._stop.is_set():
            self._space = space_alarms(self._station, room_of(self._station))
            self._stop.wait(self._timing.poll_s)

    def _tell(self, target: Target) -> None:
        teller = Teller(target, self._station, self._timing, self.space_alarms)
        work = partial(self._keep_looking, teller)
        keep_working(self._station.database, work, self._stop, self._timing.retry_first_s, "notifications")

    def _keep_looking(self, teller: Teller, connection: sqlite3.Connection) -> None:
        stopped = False
        # Once more after the stop: a session may have finished meanwhile, and with it a service that only scans.
        while True:
            require_in_place(connection, self._station.database)
            teller.look(connection)
            if stopped:
                return
            stopped = self._stop.wait(self._timing.poll_s)
