"""What a person decided about a frame: the records of it, and what they come to.

Decisions are only appended. An undo is a decision too: it names the one that it takes back. In force are those that no
undo takes back, and of these

excluded, marked   every area that was drawn: input to each further cleaning of the frame
verdict            the last one, if it ends the review: accepted, keep raw, or to be scanned again
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, PlainSerializer, SerializerFunctionWrapHandler, model_serializer

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.request import Record

UtcTime = Annotated[
    AwareDatetime, PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"), when_used="json")
]
# A hand-drawn line has a few dozen corners.
MOST_CORNERS: Final = 200
_Corner = tuple[Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(allow_inf_nan=False)]]
Outline = Annotated[
    tuple[_Corner, ...],
    Field(
        min_length=3, max_length=MOST_CORNERS, description="corners (row, col), pixels of the frame as it was captured"
    ),
]


class DecisionKind(StrEnum):
    """What a person can decide about a frame."""

    ACCEPT = "accept"
    KEEP_RAW = "keep_raw"
    CLEAN_AGAIN = "clean_again"
    SCAN_AGAIN = "scan_again"
    UNDO = "undo"


class Verdict(StrEnum):
    """How the review of a frame ended."""

    ACCEPTED = "accepted"
    KEEP_RAW = "keep_raw"
    SCAN_AGAIN = "scan_again"


VERDICTS: Final = {
    DecisionKind.ACCEPT: Verdict.ACCEPTED,
    DecisionKind.KEEP_RAW: Verdict.KEEP_RAW,
    DecisionKind.SCAN_AGAIN: Verdict.SCAN_AGAIN,
}


class Settings(Record):
    """With what a frame is cleaned, besides the station's own settings and the drawn areas."""

    sensitivity: float = Field(ge=0, le=1)
    film: FilmKind


class Decision(Record):
    """One decision about a frame; what does not belong to its kind is empty and is not written.

    Attributes
    ----------
    id : str
        UUID of the decision.
    revision : int
        The revision that the person looked at.
    by : str or None
        Who decided; None: whoever uses the station.
    settings, earlier : Settings or None
        With what the frame is cleaned after CLEAN_AGAIN, and was before.
    excluded, marked : tuple of Outline
        The areas that CLEAN_AGAIN adds: in which nothing is healed, and in which everything is.
    undoes : str or None
        The decision that UNDO takes back.
    """

    id: str
    at: UtcTime
    kind: DecisionKind
    revision: int = Field(ge=1)
    by: str | None = None
    settings: Settings | None = None
    earlier: Settings | None = None
    excluded: tuple[Outline, ...] = ()
    marked: tuple[Outline, ...] = ()
    undoes: str | None = None

    @classmethod
    def made_now(cls, kind: DecisionKind, revision: int, by: str | None = None) -> Decision:
        """Return a decision that is made at this moment."""
        now = datetime.now(UTC)
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return cls(id=str(uuid.uuid4()), at=at, kind=kind, revision=revision, by=by)

    @model_serializer(mode="wrap")
    def _only_set(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in write(self).items() if value not in (None, (), [])}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The areas of a frame in which nothing is healed, and those in which everything is."""

    excluded: tuple[Outline, ...] = ()
    marked: tuple[Outline, ...] = ()


def in_force(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions that no undo takes back, oldest first."""
    listed = list(decisions)
    undone = {one.undoes for one in listed if one.kind is DecisionKind.UNDO}
    return tuple(one for one in listed if one.kind is not DecisionKind.UNDO and one.id not in undone)


def drawn_areas(decisions: Iterable[Decision]) -> Drawn:
    """Return the areas that are in force."""
    valid = in_force(decisions)
    return Drawn(
        excluded=tuple(outline for one in valid for outline in one.excluded),
        marked=tuple(outline for one in valid for outline in one.marked),
    )


def verdict_of(decisions: Iterable[Decision], revision: int) -> Verdict | None:
    """Return how the review of a frame ended, None if it did not.

    Parameters
    ----------
    revision : int
        The revision that counts now: one that was accepted says nothing about another.
    """
    valid = in_force(decisions)
    verdict = VERDICTS.get(valid[-1].kind) if valid else None
    return None if verdict is Verdict.ACCEPTED and valid[-1].revision != revision else verdict
