"""The IIIF Image API: frames for the viewers of libraries and museums, at `/iiif/COLLECTION%2FBOX%2FROLL_0007`."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.web.guard import door_of
from filmscand.daemon.web.iiif.information import CONTEXT, ImageInformation, information_of
from filmscand.daemon.web.iiif.parameters import FORMATS, ImageParameters, cut_of
from filmscand.daemon.web.iiif.shown import ShownImage, shown_image
from filmscand.daemon.web.routes.api import PROBLEMS, Problem, Slug, Stem, caching, frame_of
from filmscand.daemon.web.site import Site, site_of
from filmscand.daemon.web.tiles import TileOrder

_LINKED_DATA: Final = "application/ld+json"
_IMAGES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FORMATS.values()}},
    501: {"model": Problem, "description": "the image would have to be enlarged"},
    **PROBLEMS,
}
router = APIRouter(prefix="/iiif", tags=["iiif"])


@router.get("/{collection}/{box}/{stem}", status_code=303, response_class=RedirectResponse, responses=PROBLEMS)
async def image(request: Request, collection: Slug, box: Slug, stem: Stem) -> Response:
    """Lead to the information about an image."""
    site, frame = site_of(request), frame_of(collection, box, stem)
    await site.on_disk(read_image, site, frame)
    return RedirectResponse(f"{_address(request, frame)}/info.json", 303)


@router.get("/{collection}/{box}/{stem}/info.json", response_model=ImageInformation, responses=PROBLEMS)
async def information(request: Request, collection: Slug, box: Slug, stem: Stem) -> Response:
    """Return size, tiles and features of an image: the finished picture of a frame, the way up it is described."""
    site, frame = site_of(request), frame_of(collection, box, stem)
    found = information_of(await site.on_disk(read_image, site, frame), _address(request, frame))
    linked = _LINKED_DATA in request.headers.get("accept", "")
    kind = f'{_LINKED_DATA};profile="{CONTEXT}"' if linked else "application/json"
    headers = {"Cache-Control": caching(is_fixed=False), "Vary": "Accept"}
    return Response(found.to_json(), media_type=kind, headers=headers)


@router.get(
    "/{collection}/{box}/{stem}/{region}/{size}/{rotation}/{quality}", response_class=Response, responses=_IMAGES
)
async def part(
    request: Request, collection: Slug, box: Slug, stem: Stem, region: str, size: str, rotation: str, quality: str
) -> Response:
    """Return an image or a part of it: REGION/SIZE/ROTATION/QUALITY.FORMAT of the IIIF Image API 3.0."""
    site = site_of(request)
    found = await site.on_disk(read_image, site, frame_of(collection, box, stem))
    wanted = cut_of(found, ImageParameters(region, size, rotation, quality))
    source = found.zoomable.source
    tag = hashlib.sha256(f"{source.key} {source.inverted} {wanted}".encode()).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": caching(is_fixed=False)}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    content = site.tiles.find(source.key, wanted) or await site.cut(TileOrder(source, wanted))
    return Response(content, media_type=FORMATS[quality.rpartition(".")[2]], headers=headers)


def read_image(site: Site, frame: FrameId) -> ShownImage:
    """Return the image of a frame; it reads the archive."""
    with site.reading() as connection:
        return shown_image(site.station, connection, frame)


def _address(request: Request, frame: FrameId) -> str:
    """Return the base URI of a frame's image; the slashes of its name are escaped, as the specification wants it."""
    return f"{door_of(request.scope).origin(request.scope)}/iiif/{str(frame).replace('/', '%2F')}"
