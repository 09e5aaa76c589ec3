"""A look at what lies in a scanner, before a session begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path, Request, Response
from pydantic_core import to_json

from filmscand.daemon.maintenance.sessions.look import LookOrder, look
from filmscand.daemon.web.routes.api import PROBLEMS, conflict, json_answer, picture_answer
from filmscand.daemon.web.site import site_of

_CONFLICT: Final = conflict(
    "there is no such scanner, or none that is the only one, a session has it, or its feeder would load a slide"
)
router = APIRouter(prefix="/api", tags=["sessions"])


@dataclass(frozen=True, slots=True)
class Looked:
    """Where the picture is; the next look replaces it."""

    picture: str


@router.post(
    "/looks",
    status_code=201,
    response_model=Looked,
    responses={**_CONFLICT, 503: PROBLEMS[503]},
)
async def take(request: Request, order: LookOrder) -> Response:
    """Scan what lies in a scanner at a low resolution; nothing goes into the archive."""
    site = site_of(request)
    jpeg = await site.ask_scanners(look, site.station, order)
    # Counted after the wait: of two looks at once each has a number of its own.
    number = site.look[0] + 1
    site.look = (number, jpeg)
    return json_answer(to_json(Looked(f"/api/looks/{number}")), 201)


@router.get("/looks/{number}", responses=picture_answer("image/jpeg"))
def show(request: Request, number: Annotated[int, Path(ge=1, lt=2**63, description="number of the look")]) -> Response:
    """Return the picture of the last look."""
    newest, jpeg = site_of(request).look
    if number != newest:
        raise HTTPException(404, "there is a newer look, or none")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})
