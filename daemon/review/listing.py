"""The frames that a person should look at: with their reasons, undecided ones first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.core.decision import Verdict
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.sheets.flagged import (
    FinishedFrame,
    finished_frames,
    frames_to_review,
    frames_with_verdict,
    last_rolls,
)
from filmscand.daemon.database.sheets.rolls import count_by_roll
from filmscand.daemon.review.flags import COMPARED, Flag, RollNumbers, flags_of

# Frames of an answer: a person decides about a few hundred in a day.
AT_MOST: Final = 500
# So many frames that finished last name the rolls whose frames are compared with one another: comparing all rolls of a
# large archive takes too long, and what was scanned last month was looked at then.
_COMPARED_FRAMES: Final = 200
# SQLite's LIMIT of any negative number.
_NO_LIMIT: Final = -1


@dataclass(frozen=True, slots=True)
class ReviewFrame:
    """A frame to look at.

    Attributes
    ----------
    frame : str
        Frame as `collection/box/roll_0007`.
    revision : int
        The revision that counts.
    flags : tuple of Flag
        All of its flags, the one first that it is listed under.
    verdict : Verdict or None
        How its review ended; None: undecided.
    """

    frame: str
    revision: int
    flags: tuple[Flag, ...]
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class ReviewList:
    """The frames to look at: undecided first, then by reason and name; and those that are to be scanned again.

    Attributes
    ----------
    undecided : int
        Undecided frames among them.
    is_complete : bool
        False: there are more, which follow when some of these are decided about.
    """

    frames: tuple[ReviewFrame, ...]
    undecided: int
    is_complete: bool
    scan_again: tuple[str, ...]


def review_list(connection: sqlite3.Connection, codes: Iterable[str]) -> ReviewList:
    """Return the frames to look at.

    Parameters
    ----------
    codes : iterable of str
        The reason codes that need a look, the most important first.
    """
    order = {code: rank for rank, code in enumerate(codes)}
    found: dict[FrameId, ReviewFrame] = {}
    for one in frames_to_review(connection, order, AT_MOST):
        found[one.frame] = _listed(one, flags_of(one), order)
    for roll in last_rolls(connection, _COMPARED_FRAMES):
        found |= _compared(connection, roll, order)
    frames = sorted(found.values(), key=lambda one: _rank(one, order))[:AT_MOST]
    again = frames_with_verdict(connection, Verdict.SCAN_AGAIN, AT_MOST)
    return ReviewList(
        frames=tuple(frames),
        undecided=sum(one.verdict is None for one in frames),
        is_complete=len(found) < AT_MOST,
        scan_again=tuple(str(one.frame) for one in again),
    )


def frames_with_flags(connection: sqlite3.Connection, codes: Iterable[str]) -> frozenset[FrameId]:
    """Return every archived frame with one of these flags, also those by which it differs from its roll."""
    asked = frozenset(codes)
    if not asked & COMPARED:
        return frozenset(one.frame for one in frames_to_review(connection, asked, _NO_LIMIT))
    return frozenset(
        frame.frame
        for count in count_by_roll(connection)
        for frame in _flagged(finished_frames(connection, count.roll), asked)
    )


def _flagged(frames: Sequence[FinishedFrame], asked: frozenset[str]) -> Iterator[FinishedFrame]:
    numbers = RollNumbers.of(frames)
    return (one for one in frames if any(flag.code in asked for flag in flags_of(one, numbers)))


@dataclass(frozen=True, slots=True)
class PlaceInReview:
    """Where a frame stands in the review.

    Attributes
    ----------
    undecided : int
        Frames to decide about, this one included if it is one.
    flag : Flag or None
        The flag that it is listed under; None: it is not listed.
    before, after : str or None
        The undecided frames before and after it; after the last one the first follows.
    """

    undecided: int
    flag: Flag | None
    before: str | None
    after: str | None


def place_in_review(listed: ReviewList, frame: str) -> PlaceInReview:
    """Return where a frame stands in the review."""
    names = [one.frame for one in listed.frames]
    at = names.index(frame) if frame in names else len(names)
    flag = listed.frames[at].flags[0] if at < len(names) else None
    earlier, later = (
        [one.frame for one in part if one.verdict is None] for part in (listed.frames[:at], listed.frames[at + 1 :])
    )
    return PlaceInReview(
        undecided=listed.undecided,
        flag=flag,
        before=earlier[-1] if earlier else None,
        after=next(iter([*later, *earlier]), None),
    )


def flags_in_roll(connection: sqlite3.Connection, frame: FrameId) -> tuple[Flag, ...]:
    """Return the flags of a frame, also those by which it differs from its roll; none before it is archived."""
    frames = finished_frames(connection, Roll(frame.collection, frame.box, frame.roll))
    this = next((one for one in frames if one.frame == frame), None)
    return () if this is None else flags_of(this, RollNumbers.of(frames))


def _compared(connection: sqlite3.Connection, roll: Roll, order: dict[str, int]) -> dict[FrameId, ReviewFrame]:
    frames = finished_frames(connection, roll)
    numbers = RollNumbers.of(frames)
    flagged = {one.frame: (one, flags_of(one, numbers)) for one in frames}
    return {
        frame: _listed(one, flags, order)
        for frame, (one, flags) in flagged.items()
        if any(flag.code in order for flag in flags)
    }


def _listed(one: FinishedFrame, flags: Iterable[Flag], order: dict[str, int]) -> ReviewFrame:
    ranked = sorted(flags, key=lambda flag: order.get(flag.code, len(order)))
    return ReviewFrame(str(one.frame), one.revision, tuple(ranked), one.verdict)


def _rank(one: ReviewFrame, order: dict[str, int]) -> tuple[bool, int, str]:
    return one.verdict is not None, order.get(one.flags[0].code, len(order)), one.frame
