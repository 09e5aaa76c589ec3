"""The pages for people: Station, Rolls, Roll, Frame, Folders and Log, rendered on the server."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic_core import to_json

from filmscand.daemon.core.visible import visible
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.keeping.replicas import replicas_of_roll
from filmscand.daemon.database.session_records import ScanPlan
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.sessions.report import report_of
from filmscand.daemon.review.listing import place_in_review
from filmscand.daemon.web import words
from filmscand.daemon.web.access import find_visitor, may
from filmscand.daemon.web.board import NamedStatus
from filmscand.daemon.web.frames import NoSuchFrameError, roll_details, roll_summaries
from filmscand.daemon.web.routes.api import Slug, Stem, frame_of, read_facts, read_folders
from filmscand.daemon.web.routes.review import read_review
from filmscand.daemon.web.routes.sessions import SessionNumber
from filmscand.daemon.web.site import Site, site_of
from filmscand.drivers.base import InfraredOrigin

_ROOM: Final = Path(__file__).parent.parent
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def _static_files() -> dict[str, tuple[bytes, str]]:
    return {
        file.name: (file.read_bytes(), _TYPES[file.suffix])
        for file in (_ROOM / "static").iterdir()
        if file.suffix in _TYPES
    }


def _environment() -> Environment:
    # StrictUndefined: a name that is misspelt in a template is an error, not a hole in the page.
    environment = Environment(
        loader=FileSystemLoader(_ROOM / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words)
    environment.filters.update(clock=_clock, span=words.span, visible=visible, number=_number)
    return environment


def _clock(at: float | datetime | None) -> str:
    if at is None:
        return "–"
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


# Read once: no path of a request is ever looked up on the disk.
_STATIC: Final = _static_files()
_TEMPLATES: Final = _environment()


def render(request: Request, name: str, code: int = 200, **values: Any) -> HTMLResponse:
    """Return a page made from a template, with `values` as its names and `code` as the status of the answer."""
    site = site_of(request)
    page = _TEMPLATES.get_template(name)
    visitor = find_visitor(request)
    common = {
        "place": str(site.station.root),
        "path": request.url.path,
        "visitor": visitor,
        "may_change": visitor is not None and may(visitor, "POST"),
    }
    return HTMLResponse(page.render(**common, **values), code)


@router.get("/")
def station(request: Request) -> Response:
    """Show the station: scanners, the frame at hand, queue, room and alarms."""
    site = site_of(request)
    snapshot = site.board.fresh()
    # Every browser that watches reads it after the same event: for visitors of one kind it is made once.
    asked = (snapshot.version, find_visitor(request))
    made = site.station_page
    if made is None or made[0] != asked:
        made = site.station_page = (asked, bytes(_station_page(request, snapshot.status).body))
    return HTMLResponse(made[1])


def _station_page(request: Request, status: NamedStatus) -> HTMLResponse:
    last = next((frame for frame in status.last_frames if frame.outcome == "archived"), None)
    return render(request, "station.html", status=status, last=last, last_parts=last and _parts(last.frame))


@router.get("/sessions/new")
def new_session(request: Request) -> Response:
    """Show the form of a new session, with the settings of the last one."""
    with site_of(request).reading() as connection:
        last = Sessions(connection).newest(1)
    return render(request, "new_session.html", before=last[0].plan if last else ScanPlan(roll="-", device="-"))


@router.get("/sessions/{session}")
def session(request: Request, session: SessionNumber) -> Response:
    """Show a session: the next number, how far it is, what is wrong, and what it can be told."""
    with site_of(request).reading() as connection:
        report = report_of(connection, session)
    return render(
        request,
        "session.html",
        session=report.summary(),
        fraction=report.session.fraction,
        waits_at_slide=report.waits_at_slide,
        roll="/".join(astuple(report.session.plan.place)),
    )


@router.get("/rolls")
def rolls(request: Request) -> Response:
    """Show all rolls."""
    with site_of(request).reading() as connection:
        return render(request, "rolls.html", rolls=roll_summaries(connection))


@router.get("/rolls/{collection}/{box}/{roll}")
def roll(request: Request, collection: Slug, box: Slug, roll: Slug) -> Response:
    """Show the contact sheet of a roll."""
    with site_of(request).reading() as connection:
        details = roll_details(connection, Roll(collection, box, roll))
        copies = replicas_of_roll(connection, details.summary.roll)
    return render(request, "roll.html", summary=details.summary, frames=details.frames, copies=copies)


@router.get("/review")
async def review(request: Request) -> Response:
    """Show the frames to look at, by reason."""
    listed = await site_of(request).on_disk(read_review, site_of(request))
    groups = [
        {"reason": words.reason(code), "frames": list(frames)}
        for (_, code), frames in groupby(listed.frames, key=lambda one: (one.verdict is None, one.flags[0].code))
    ]
    return render(request, "review.html", listed=listed, groups=groups)


@router.get("/frames/{collection}/{box}/{stem}")
async def frame(request: Request, collection: Slug, box: Slug, stem: Stem) -> Response:
    """Show a frame and what can be decided about it; with `?review` among the frames to look at."""
    site, asked = site_of(request), frame_of(collection, box, stem)
    facts = await site.on_disk(read_facts, site, asked)
    current = None if facts.sidecar is None else facts.sidecar.current
    among = None
    before, after = (name and f"{collection}/{box}/{name}" for name in (facts.before, facts.after))
    if "review" in request.query_params:
        among = place_in_review(await site.on_disk(read_review, site), str(asked))
        before, after = among.before, among.after
    return render(
        request,
        "frame.html",
        facts=facts,
        place_parts=(collection, box),
        latest=current,
        has_infrared=facts.sidecar is not None and facts.sidecar.capture.infrared_origin != InfraredOrigin.NONE,
        areas=to_json(facts.areas).decode(),
        review=among,
        before=before,
        after=after,
    )


@router.get("/folders")
async def folders(request: Request) -> Response:
    """Show the watched folders."""
    site: Site = site_of(request)
    return render(request, "folders.html", folders=await site.on_disk(read_folders, site))


@router.get("/log")
def log(request: Request) -> Response:
    """Show the last lines of the log."""
    return render(request, "log.html", lines=site_of(request).log.newest_first())


@router.get("/login")
def login(request: Request) -> Response:
    """Show where one logs in."""
    return render(request, "login.html")


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Return a style sheet, script or icon of the page."""
    found = _STATIC.get(name)
    if found is None:
        raise NoSuchFrameError(f"there is no file {name}")
    return Response(found[0], media_type=found[1], headers={"Cache-Control": "no-cache"})


def _parts(frame: str) -> tuple[str, str, str]:
    collection, box, stem = frame.split("/")
    return collection, box, stem
