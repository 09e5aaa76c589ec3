"""How the application answers errors: programs get JSON, people a page, and nobody a traceback."""

from __future__ import annotations

import sqlite3

import pytest

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.web.routes import api, pages


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (DaemonError("the disk is away"), 503, "the disk is away"),
        (sqlite3.OperationalError("database is locked"), 503, "database is locked"),
        (PermissionError(13, "Permission denied", "/x"), 503, "/x: Permission denied"),
        (ValueError("a secret"), 500, "an unexpected error; the service's log tells more"),
    ],
)
def test_an_error_is_told_and_an_unexpected_one_tells_nothing(page, frames, monkeypatch, error, status, detail):
    def fail(*_):
        raise error

    monkeypatch.setattr(api, "roll_summaries", fail)
    monkeypatch.setattr(pages, "roll_summaries", fail)
    for_programs, for_people = page.get("/api/rolls"), page.get("/rolls")
    assert (for_programs.status, for_programs.json) == (status, {"detail": detail})
    assert for_people.status == status
    assert "secret" not in for_people.text + for_programs.text
    assert "Traceback" not in for_people.text
    assert for_people.headers["x-content-type-options"] == for_programs.headers["x-content-type-options"] == "nosniff"


def test_no_documentation_that_loads_from_elsewhere_is_served(page):
    assert page.get("/docs").status == page.get("/redoc").status == 404
