"""Runs the copying of sealed rolls: one thread for each target."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing

from filmscand.daemon.core.errors import Fault, whose
from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.database.keeping.replicas import Replicas, keep_replica_targets
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.replication.replicator import Replicator, be_polite
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.sections.replicas import Replica

log = logging.getLogger(__name__)


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
        deadline_s = time.monotonic() + at_most_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, replica: Replica) -> None:
        be_polite()
        replicator = Replicator(replica, self._station, self._timing, self._stop)
        while not self._stop.is_set():
            try:
                with closing(reopen_database(self._station.database)) as connection:
                    Replicas(connection, replica.name).begin()
                    self._keep_looking(replicator, connection)
            except DatabaseReplacedError:
                # The supervisor ends the service; nothing may be noted in another database.
                return
            except sqlite3.Error as error:
                log.warning("the database does not answer: %s", error)
            except Exception as error:
                if whose(error) is Fault.FRAME:
                    log.exception("unexpected error of the copies to %s", replica.name)
                else:
                    log.warning("copies to %s wait: %s", replica.name, message_of(error))
            self._stop.wait(self._timing.retry_first_s)

    def _keep_looking(self, replicator: Replicator, connection: sqlite3.Connection) -> None:
        while not self._stop.is_set():
            require_in_place(connection, self._station.database)
            if not replicator.look(connection):
                self._stop.wait(self._timing.poll_s)
