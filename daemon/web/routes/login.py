"""Logging in and out, where the page is reached from other machines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from filmscand.daemon.station.sections.page import Level
from filmscand.daemon.web.access import LOGIN, LOGOUT, find_visitor
from filmscand.daemon.web.doors.logins import LOGIN_S, TooManyTriesError
from filmscand.daemon.web.doors.network import COOKIE, Network, key_in
from filmscand.daemon.web.doors.passwords import LONGEST_PASSWORD
from filmscand.daemon.web.guard import door_of
from filmscand.daemon.web.routes.api import Problem

router = APIRouter(tags=["login"])


class Credentials(BaseModel):
    """Name and password of a user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)]


class Who(BaseModel):
    """Who is using the page; without a name it is whoever works at the station."""

    name: str | None
    role: Level


@router.get("/api/who", response_model=Who)
def who(request: Request) -> Who:
    """Return who is using the page, and the role."""
    visitor = find_visitor(request)
    assert visitor is not None
    return Who(name=visitor.name, role=visitor.level)


@router.post(
    LOGIN,
    response_model=Who,
    responses={
        401: {"model": Problem, "description": "name or password are wrong"},
        404: {"model": Problem, "description": "nobody has to log in here"},
        429: {"model": Problem, "description": "too many wrong passwords; `Retry-After` tells how long to wait"},
    },
)
async def log_in(request: Request, response: Response, credentials: Credentials) -> Who:
    """Log in by name and password; the answer sets the cookie."""
    door = _network(request)
    try:
        key = await run_in_threadpool(
            door.logins.log_in, credentials.name, credentials.password, door.address(request.scope)
        )
    except TooManyTriesError as error:
        raise HTTPException(429, str(error), {"Retry-After": str(int(error.wait_s) + 1)}) from None
    if key is None:
        raise HTTPException(401, "name or password are wrong")
    response.set_cookie(
        COOKIE,
        key,
        max_age=int(LOGIN_S),
        path="/",
        secure=door.scheme(request.scope) == "https",
        httponly=True,
        samesite="strict",
    )
    visitor = door.logins.by_cookie(key)
    assert visitor is not None
    return Who(name=visitor.name, role=visitor.level)


@router.post(LOGOUT, status_code=204, responses={404: {"model": Problem}})
def log_out(request: Request) -> Response:
    """Forget the login of this browser."""
    door = _network(request)
    key = key_in(request.headers)
    if key is not None:
        door.logins.log_out(key)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _network(request: Request) -> Network:
    door = door_of(request.scope)
    if not isinstance(door, Network):
        raise HTTPException(404, "nobody has to log in here")
    return door
