"""Starts the service of a station for as long as one command needs it.

The service ends by itself once nothing is left to scan and to clean. If it is killed, the next one continues with the
first missing frame.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.maintenance.status import service_status
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.rights import require_changeable

# How often a command that waits for the service reads the database.
POLL_S = 0.2
# How long the service may take to stop after SIGTERM before it is killed.
STOP_LIMIT_S = 40.0
_START_LIMIT = 3


class ServiceDiedError(DaemonError):
    """The service that was started for a command does not stay alive."""


class TemporaryService:
    """Runs the service of a station that has none, for as long as a command needs it (a context manager).

    Parameters
    ----------
    station : Station
        The station; the output of the service goes to `scan.log` beside its database.
    config : Path or None
        Configuration file for the service; None: the station's own.
    """

    def __init__(self, station: Station, config: Path | None) -> None:
        self._station = station
        self._command = [sys.executable, "-m", "filmscand.daemon.cli", "run", "--scans-only"]
        self._command += [] if config is None else ["--config", str(config)]
        self.log = station.database.with_name("scan.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def __enter__(self) -> TemporaryService:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the service if it still runs; unfinished work stays in the database."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def finish(self) -> None:
        """Wait until the service that was started ends by itself: it seals again the rolls that it reopened."""
        if self._process is not None:
            self._process.wait()

    def keep_running(self, connection: sqlite3.Connection) -> None:
        """Start a service if none runs on the station.

        Parameters
        ----------
        connection : sqlite3.Connection
            Connection to the station's database, which tells whether a service runs.

        Raises
        ------
        ServiceDiedError
            The service was started three times and died each time.
        NotYourStationError
            The station's service has stopped, and this user may not start one.
        """
        if self._process is not None and self._process.poll() is None:
            return
        if service_status(connection).running:
            self._starts = 0
            return
        require_changeable(self._station)
        died = self._process is not None and self._process.returncode != 0
        if died and self._starts >= _START_LIMIT:
            last_line = self.log.read_text(errors="replace").splitlines()[-1:]
            raise ServiceDiedError(f"the service does not stay alive ({self.log}): {' '.join(last_line)}")
        self._starts += 1
        with self.log.open("ab") as log:
            # Ctrl-C at the terminal must reach the follower only, so that the service finishes the current frame.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
