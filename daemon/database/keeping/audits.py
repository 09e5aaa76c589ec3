"""When each part of the archive was read back last, and what was found: a roll with damage in any part is frozen.

A part is what is read at one go: the folder of a frame, or what a roll has besides its frames.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.alarms import Alarm
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Roll

# Keys of the alarms that a roll is damaged begin with this; the roll follows.
FIXITY_ALARM: Final = "fixity:"
# In place of a frame's number: what the roll has besides its frames.
_RECORDS: Final = 0
# As many names as fit on a line or two.
_NAMED_AT_MOST: Final = 5
# Rows that are written in one transaction: a tenth of a second, for which everybody else waits.
_AT_ONCE: Final = 2000


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A part of a roll that is read at one go.

    Attributes
    ----------
    number : int
        Number of the frame, from 1; 0: what the roll has besides its frames (its records, the files of its bag).
    """

    collection: str
    box: str
    roll: str
    number: int = _RECORDS

    @classmethod
    def of(cls, frame: FrameId) -> Part:
        """Return the part that is the folder of a frame."""
        return cls(frame.collection, frame.box, frame.roll, frame.number)

    @classmethod
    def of_roll(cls, roll: Path, number: int = _RECORDS) -> Part:
        """Return a part of a roll, `collection/box/roll`."""
        collection, box, name = roll.parts
        return cls(collection, box, name, number)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The columns that name its row."""
        return self.collection, self.box, self.roll, self.number

    @property
    def frame(self) -> FrameId | None:
        """The frame; None for what the roll has besides its frames."""
        return None if self.number == _RECORDS else FrameId(self.collection, self.box, self.roll, self.number)

    @property
    def roll_folder(self) -> Path:
        """Folder of the roll, relative to the archive."""
        return Path(self.collection, self.box, self.roll)


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not as it was recorded: its path below the roll, the kind of problem, and the details."""

    path: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class FrozenRoll:
    """A roll that takes nothing, because some of its files are not as they were recorded.

    Attributes
    ----------
    roll : Roll
        The roll.
    since : float
        When the first of the damage was found, seconds since the epoch.
    damage : tuple of Damage
        Everything that was found.
    """

    roll: Roll
    since: float
    damage: tuple[Damage, ...]

    @property
    def name(self) -> str:
        """The roll as `collection/box/roll`."""
        return "/".join(astuple(self.roll))

    @property
    def reason(self) -> str:
        """Why the roll is frozen and what to do, for people."""
        files = dict.fromkeys(f"{one.path} ({one.kind})" for one in self.damage)
        more = f" and {len(files) - _NAMED_AT_MOST} more" if len(files) > _NAMED_AT_MOST else ""
        count = "a file is" if len(files) == 1 else f"{len(files)} files are"
        return (
            f"{count} not as recorded: {', '.join(list(files)[:_NAMED_AT_MOST])}{more}. Nothing is added, cleaned, "
            f"decided or sealed. Bring files back from a copy: filmscand verify {self.name} --against COPY --repair. "
            f"Or take out what does not belong there, and run filmscand verify {self.name}"
        )

    def alarm(self) -> Alarm:
        """Return the alarm that the roll is damaged."""
        message = f"{self.name} is damaged and frozen: {self.reason}"
        return Alarm(f"{FIXITY_ALARM}{self.name}", message, self.since, self.since, 1)


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """How far the audit of the archive is.

    Attributes
    ----------
    last_at : float or None
        When a part was read last, seconds since the epoch; None: none ever was.
    parts, recent : int
        Parts of the archive, and those of them that were read within the period of the audit.
    oldest_at : float or None
        When the part that was read longest ago was read; None: some part was never read, or there is none.
    damaged_files : int
        Files that are not as they were recorded.
    frozen_rolls : tuple of str
        The rolls that they belong to.
    """

    last_at: float | None
    parts: int
    recent: int
    oldest_at: float | None
    damaged_files: int
    frozen_rolls: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """The part of the archive that was read within the period, 0..1; None for an empty archive."""
        return self.recent / self.parts if self.parts else None


class Audits:
    """The state of the audit; each method but `enrol` is one transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    clock : callable
        Returns seconds since the epoch.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock

    def enrol(self, parts: Iterable[Part]) -> int:
        """Note parts that have to be read from now on; return how many of them are new."""
        known: dict[tuple[str, str, str], set[int]] = {}
        new = []
        for part in parts:
            roll = (part.collection, part.box, part.roll)
            if roll not in known:
                known[roll] = self._numbers_of(roll)
            if part.number not in known[roll]:
                known[roll].add(part.number)
                new.append(part.key)
        for first in range(0, len(new), _AT_ONCE):
            with transaction(self._connection):
                self._connection.executemany(
                    "INSERT OR IGNORE INTO audits (collection, box, roll, number) VALUES (?, ?, ?, ?)",
                    new[first : first + _AT_ONCE],
                )
        return len(new)

    def enrol_frames(self) -> int:
        """Note every frame of the queue that has a place in the archive, and its roll; return how many are new."""
        # Read first: usually there is no new one, and the write lock is not needed.
        rows = self._connection.execute(
            "SELECT collection, box, roll, number FROM frames WHERE state != 'reserved' AND NOT EXISTS (SELECT 1"
            " FROM audits WHERE audits.collection = frames.collection AND audits.box = frames.box"
            " AND audits.roll = frames.roll AND audits.number = frames.number)"
        ).fetchall()
        frames = [Part(*row) for row in rows]
        return self.enrol([*frames, *(Part.of_roll(part.roll_folder) for part in frames)])

    def next_due(self, sound_before: float, damaged_before: float, without: Collection[Part] = ()) -> Part | None:
        """Return the part to read next: a damaged one that was read before one time, else the oldest before another.

        Parts whose frame is being captured or cleaned are left out, and those of `without`.
        """
        for condition, before in (("damaged_at IS NOT NULL", damaged_before), ("damaged_at IS NULL", sound_before)):
            rows = self._connection.execute(
                "SELECT collection, box, roll, number FROM audits"
                f" WHERE {condition} AND read_at < ? AND NOT EXISTS (SELECT 1 FROM frames"
                " WHERE frames.collection = audits.collection AND frames.box = audits.box"
                " AND frames.roll = audits.roll AND frames.number = audits.number"
                " AND frames.state IN ('reserved', 'processing'))"
                " ORDER BY read_at, collection, box, roll, number LIMIT ?",
                (before, len(without) + 1),
            )
            found = next((part for row in rows.fetchall() if (part := Part(*row)) not in without), None)
            if found is not None:
                return found
        return None

    def damage_of(self, part: Part) -> tuple[Damage, ...]:
        """Return what was found damaged when a part was read last."""
        row = self._connection.execute(
            "SELECT damage FROM audits WHERE collection = ? AND box = ? AND roll = ? AND number = ?", part.key
        ).fetchone()
        return () if row is None else _damage(row[0])

    def note(self, part: Part, damage: Sequence[Damage], size_bytes: int | None = None) -> None:
        """Note that a part was read just now, what was found damaged, and how much there was to read if it is known."""
        now = self._clock()
        with transaction(self._connection):
            self._connection.execute(
                "INSERT INTO audits (collection, box, roll, number, read_at, size_bytes, damage, damaged_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, 0), ?7, iif(?7 = '[]', NULL, ?5))"
                " ON CONFLICT (collection, box, roll, number) DO UPDATE SET read_at = ?5,"
                " size_bytes = coalesce(?6, size_bytes), damage = ?7,"
                " damaged_at = iif(?7 = '[]', NULL, coalesce(damaged_at, ?5))",
                (*part.key, now, size_bytes, json.dumps([asdict(one) for one in damage])),
            )

    def forget(self, part: Part) -> None:
        """Forget a part that is gone and that nothing knows any more."""
        self._connection.execute(
            "DELETE FROM audits WHERE collection = ? AND box = ? AND roll = ? AND number = ?", part.key
        )

    def parts_of(self, roll: Path) -> tuple[Part, ...]:
        """Return the parts of a roll, `collection/box/roll`, that have to be read."""
        return tuple(Part.of_roll(roll, number) for number in sorted(self._numbers_of(roll.parts)))

    def size_bytes(self) -> int:
        """Return how much there was to read in all parts together, as far as they were read."""
        return int(self._connection.execute("SELECT coalesce(sum(size_bytes), 0) FROM audits").fetchone()[0])

    def _numbers_of(self, roll: Sequence[str]) -> set[int]:
        rows = self._connection.execute(
            "SELECT number FROM audits WHERE collection = ? AND box = ? AND roll = ?", tuple(roll)
        )
        return {row[0] for row in rows.fetchall()}


def frozen_rolls(connection: sqlite3.Connection) -> tuple[FrozenRoll, ...]:
    """Return every roll that is frozen; a database of an earlier schema has none."""
    return _frozen(connection, "")


def find_frozen(connection: sqlite3.Connection, roll: Path) -> FrozenRoll | None:
    """Return a roll, `collection/box/roll`, if it is frozen."""
    found = _frozen(connection, " AND collection = ? AND box = ? AND roll = ?", roll.parts)
    return found[0] if found else None


def summarize_audits(connection: sqlite3.Connection, since: float) -> AuditSummary | None:
    """Return how far the audit is; None for a database of an earlier schema.

    Parameters
    ----------
    since : float
        Begin of the period of the audit, seconds since the epoch.
    """
    if not _is_there(connection):
        return None
    # Each is answered by an index alone: the page asks about once a second, and an archive may have 200,000 frames.
    parts, old, first, last = connection.execute(
        "SELECT (SELECT count(*) FROM audits), (SELECT count(*) FROM audits WHERE read_at < ?),"
        " (SELECT min(read_at) FROM audits), (SELECT max(read_at) FROM audits)",
        (since,),
    ).fetchone()
    frozen = frozen_rolls(connection)
    return AuditSummary(
        last_at=last or None,
        parts=parts,
        recent=parts - old,
        oldest_at=first or None,
        damaged_files=sum(len({one.path for one in roll.damage}) for roll in frozen),
        frozen_rolls=tuple(roll.name for roll in frozen),
    )


def _frozen(connection: sqlite3.Connection, condition: str, values: Sequence[str] = ()) -> tuple[FrozenRoll, ...]:
    if not _is_there(connection):
        return ()
    rows = connection.execute(
        f"SELECT collection, box, roll, damaged_at, damage FROM audits WHERE damaged_at IS NOT NULL{condition}"
        " ORDER BY collection, box, roll, number",
        tuple(values),
    ).fetchall()
    by_roll: dict[Roll, list[sqlite3.Row]] = {}
    for row in rows:
        by_roll.setdefault(Roll(*row[:3]), []).append(row)
    return tuple(_frozen_roll(roll, parts) for roll, parts in by_roll.items())


def _frozen_roll(roll: Roll, parts: Sequence[sqlite3.Row]) -> FrozenRoll:
    since = min(part["damaged_at"] for part in parts)
    return FrozenRoll(roll, since, tuple(one for part in parts for one in _damage(part["damage"])))


def _damage(stored: str) -> tuple[Damage, ...]:
    found: list[Mapping[str, str]] = json.loads(stored)
    return tuple(Damage(one["path"], one["kind"], one["message"]) for one in found)


def _is_there(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audits'").fetchone() is not None
