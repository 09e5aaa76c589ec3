"""Runs the copying of sealed rolls: one thread for each target."""

from __future__ import annotations

import sqlite3
import threading

from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.database.keeping.replicas import Replicas, keep_replica_targets
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.maintenance.database_threads import join_all, keep_working
from filmscand.daemon.replication.replicator import Replicator, be_polite
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.sections.replicas import Replica


class Replication:
    """The threads that copy sealed rolls; a target that hangs delays nobody else.

    Parameters
    ----------
    station : Station
        The station, with its targets.
    timing : ReplicateTiming
        Waiting times.
    """

    def __init__(self, station: Station, timing: ReplicateTiming) -> None:
        self._station = station
        self._timing = timing
        self._stop = threading.Event()
        # Daemon threads: a share or a server that does not answer must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._run, args=(replica,), name=f"replicate {replica.name}", daemon=True)
            for replica in station.replicate
        ]

    def start(self, connection: sqlite3.Connection) -> None:
        """Begin; targets that the configuration no longer names are forgotten, with their alarms."""
        keep_replica_targets(connection, {replica.name: replica.place for replica in self._station.replicate})
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self) -> None:
        """Ask the threads to end after the current file."""
        self._stop.set()

    def join(self, at_most_s: float) -> bool:
        """Wait at most `at_most_s` seconds for the threads to end; return False if one has not."""
        return join_all(self._threads, at_most_s)

    def _run(self, replica: Replica) -> None:
        be_polite()
        replicator = Replicator(replica, self._station, self._timing, self._stop)

        def work(connection: sqlite3.Connection) -> None:
            Replicas(connection, replica.name).begin()
            self._keep_looking(replicator, connection)

        keep_working(self._station.database, work, self._stop, self._timing.retry_first_s, f"copies to {replica.name}")

    def _keep_looking(self, replicator: Replicator, connection: sqlite3.Connection) -> None:
        while not self._stop.is_set():
            require_in_place(connection, self._station.database)
            if not replicator.look(connection):
                self._stop.wait(self._timing.poll_s)
