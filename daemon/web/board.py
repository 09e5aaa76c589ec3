"""The board: the station's status and the frames that moved, read once for everybody who watches.

A thread reads the database about once a second, and only while somebody watches: twenty browsers cost as much as one.
Nobody is sent anything by it. Each reader takes the newest snapshot when it is ready for it, so that a slow reader
holds up nothing and misses what is out of date already.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Final

from pydantic_core import to_json

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.frames import FrameState, states_of, unfinished_states
from filmscand.daemon.maintenance.status import StationStatus, station_status
from filmscand.daemon.station.configuration import Station

log = logging.getLogger(__name__)

# Slower looks stuck. The thread pauses ten times as long as a reading took, so that it never takes over a tenth of one
# core from the workers.
_PAUSE_S: Final = 0.5
_PAUSE_FACTOR: Final = 10.0
# A snapshot of this age still answers a request, and one whose reading takes long for as long as its pause.
_FRESH_S: Final = 2.0
# The thread reads on for so long after the last question: browsers with an event stream ask twice a second.
_WATCHED_S: Final = 10.0
# From the end of a frame until its transaction is seen, at most.
_COMMIT_S: Final = 5.0
# A request waits for the first snapshot at most so long; the disk of the archive may not answer.
_PATIENCE_S: Final = 5.0
# Moves that are kept for readers who are behind; one that is further behind is told to read everything again.
_MOVES_KEPT: Final = 2000


class StatusUnknownError(DaemonError):
    """The station's status cannot be read at the moment."""


@dataclass(frozen=True, slots=True)
class NamedStatus(StationStatus):
    """The state of a station with its folder: what `filmscand status --json` prints."""

    station: str = ""


@dataclass(frozen=True, slots=True)
class FrameMove:
    """A frame that changed its state.

    Attributes
    ----------
    frame : str
        Frame as `collection/box/roll_0007`.
    roll : str
        Its roll as `collection/box/roll`.
    stem : str
        `roll_0007`.
    number : int
        Number on the roll.
    state : str
        Its state in the queue; `dropped` for a reservation that was given up.
    outcome : str or None
        How it finished.
    """

    frame: str
    roll: str
    stem: str
    number: int
    state: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The station at one moment.

    Attributes
    ----------
    version : int
        Rises by one whenever the status or a frame changed.
    status : NamedStatus
        The status.
    json : bytes
        The status as JSON.
    read_s : float
        When it was read, seconds of the monotonic clock.
    """

    version: int
    status: NamedStatus
    json: bytes
    read_s: float


class Board:
    """The newest snapshot of a station; safe to use from any thread.

    Parameters
    ----------
    station : Station
        The station.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._condition = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._moves: deque[tuple[int, FrameMove]] = deque(maxlen=_MOVES_KEPT)
        self._states: dict[int, FrameState] | None = None
        self._read_at = 0.0
        # What had ended at the last reading: it is told once.
        self._ended: set[tuple[int, float | None]] = set()
        self._problem = "nothing was read yet"
        self._wanted_s = float("-inf")
        self._closed = False
        self._stopped = threading.Event()
        self._pause_s = _PAUSE_S
        self._thread = threading.Thread(target=self._read_on, name="page board", daemon=True)

    def start(self) -> None:
        """Start the thread that reads."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; every waiting reader is answered at once."""
        with self._condition:
            self._closed = True
            self._stopped.set()
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the board was closed."""
        return self._closed

    def newest(self) -> Snapshot | None:
        """Return the newest snapshot without waiting, None before the first, and keep the thread reading."""
        with self._condition:
            self._wanted_s = time.monotonic()
            self._condition.notify_all()
            return self._snapshot

    def fresh(self) -> Snapshot:
        """Return a snapshot that is a few seconds old at most; wait for it if there is none.

        Raises
        ------
        StatusUnknownError
            The database or the disk of the archive does not answer.
        """
        self.newest()
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._is_fresh(), _PATIENCE_S + self._pause_s)
            if self._snapshot is None or not self._is_fresh():
                raise StatusUnknownError(f"the station's status cannot be read: {self._problem}")
            return self._snapshot

    def moves_since(self, version: int) -> list[FrameMove] | None:
        """Return the frames that moved after a version, oldest first; None: too many to list, read everything again."""
        with self._condition:
            if len(self._moves) == _MOVES_KEPT and self._moves[0][0] > version + 1:
                return None
            return [move for moved_in, move in self._moves if moved_in > version]

    def _is_fresh(self) -> bool:
        if self._snapshot is None:
            return False
        return time.monotonic() - self._snapshot.read_s <= _FRESH_S + self._pause_s

    def _read_on(self) -> None:
        while not self._closed:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or time.monotonic() - self._wanted_s < _WATCHED_S)
            if not self._closed:
                began_s = time.monotonic()
                self._read()
                self._pause_s = max(_PAUSE_S, _PAUSE_FACTOR * (time.monotonic() - began_s))
                self._stopped.wait(self._pause_s)

    def _read(self) -> None:
        try:
            status = named_status(self._station)
            moves = self._moved()
        except (sqlite3.Error, DaemonError, OSError) as error:
            # Readers are told when they ask; /healthz and the alarms tell the others.
            self._problem = str(error)
            log.debug("the page cannot read the status: %s", error)
            return
        content = to_json(status)
        with self._condition:
            before = self._snapshot
            changed = before is None or before.json != content or bool(moves)
            version = (0 if before is None else before.version) + changed
            self._moves.extend((version, move) for move in moves)
            self._snapshot = Snapshot(version, status, content, time.monotonic())
            self._condition.notify_all()

    def _moved(self) -> list[FrameMove]:
        """Return the frames that moved since the last call; none at the first."""
        if not self._station.database.exists():
            return []
        before, since, self._read_at = self._states, self._read_at - _COMMIT_S, time.time()
        with closing(open_to_read(self._station.database)) as connection:
            now = {one.job_id: one for one in unfinished_states(connection)}
            gone = set() if before is None else before.keys() - now.keys()
            # A quick frame comes and ends between two readings.
            ended = states_of(connection, gone, max(since, self._read_at - _WATCHED_S))
        self._states = now
        known, self._ended = self._ended, {(one.job_id, one.finished_at) for one in ended}
        if before is None:
            return []
        changed = [one for one in now.values() if before.get(one.job_id) != one]
        dropped = [before[job_id] for job_id in gone - {one.job_id for one in ended}]
        fresh = [one for one in ended if (one.job_id, one.finished_at) not in known and one.job_id not in now]
        return [*_moves([*changed, *fresh]), *_moves(dropped, "dropped")]


def named_status(station: Station) -> NamedStatus:
    """Return the state of a station with its folder, read at this moment."""
    status = station_status(station)
    values = {name: getattr(status, name) for name in StationStatus.__dataclass_fields__}
    return NamedStatus(**values, station=str(station.root))


def _moves(states: Iterable[FrameState], state: str | None = None) -> list[FrameMove]:
    return [
        FrameMove(
            frame=str(one.frame),
            roll=str(one.frame.roll_folder),
            stem=one.frame.stem,
            number=one.frame.number,
            state=state or str(one.state),
            outcome=None if one.outcome is None else str(one.outcome),
        )
        for one in states
    ]


def move_json(moves: Iterable[FrameMove]) -> bytes:
    """Return moves as a JSON list."""
    return to_json([asdict(move) for move in moves])
