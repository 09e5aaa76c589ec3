"""The application: its routes, how it answers errors, and the guard before all of it."""

from __future__ import annotations

import logging
import sqlite3
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from filmscand.daemon.core.errors import (
    DaemonError,
    FrameExistsError,
    FrameIdError,
    FrameMissingError,
    IntegrityError,
    RollFrozenError,
)
from filmscand.daemon.core.visible import message_of, own_words, visible
from filmscand.daemon.database.sessions import NoSuchSessionError, SessionError
from filmscand.daemon.maintenance.reclean import NoSuchFramesError
from filmscand.daemon.maintenance.sealing.profile import ProfileError
from filmscand.daemon.maintenance.sealing.roll import LabelError, RollUnfinishedError
from filmscand.daemon.maintenance.sessions.order import NoScannerError
from filmscand.daemon.review.caption_list import ListRefusedError
from filmscand.daemon.review.decide import DecisionRefusedError
from filmscand.daemon.web.access import FOR_PROGRAMS, IIIF
from filmscand.daemon.web.frames import NoSuchFrameError
from filmscand.daemon.web.iiif.parameters import BadImageRequestError, NotOfferedError
from filmscand.daemon.web.routes import (
    api,
    archive,
    descriptions,
    health,
    iiif,
    login,
    looks,
    metrics,
    pages,
    review,
    sessions,
)
from filmscand.daemon.web.routes.api import Problem
from filmscand.daemon.web.site import Site
from filmscand.drivers.scanner.errors import ScannerError

log = logging.getLogger(__name__)
# What is asked for is wrong or does not fit the state of the station: trying again does not help.
_REFUSED: Final[dict[type[Exception], int]] = {
    BadImageRequestError: 400,
    NotOfferedError: 501,
    NoSuchSessionError: 404,
    NoSuchFramesError: 404,
    FrameMissingError: 404,
    SessionError: 409,
    FrameExistsError: 409,
    RollFrozenError: 409,
    RollUnfinishedError: 409,
    ProfileError: 409,
    DecisionRefusedError: 409,
    NoScannerError: 409,
    FrameIdError: 422,
    LabelError: 422,
    ListRefusedError: 422,
}
# What a program is told beside the words, so that a command ends with the right exit status.
_KINDS: Final[dict[type[Exception], str]] = {
    IntegrityError: "integrity",
    RollFrozenError: "integrity",
    NoScannerError: "scanner",
    ScannerError: "scanner",
}
# Answers that any address may give: most come from the guard, before a route is looked for.
_EVERYWHERE: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "the body is no JSON at all"},
    **{
        code: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": text}
        for code, text in {
            401: "a login or a token is needed",
            403: "another site sent this, a proxy that is not the named one, or the role is too low",
            405: "the address does not know this method",
            413: "the body is too large, or its length is not told",
            414: "the address is too long",
            415: "a body has to be of the type application/json",
            421: "the Host header does not name this station",
            431: "the headers are too large",
        }.items()
    },
    422: {"model": Problem, "description": "the address, a parameter or the body has a wrong form"},
}


def make_app(site: Site) -> ASGIApp:
    """Return the application of a station's page; it has to stand behind a `Guard`.

    Parameters
    ----------
    site : Site
        The station, its board and pulse.
    """
    # The usual pages of documentation load scripts from another site; the OpenAPI document is enough.
    app = FastAPI(
        title="filmscand",
        summary="A film-scanning station: its state, its rolls and frames, and what an operator decides.",
        version=version("filmscand"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_EVERYWHERE,
        # Nothing leaves the station, whatever the environment says.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.site = site
    for room in (api, review, descriptions, sessions, looks, archive, iiif, login, health, metrics, pages):
        app.include_router(room.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(NoSuchFrameError, _missing)
    for kind in _REFUSED:
        app.add_exception_handler(kind, _not_allowed)
    for kind in (DaemonError, sqlite3.Error, OSError, ScannerError):
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, _broken)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _answer(request, error.status_code, str(error.detail))
    # Which methods an address knows, for example.
    answer.headers.update(error.headers or {})
    return answer


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{_place(one['loc'])}: {own_words(one['msg'])}" for one in error.errors())
    path = request.url.path
    # For a person, and for IIIF, it is an address at which there is nothing.
    return _answer(request, 422 if path.startswith(FOR_PROGRAMS) and not path.startswith(IIIF) else 404, visible(wrong))


def _place(path: tuple[int | str, ...]) -> str:
    """Return the name of a field; in a list with the number of the entry, from 1."""
    entry = next((at for at, part in enumerate(path) if at > 1 and isinstance(part, int)), None)
    if entry is None:
        return str(path[-1])
    return ", ".join([f"{path[entry - 1]} {int(path[entry]) + 1}", *map(str, path[entry + 1 :][-1:])])


async def _missing(request: Request, error: Exception) -> Response:
    return _answer(request, 404, visible(error))


async def _not_allowed(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in _REFUSED.items() if isinstance(error, kind))
    answer = _answer(request, status, visible(error), _kind(error))
    if isinstance(error, ListRefusedError) and isinstance(answer, JSONResponse):
        problems = tuple(visible(one) for one in error.problems)
        return JSONResponse(Problem(detail=visible(error), problems=problems).model_dump(exclude_none=True), status)
    return answer


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("the page could not answer %s: %s", request.url.path, error)
    advice = error.advice if isinstance(error, ScannerError) else ""
    return _answer(request, 503, visible(f"{message_of(error)} {advice}".strip()), _kind(error))


async def _broken(request: Request, _error: Exception) -> Response:
    # uvicorn logs it, with its traceback.
    return _answer(request, 500, "an unexpected error; the service's log tells more")


def _kind(error: Exception) -> str | None:
    return next((name for kind, name in _KINDS.items() if isinstance(error, kind)), None)


def _answer(request: Request, status: int, detail: str, kind: str | None = None) -> Response:
    if request.url.path.startswith(FOR_PROGRAMS):
        return JSONResponse(Problem(detail=detail, kind=kind).model_dump(exclude_none=True), status)
    return pages.render(request, "problem.html", status, title=HTTPStatus(status).phrase, detail=detail)
