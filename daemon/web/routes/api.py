"""What the API for programs reads. The page shows nothing that is not in the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from filmscand.daemon.core.description.orientation import WORD_PATTERN, Orientation
from filmscand.daemon.core.frame_id import MAX_NUMBER, MAX_SLUG_LENGTH, FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.web.board import NamedStatus, named_status
from filmscand.daemon.web.events import event_stream
from filmscand.daemon.web.frames import (
    FrameFacts,
    NoSuchFrameError,
    RollDetails,
    RollSummary,
    StoredPicture,
    frame_facts,
    read_stored,
    roll_details,
    roll_summaries,
    roll_summary,
    stored_picture,
)
from filmscand.daemon.web.log_lines import LogLine
from filmscand.daemon.web.pictures import MEDIA_TYPES, Order, Small
from filmscand.daemon.web.site import STREAMS_AT_MOST, Site, site_of
from filmscand.daemon.web.watched import FolderStatus, folder_statuses

_SLUG: Final = rf"^[a-z0-9_-]{{1,{MAX_SLUG_LENGTH}}}$"
_STEM: Final = rf"^[a-z0-9_-]{{1,{MAX_SLUG_LENGTH}}}_[0-9]{{4}}$"
Slug = Annotated[str, Path(pattern=_SLUG, description="1 to 64 of a-z, 0-9, _ and -")]
Stem = Annotated[str, Path(pattern=_STEM, description="the roll and four digits: roll_0007")]
Number = Annotated[
    int | None, Query(ge=1, le=9999, description="number of the revision; without it the newest is returned")
]
Turned = Annotated[
    str | None,
    Query(
        pattern=WORD_PATTERN,
        description="how it is shown: degrees clockwise, `m` for mirrored before that; without it as it is described",
    ),
]
AccessTurned = Annotated[
    str | None, Query(pattern=WORD_PATTERN, description="how it is shown; without it as it lies in the archive")
]
_SOURCES: Final = {Small.THUMBNAIL: Role.ACCESS, Small.VIEW: Role.ACCESS, Small.OVERLAY: Role.MASK}
_ORIGINALS: Final = {Role.ACCESS: "image/jpeg", Role.MASK: "image/png"}


class Problem(BaseModel):
    """Why a request was not answered.

    Attributes
    ----------
    kind : str or None
        What a program does about it: `integrity` or `scanner`.
    problems : tuple of str, or None
        Everything that does not fit in a list, each with its place.
    """

    detail: str
    kind: str | None = None
    problems: tuple[str, ...] | None = None


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "there is no such roll, frame, revision or file"},
    503: {"model": Problem, "description": "the database or a disk does not answer"},
}
_STATUS_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {503: PROBLEMS[503]}
router = APIRouter(prefix="/api")


def conflict(description: str = "the state of what is asked for does not allow it") -> dict[int | str, dict[str, Any]]:
    """Return how the OpenAPI document describes a refusal that another moment may take back."""
    return {409: {"model": Problem, "description": description}}


def picture_answer(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return how the OpenAPI document describes a picture."""
    return {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}, **PROBLEMS}


@router.get("/status", response_model=NamedStatus, responses=_STATUS_PROBLEMS, tags=["station"])
async def status(request: Request, now: bool = False) -> Response:
    """Return the state of the station: what `filmscand status --json` prints; `now`: not one that is seconds old."""
    site = site_of(request)
    if now:
        return json_answer(to_json(await site.on_disk(named_status, site.station)))
    return json_answer((await run_in_threadpool(site.board.fresh)).json)


@router.get("/folders", response_model=list[FolderStatus], responses=_STATUS_PROBLEMS, tags=["station"])
async def folders(request: Request) -> Response:
    """Return the watched folders with files that wait and files that were rejected."""
    return json_answer(to_json(await site_of(request).on_disk(read_folders, site_of(request))))


@router.get("/log", response_model=list[LogLine], tags=["station"])
def log(request: Request) -> Response:
    """Return the last lines of the service's log, newest first; workers log into the journal."""
    return json_answer(to_json(site_of(request).log.newest_first()))


@router.get("/rolls", response_model=list[RollSummary], responses=_STATUS_PROBLEMS, tags=["rolls"])
def rolls(request: Request) -> Response:
    """Return all rolls with the numbers of their frames."""
    with site_of(request).reading() as connection:
        return json_answer(to_json(roll_summaries(connection)))


@router.get("/rolls/{collection}/{box}/{roll}", response_model=RollDetails, responses=PROBLEMS, tags=["rolls"])
def roll(request: Request, collection: Slug, box: Slug, roll: Slug) -> Response:
    """Return a roll with the state, outcome and flags of its frames."""
    with site_of(request).reading() as connection:
        return json_answer(to_json(roll_details(connection, Roll(collection, box, roll))))


@router.get("/rolls/{collection}/{box}/{roll}/summary", response_model=RollSummary, responses=PROBLEMS, tags=["rolls"])
def summary(request: Request, collection: Slug, box: Slug, roll: Slug) -> Response:
    """Return a roll with the numbers of its frames, without the frames."""
    with site_of(request).reading() as connection:
        return json_answer(to_json(roll_summary(connection, Roll(collection, box, roll))))


@router.get("/frames/{collection}/{box}/{stem}", response_model=FrameFacts, responses=PROBLEMS, tags=["frames"])
async def frame(request: Request, collection: Slug, box: Slug, stem: Stem) -> Response:
    """Return what the station and the sidecar know about a frame."""
    site = site_of(request)
    return json_answer(to_json(await site.on_disk(read_facts, site, frame_of(collection, box, stem))))


@router.get("/frames/{collection}/{box}/{stem}/access", responses=picture_answer("image/jpeg"), tags=["frames"])
async def access(
    request: Request, collection: Slug, box: Slug, stem: Stem, revision: Number = None, turned: AccessTurned = None
) -> Response:
    """Return the access image (JPEG, sRGB): as it lies in the archive, or with `turned` as it is to be shown."""
    frame = frame_of(collection, box, stem)
    if turned is not None:
        return await _small(request, frame, Small.VIEW, (revision, turned))
    return await _original(request, frame, Role.ACCESS, revision)


@router.get("/frames/{collection}/{box}/{stem}/mask", responses=picture_answer("image/png"), tags=["frames"])
async def mask(request: Request, collection: Slug, box: Slug, stem: Stem, revision: Number = None) -> Response:
    """Return the defect mask (PNG, 8 bits)."""
    return await _original(request, frame_of(collection, box, stem), Role.MASK, revision)


@router.get("/frames/{collection}/{box}/{stem}/thumbnail", responses=picture_answer("image/jpeg"), tags=["frames"])
async def thumbnail(
    request: Request, collection: Slug, box: Slug, stem: Stem, revision: Number = None, turned: Turned = None
) -> Response:
    """Return a small copy of the access image (JPEG, at most 480 pixels wide or high)."""
    return await _small(request, frame_of(collection, box, stem), Small.THUMBNAIL, (revision, turned))


@router.get("/frames/{collection}/{box}/{stem}/overlay", responses=picture_answer("image/png"), tags=["frames"])
async def overlay(
    request: Request, collection: Slug, box: Slug, stem: Stem, revision: Number = None, turned: Turned = None
) -> Response:
    """Return the defect mask as a transparent picture to lay over the access image (PNG, about 2000 pixels)."""
    return await _small(request, frame_of(collection, box, stem), Small.OVERLAY, (revision, turned))


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **_STATUS_PROBLEMS},
    tags=["station"],
)
async def events(request: Request) -> Response:
    """Stream changes as server-sent events: `status`, `frames` and `reload`, with a heartbeat every 15 seconds."""
    site = site_of(request)
    if site.streams >= STREAMS_AT_MOST:
        raise HTTPException(503, f"{STREAMS_AT_MOST} event streams are open already")
    # nginx would gather events until they fill a page of memory, unless the answer asks for the contrary.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_counted(site), media_type="text/event-stream", headers=headers)


def frame_of(collection: str, box: str, stem: str) -> FrameId:
    """Return the frame that an address names; its parts have the right form already.

    Raises
    ------
    NoSuchFrameError
        Number 0, which no frame has.
    """
    name, _, number = stem.rpartition("_")
    if not 1 <= int(number) <= MAX_NUMBER:
        raise NoSuchFrameError(f"no frame has the number {number}")
    return FrameId(collection, box, name, int(number))


def read_facts(site: Site, frame: FrameId) -> FrameFacts:
    """Return the facts of a frame; it reads the archive."""
    with site.reading() as connection:
        return frame_facts(site.station, connection, frame)


def read_folders(site: Site) -> list[FolderStatus]:
    """Return the watched folders; it looks into them."""
    with site.reading() as connection:
        return folder_statuses(site.station, connection)


async def _counted(site: Site) -> AsyncIterator[bytes]:
    site.streams += 1
    try:
        async for event in event_stream(site.board):
            yield event
    finally:
        site.streams -= 1


async def _original(request: Request, frame: FrameId, role: Role, revision: int | None) -> Response:
    site = site_of(request)
    file = (await site.on_disk(_find, site, frame, role, revision)).file
    headers = {"ETag": f'"{file.sha256[:32]}"', "Cache-Control": caching(is_fixed=revision is not None)}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    content = await site.on_disk(read_stored, site.station, frame, file)
    return Response(content, media_type=_ORIGINALS[role], headers=headers)


async def _small(request: Request, frame: FrameId, kind: Small, named: tuple[int | None, str | None]) -> Response:
    site = site_of(request)
    revision, word = named
    found = await site.on_disk(_find, site, frame, _SOURCES[kind], revision)
    shown = found.described if word is None else Orientation.from_word(word)
    headers = {
        "ETag": f'"{found.file.sha256[:32]}-{shown.word}"',
        "Cache-Control": caching(is_fixed=None not in named),
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    turned = found.has.inverse.then(shown)
    small = site.pictures.find(found.file.sha256, kind, turned)
    if small is None:
        content = await site.on_disk(read_stored, site.station, frame, found.file)
        small = await site.draw(found.file.sha256, Order(kind, content, turned))
    return Response(small, media_type=MEDIA_TYPES[kind], headers=headers)


def _find(site: Site, frame: FrameId, role: Role, revision: int | None) -> StoredPicture:
    with site.reading() as connection:
        return stored_picture(site.station, connection, frame, role, revision)


def caching(*, is_fixed: bool) -> str:
    """Return how long a picture may be kept; fixed: its address names all that it depends on.

    The files of a revision never change; which one counts, and which way up it is shown, do.
    """
    return f"private, {'max-age=86400, immutable' if is_fixed else 'no-cache'}"


def json_answer(content: bytes, code: int = 200) -> Response:
    """Return an answer of JSON with its status code."""
    return Response(content, code, media_type="application/json")
