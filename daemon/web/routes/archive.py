"""What the commands `reclean` and `seal` do, for programs and for the page."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.maintenance.reclean import Changes, RecleanReport, queue_again
from filmscand.daemon.maintenance.sealing.roll import Sealed
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.web.routes.api import PROBLEMS, Slug, conflict, json_answer
from filmscand.daemon.web.site import site_of

Name = Annotated[str, Field(min_length=1, max_length=300)]
# What bag-info.txt takes in one line.
Label = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^:\r\n\x00]+$")]
Line = Annotated[str, Field(max_length=1000, pattern=r"^[^\r\n\x00]*$")]
_CONFLICT: Final = conflict("the roll is sealed, unfinished or damaged")
router = APIRouter(prefix="/api", tags=["archive"])


class RecleanOrder(BaseModel):
    """Which frames are cleaned again, and how.

    Attributes
    ----------
    frames : tuple of str
        Collections, boxes, rolls, frames and ranges of frames; see `daemon.database.sheets.selection.Selector`.
    failed : bool
        Only frames that failed or were set aside; without `frames`: all of the station.
    sensitivity, film
        None keeps the setting of each frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Annotated[tuple[Name, ...], Field(max_length=10_000)] = ()
    failed: bool = False
    sensitivity: float | None = Field(default=None, ge=0, le=1)
    film: FilmKind | None = None


class SealOrder(BaseModel):
    """More lines for `bag-info.txt`, by label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Annotated[dict[Label, Line], Field(max_length=100)] = {}


@router.post("/reclean", status_code=202, response_model=RecleanReport, responses={**_CONFLICT, **PROBLEMS})
async def reclean(request: Request, order: RecleanOrder) -> Response:
    """Queue frames to be cleaned again; each gets a new revision, raw files are only read."""
    site = site_of(request)
    changes = Changes(order.sensitivity, order.film)
    failed = order.failed or not order.frames
    report = await site.on_disk(queue_again, site.station, order.frames, changes, failed=failed)
    site.ring()
    return json_answer(to_json(report), 202)


@router.post("/rolls/{collection}/{box}/{roll}/seal", response_model=Sealed, responses={**_CONFLICT, **PROBLEMS})
async def seal_roll(request: Request, collection: Slug, box: Slug, roll: Slug, order: SealOrder) -> Response:
    """Seal a finished or a reopened roll; it is answered when its files were read back, which may take long."""
    site = site_of(request)
    sealed = await site.on_whole_roll(seal, site.station, f"{collection}/{box}/{roll}", order.labels)
    return json_answer(to_json(sealed))
