"""`filmscand page password` and `page token`: lines for the configuration, from a pipe and from a terminal."""

from __future__ import annotations

import io
import json
import sys

import pytest
import yaml

from filmscand.daemon.station.sections.page import Page
from filmscand.daemon.web.doors.passwords import is_password, is_token


def test_a_password_becomes_a_line_that_the_configuration_takes(command, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    status, out, errors = command("page", "password")
    assert (status, errors) == (0, "")
    assert "correct horse" not in out
    user = {"name": "ada", **yaml.safe_load(out)}
    assert is_password(Page(users=[user]).users[0].password.get_secret_value(), "correct horse")


def test_a_password_that_is_too_short_is_wrong_usage(command, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    status, out, errors = command("page", "password")
    assert (status, out, "expected 8 characters or more, found 5" in errors) == (2, "", True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("typed", "status"), [(["correct horse"] * 2, 0), (["correct horse", "correct house"], 2)])
def test_at_a_terminal_a_password_is_typed_twice(command, monkeypatch, typed, status):
    answers = iter(typed)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    found, _, errors = command("page", "password")
    assert (found, "the two passwords differ" in errors) == (status, bool(status))


def test_a_token_is_shown_once_beside_its_hash(command):
    status, out, errors = command("page", "token")
    secret, line = out.splitlines()
    assert status == 0
    assert "it is not shown again" in errors
    assert is_token(yaml.safe_load(line)["token"], secret)
    answer = json.loads(command("page", "token", "--json")[1])
    assert is_token(answer["token"], answer["secret"])
