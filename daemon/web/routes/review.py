"""What a person should look at, its tiles, and what is decided about it: for programs and for the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from filmscand.daemon.cleaning.deep_zoom import TILE_PX, Layer, Tile, top_level
from filmscand.daemon.core.decision import DecisionKind, Outline
from filmscand.daemon.core.description.orientation import Orientation
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.review.decide import MOST_AREAS, Asked, DecisionResult, decide
from filmscand.daemon.review.listing import ReviewList, review_list
from filmscand.daemon.web import words
from filmscand.daemon.web.access import visitor_of
from filmscand.daemon.web.routes.api import (
    PROBLEMS,
    Slug,
    Stem,
    Turned,
    caching,
    conflict,
    frame_of,
    json_answer,
    picture_answer,
)
from filmscand.daemon.web.site import Site, site_of
from filmscand.daemon.web.tiles import TileOrder, Zoomable, zoomable

router = APIRouter(prefix="/api", tags=["review"])
Level = Annotated[int, Path(ge=0, le=31, description="level of the pyramid; at the highest one the picture is whole")]
Place = Annotated[str, Path(pattern=r"^[0-9]{1,4}_[0-9]{1,4}\.(jpg|png)$", description="column and row: 3_2.jpg")]
Revision = Annotated[int, Path(ge=1, le=9999, description="number of the revision")]
Areas = Annotated[tuple[Outline, ...], Field(max_length=MOST_AREAS)]
_TYPES: Final = {Layer.MASK: "image/png"}


class DecisionAsked(BaseModel):
    """What a person wants to decide about a frame.

    `revision` is the one that the person looked at; without it, whichever counts. `sensitivity`, `film`, `excluded`
    and `marked` belong to `clean_again`: in excluded areas nothing is ever healed, in marked ones every pixel is.
    """

    model_config = ConfigDict(extra="forbid")

    kind: DecisionKind
    revision: int | None = Field(default=None, ge=1)
    sensitivity: float | None = Field(default=None, ge=0, le=1)
    film: FilmKind | None = None
    excluded: Areas = ()
    marked: Areas = ()


@dataclass(frozen=True, slots=True)
class ZoomLayers:
    """The pyramids of a frame for deep zoom.

    Attributes
    ----------
    rows, cols : int
        Size of the picture as it is shown, pixels.
    turned : str
        How it is shown, for the addresses of its tiles: degrees clockwise, `m` for mirrored before that.
    top_level : int
        Level at which the picture has its full size.
    tile_px : int
        Side of a tile; those at the right and at the bottom are smaller.
    revision : int
        The revision.
    layers : tuple of str
        What there is to see: `raw`, `clean`, `mask`, and `infrared` where the frame has one.
    """

    rows: int
    cols: int
    top_level: int
    tile_px: int
    revision: int
    layers: tuple[str, ...]
    turned: str


@router.get("/review", response_model=ReviewList, responses={503: PROBLEMS[503]})
async def review(request: Request) -> Response:
    """Return the frames to look at with their reasons, undecided ones first, and those to be scanned again."""
    return json_answer(to_json(await site_of(request).on_disk(read_review, site_of(request))))


@router.post(
    "/frames/{collection}/{box}/{stem}/decisions",
    status_code=201,
    response_model=DecisionResult,
    responses={**conflict(), **PROBLEMS},
)
async def decision(request: Request, collection: Slug, box: Slug, stem: Stem, asked: DecisionAsked) -> Response:
    """Decide about a frame: accept it, keep it raw, clean it again, want it scanned again, or undo."""
    site = site_of(request)
    wanted = Asked(**{name: getattr(asked, name) for name in DecisionAsked.model_fields}, by=visitor_of(request).name)
    result = await site.on_disk(decide, site.station, frame_of(collection, box, stem), wanted)
    if result.is_queued:
        site.ring()
    return json_answer(to_json(result), 201)


@router.get("/frames/{collection}/{box}/{stem}/tiles/{revision}", response_model=ZoomLayers, responses=PROBLEMS)
async def layers(
    request: Request, collection: Slug, box: Slug, stem: Stem, revision: Revision, turned: Turned = None
) -> Response:
    """Return the size of a revision and its layers, for deep zoom."""
    site = site_of(request)
    shown = await site.on_disk(read_zoomable, site, frame_of(collection, box, stem), revision)
    how = shown.described if turned is None else Orientation.from_word(turned)
    rows, cols = how.shape(shown.rows, shown.cols)
    top = top_level(rows, cols)
    return json_answer(to_json(ZoomLayers(rows, cols, top, TILE_PX, revision, shown.layers, how.word)))


@router.get(
    "/frames/{collection}/{box}/{stem}/tiles/{revision}/{layer}/{level}/{place}",
    responses={**picture_answer("image/jpeg"), **conflict()},
)
async def tile(
    request: Request,
    collection: Slug,
    box: Slug,
    stem: Stem,
    revision: Revision,
    layer: Layer,
    level: Level,
    place: Place,
    turned: Turned = None,
) -> Response:
    """Return a tile: `COLUMN_ROW.jpg`, or `COLUMN_ROW.png` of the mask; 512 pixels, as Deep Zoom numbers them."""
    site = site_of(request)
    shown = await site.on_disk(read_zoomable, site, frame_of(collection, box, stem), revision)
    col, row = place.partition(".")[0].split("_")
    how = shown.described if turned is None else Orientation.from_word(turned)
    wanted = Tile(layer, level, int(col), int(row), how)
    shown.require(wanted)
    content = site.tiles.find(shown.source.key, wanted) or await site.cut(TileOrder(shown.source, wanted))
    headers = {"Cache-Control": caching(is_fixed=turned is not None)}
    return Response(content, media_type=_TYPES.get(layer, "image/jpeg"), headers=headers)


def read_review(site: Site) -> ReviewList:
    """Return the frames to look at; with many flagged frames it takes a moment."""
    with site.reading() as connection:
        return review_list(connection, words.codes_to_review())


def read_zoomable(site: Site, frame: FrameId, revision: int) -> Zoomable:
    """Return a revision for deep zoom; it reads the archive."""
    with site.reading() as connection:
        return zoomable(site.station, connection, frame, revision)
