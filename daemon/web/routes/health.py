"""/healthz: whether the service can make progress, for systemd, load balancers and monitoring."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.database.connection import schema_version
from filmscand.daemon.web.site import Site, site_of

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service can make progress, and if not, why."""

    healthy: bool
    problems: tuple[str, ...]


@router.get("/healthz", response_model=Health, responses={503: {"model": Health}}, tags=["health"])
def healthz(request: Request) -> Response:
    """Tell whether the service can make progress: 200, or 503 with the reasons."""
    health = health_of(site_of(request))
    return Response(to_json(health), 200 if health.healthy else 503, media_type="application/json")


def health_of(site: Site) -> Health:
    """Ask the supervisor's pulse and the database."""
    problems = [problem for problem in (site.pulse.problem(), _database_problem(site)) if problem is not None]
    return Health(not problems, tuple(problems))


def _database_problem(site: Site) -> str | None:
    try:
        with site.reading() as connection:
            if schema_version(connection) > 0:
                return None
            return f"{site.station.database}: the database is empty"
    except (sqlite3.Error, DaemonError, OSError) as error:
        return str(error)
