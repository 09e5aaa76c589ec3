"""What people write about frames: caption, date, mount number, and which way up they are shown."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import to_json

from filmscand.daemon.core.description.record import DescriptionChanges
from filmscand.daemon.core.frame_id import MAX_NUMBER
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.review.caption_list import ListedFrame, read_list
from filmscand.daemon.review.describe import DescriptionResult, RollDescribed, describe, describe_roll
from filmscand.daemon.web.access import visitor_of
from filmscand.daemon.web.routes.api import PROBLEMS, Slug, Stem, conflict, frame_of, json_answer
from filmscand.daemon.web.site import site_of

router = APIRouter(prefix="/api", tags=["descriptions"])
# The guard takes bodies of 1 MiB.
_MOST_LETTERS: Final = 1 << 20
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {**conflict(), **PROBLEMS}


class NumberedChanges(DescriptionChanges):
    """What a person changes of the description of one frame of a roll, by its number on the roll."""

    number: int = Field(ge=1, le=MAX_NUMBER)


class RollDescriptions(BaseModel):
    """Descriptions of many frames: as a list, or as the text of a CSV file. All of it is taken, or nothing.

    The first line of the CSV names its columns: `frame` (its number, or the name of its folder) and some of `caption`,
    `date`, `mount`, `turn`, `mirrored`. It is separated by commas, semicolons or tabs. An empty cell changes nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Annotated[tuple[NumberedChanges, ...], Field(max_length=MAX_NUMBER)] | None = None
    csv: Annotated[str, Field(max_length=_MOST_LETTERS)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.frames is None) == (self.csv is None):
            raise ValueError("expected either frames or csv")
        return self


@router.post(
    "/frames/{collection}/{box}/{stem}/description",
    response_model=DescriptionResult,
    responses=_ANSWERS,
)
async def description(request: Request, collection: Slug, box: Slug, stem: Stem, asked: DescriptionChanges) -> Response:
    """Change what is written about a frame; a field that is left out stays, an empty one is cleared."""
    site, by = site_of(request), visitor_of(request).name
    result = await site.on_disk(describe, site.station, frame_of(collection, box, stem), asked, by)
    return json_answer(to_json(result))


@router.post("/rolls/{collection}/{box}/{roll}/descriptions", response_model=RollDescribed, responses=_ANSWERS)
async def descriptions(request: Request, collection: Slug, box: Slug, roll: Slug, asked: RollDescriptions) -> Response:
    """Change what is written about many frames of a roll: all of it, or nothing and what does not fit is named."""
    site, by = site_of(request), visitor_of(request).name
    place = Roll(collection, box, roll)
    if asked.csv is not None:
        listed = await site.on_disk(read_list, asked.csv, place)
    else:
        numbered = enumerate(asked.frames or (), 1)
        listed = tuple(ListedFrame(f"entry {at}", one.number, one) for at, one in numbered)
    result = await site.on_whole_roll(describe_roll, site.station, place, listed, by)
    return json_answer(to_json(result))
