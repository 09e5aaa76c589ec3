"""Scanning sessions for programs and for the page: order one, follow it, pause it, let it go on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic_core import to_json

from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.session_records import Wish
from filmscand.daemon.maintenance.sessions.order import (
    NextFrame,
    SessionOrder,
    add_session,
    next_frame,
    only_scanner,
    plan_session,
    skip_slide,
    tell_session,
)
from filmscand.daemon.maintenance.sessions.report import ScanSummary, report_of
from filmscand.daemon.maintenance.status import SessionStatus, session_statuses
from filmscand.daemon.scanning.drivers import drivers_of
from filmscand.daemon.web import words
from filmscand.daemon.web.access import visitor_of
from filmscand.daemon.web.routes.api import PROBLEMS, Slug, conflict, json_answer
from filmscand.daemon.web.site import Site, site_of
from filmscand.drivers.scanner.device_info import DeviceInfo

# SQLite counts no further.
SessionNumber = Annotated[int, Path(ge=1, lt=2**63, description="number of the session")]
_CONFLICT: Final = conflict("the state of the session, the roll or the scanners does not allow it")
router = APIRouter(prefix="/api", tags=["sessions"])


class Deed(StrEnum):
    """What a session can be told."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Told:
    """What a session was told: in words for a person, and the session as it stands now."""

    told: str
    session: ScanSummary


@router.get("/scanners", response_model=list[DeviceInfo], responses={503: PROBLEMS[503]})
async def scanners(request: Request) -> Response:
    """Return the scanners that the station can reach; this takes seconds."""
    site = site_of(request)
    return json_answer(to_json(await site.ask_scanners(drivers_of(site.station).list, probe=False)))


@router.get("/sessions", response_model=list[SessionStatus], responses={503: PROBLEMS[503]})
def sessions(request: Request) -> Response:
    """Return all unfinished scanning sessions and the last finished ones, newest first."""
    with site_of(request).reading() as connection:
        return json_answer(to_json(session_statuses(connection)))


@router.post("/sessions", status_code=201, response_model=ScanSummary, responses={**_CONFLICT, 503: PROBLEMS[503]})
async def order(request: Request, order: SessionOrder) -> Response:
    """Order a scanning session: what `filmscand scan` does; it starts when its scanner is free."""
    site = site_of(request)
    device = order.device or await site.ask_scanners(only_scanner, site.station)
    operator = order.operator or visitor_of(request).name
    order = order.model_copy(update={"device": device, "operator": operator})
    # The archive may not answer; a session that was refused for it must not be queued later.
    plan = await site.on_disk(plan_session, site.station, order)
    number = add_session(site.station, plan)
    site.ring()
    return json_answer(to_json(summary_of(site, number)), 201)


@router.get("/sessions/{session}", response_model=ScanSummary, responses=PROBLEMS)
def session(request: Request, session: SessionNumber) -> Response:
    """Return a session with its slides: what `filmscand scan --json` prints."""
    return json_answer(to_json(summary_of(site_of(request), session)))


@router.post("/sessions/{session}/{deed}", response_model=Told, responses={**_CONFLICT, **PROBLEMS})
def tell(request: Request, session: SessionNumber, deed: Deed) -> Response:
    """Tell a session to pause, to go on, to go on without its slide, or to end; it hears it between two slides."""
    site = site_of(request)
    if deed is Deed.SKIP:
        skip_slide(site.station, session)
    else:
        tell_session(site.station, session, Wish(deed.value))
    site.ring()
    return json_answer(to_json(Told(words.SESSION_TOLD[deed].format(session), summary_of(site, session))))


@router.get("/rolls/{collection}/{box}/{roll}/next", response_model=NextFrame, responses=PROBLEMS)
async def next_number(request: Request, collection: Slug, box: Slug, roll: Slug) -> Response:
    """Return the number that the next frame of a roll gets; 1 for a roll that does not exist yet."""
    site = site_of(request)
    return json_answer(to_json(await site.on_disk(next_frame, site.station, Roll(collection, box, roll))))


def summary_of(site: Site, session: int) -> ScanSummary:
    """Return a session with its slides.

    Raises
    ------
    NoSuchSessionError
        There is no session of this number.
    """
    with site.reading() as connection:
        return report_of(connection, session).summary()
