"""Logging in and out through the API; the doors' tests show it with TLS and behind a proxy."""

from __future__ import annotations

import pytest

from filmscand.daemon.station.sections.page import Page, User
from filmscand.daemon.web.doors.passwords import hash_password
from support.page_site import served


@pytest.fixture(scope="module")
def password():
    return hash_password("correct horse")


@pytest.fixture
def guarded(connection, station, password):
    users = [User(name="ada", password=password, role="operator"), User(name="victor", password=password)]
    page = Page(port=0, users=users)
    with served(station.model_copy(update={"page": page})) as site:
        yield site


@pytest.mark.parametrize("name", ["ada", "victor"])
def test_the_cookie_of_a_login_opens_the_page_until_one_logs_out(guarded, name):
    answer = guarded.post("/api/login", {"name": name, "password": "correct horse"})
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert guarded.get("/", **cookie).status == 200
    left = guarded.post("/api/logout", **cookie)
    assert (left.status, "max-age=0" in left.headers["set-cookie"].lower()) == (204, True)
    assert guarded.get("/", **cookie).status == 303


def test_a_wrong_password_is_told_and_gives_no_cookie(guarded):
    answer = guarded.post("/api/login", {"name": "ada", "password": "wrong horse"})
    assert (answer.status, answer.json) == (401, {"detail": "name or password are wrong"})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("body", [{}, {"name": "ada"}, {"name": "ada", "password": "x" * 1001}, {"name": 1}])
def test_what_is_no_login_is_refused_without_a_look_at_the_password(guarded, body):
    assert guarded.post("/api/login", body).status == 422


def test_a_login_from_another_site_is_refused(guarded):
    answer = guarded.post("/api/login", {"name": "ada", "password": "correct horse"}, Origin="http://evil.example")
    assert answer.status == 403
