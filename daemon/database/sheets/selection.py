"""Selectors: the names by which a person chooses a part of the archive."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from filmscand.daemon.core.errors import FrameIdError
from filmscand.daemon.core.frame_id import MAX_NUMBER, FrameId, require_slug

_FRAMES = re.compile(r"(?P<roll>[a-z0-9_-]+)_(?P<first>[0-9]{4})(?:-(?P<last>[0-9]{4}))?")


@dataclass(frozen=True, slots=True)
class Selector:
    """A collection, a box, a roll, a frame or a range of frames.

    Attributes
    ----------
    collection : str
        The collection.
    box, roll : str or None
        None: all of them.
    first, last : int
        Numbers of the first and the last frame on the roll.
    other_roll : str or None
        `c/b/album_1974` may be frame 1974 of the roll `album` as well as the roll `album_1974`: then this is the roll,
        and its frames belong to the selection, too.
    """

    collection: str
    box: str | None = None
    roll: str | None = None
    first: int = 1
    last: int = MAX_NUMBER
    other_roll: str | None = None

    @property
    def values(self) -> tuple[str | int | None, ...]:
        """The values of `CHOSEN`."""
        return self.collection, self.box, self.roll, self.first, self.last, self.other_roll

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read COLLECTION, COLLECTION/BOX, COLLECTION/BOX/ROLL, .../ROLL_0007 or .../ROLL_0003-0012.

        Raises
        ------
        FrameIdError
            The text is none of these.
        """
        parts = text.strip("/").split("/")
        if len(parts) > 3:
            raise FrameIdError(f"expected COLLECTION[/BOX[/ROLL[_0003[-0012]]]], found {text!r}")
        for name, part in zip(("collection", "box"), parts, strict=False):
            require_slug(name, part)
        if len(parts) < 3:
            return cls(parts[0], parts[1] if len(parts) == 2 else None)
        frames = _FRAMES.fullmatch(parts[2])
        if frames is None:
            return cls(parts[0], parts[1], require_slug("roll", parts[2]))
        first = int(frames["first"])
        last = int(frames["last"] or first)
        if not 1 <= first <= last:
            raise FrameIdError(f"expected the numbers of the first and the last frame, found {text!r}")
        # A roll's name may look like a frame's, or like a range's.
        other = parts[2]
        return cls(parts[0], parts[1], frames["roll"], first, last, other)

    def chooses(self, frame: FrameId) -> bool:
        """Return whether a frame belongs to the selection."""
        if frame.collection != self.collection or self.box not in (None, frame.box):
            return False
        in_range = frame.roll == self.roll and self.first <= frame.number <= self.last
        return self.roll is None or in_range or frame.roll == self.other_roll


# The frames that a selector chooses; its values are `Selector.values`.
CHOSEN: Final = (
    "collection = ?1 AND (?2 IS NULL OR box = ?2)"
    " AND (?3 IS NULL OR (roll = ?3 AND number BETWEEN ?4 AND ?5) OR roll = ?6)"
)


def select_frames(connection: sqlite3.Connection, selector: Selector) -> Iterator[FrameId]:
    """Yield the frames of the queue that a selector chooses, sorted."""
    rows = connection.execute(
        f"SELECT collection, box, roll, number FROM frames WHERE {CHOSEN} ORDER BY collection, box, roll, number",
        selector.values,
    )
    for row in rows:
        yield FrameId(row["collection"], row["box"], row["roll"], row["number"])
