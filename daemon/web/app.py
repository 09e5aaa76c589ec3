"""The application: its routes, how it answers errors, and the guard before all of it."""

from __future__ import annotations

import logging
import sqlite3
from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.visible import message_of, visible
from filmscand.daemon.web import api, health, metrics, pages
from filmscand.daemon.web.frames import NoSuchFrameError
from filmscand.daemon.web.guard import Guard
from filmscand.daemon.web.site import Site

log = logging.getLogger(__name__)
_FOR_PROGRAMS = ("/api/", "/metrics", "/healthz")


def make_app(site: Site) -> FastAPI:
    """Return the application of a station's page.

    Parameters
    ----------
    site : Site
        The station, its board and pulse.
    """
    # The usual pages of documentation load scripts from another site; the OpenAPI document is enough.
    app = FastAPI(
        title="filmscand",
        summary="The state of a film-scanning station, read-only.",
        version=version("filmscand"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.site = site
    for room in (api, health, metrics, pages):
        app.include_router(room.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(NoSuchFrameError, _missing)
    for kind in (DaemonError, sqlite3.Error, OSError):
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Guard)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, str(error.detail))


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
    return _answer(request, 422, visible(wrong))


async def _missing(request: Request, error: Exception) -> Response:
    return _answer(request, 404, visible(error))


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("the page could not answer %s: %s", request.url.path, error)
    return _answer(request, 503, visible(message_of(error)))


async def _broken(request: Request, error: Exception) -> Response:
    log.error("unexpected error of the page at %s", request.url.path, exc_info=error)
    return _answer(request, 500, "an unexpected error; the service's log tells more")


def _answer(request: Request, status: int, detail: str) -> Response:
    if request.url.path.startswith(_FOR_PROGRAMS):
        return JSONResponse({"detail": detail}, status)
    return pages.render(request, "problem.html", status, title=HTTPStatus(status).phrase, detail=detail)
