"""The local socket as a door: who is there is told by the kernel, and other sites get in no more than by the page."""

from __future__ import annotations

import http.client
from contextlib import suppress

import pytest

from filmscand.daemon.station.rights import user_name
from filmscand.daemon.station.service_socket import connect_locally


class Local(http.client.HTTPConnection):
    def __init__(self, station):
        super().__init__("localhost", timeout=30)
        self.station = station

    def connect(self):
        self.sock = connect_locally(self.station, 30)


@pytest.fixture
def ask(page, station):
    def ask(method, path, body=None, **headers):
        connection = Local(station)
        try:
            # What is refused by its head is answered and closed before the body comes.
            with suppress(BrokenPipeError):
                connection.request(
                    method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
                )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return ask


def test_the_user_at_the_other_end_is_an_operator_by_name(ask):
    status, body = ask("GET", "/api/who")
    assert (status, body) == (200, f'{{"name":"{user_name()}","role":"operator"}}'.encode())


def test_the_same_application_with_the_same_guard_answers(ask):
    assert ask("GET", "/healthz")[0] == 200
    assert ask("GET", "/api/status", Host="evil.example")[0] == 421
    assert ask("POST", "/api/sessions/1/pause", b"{}", Content_Type="text/plain")[0] == 415
    assert ask("POST", "/api/sessions/1/pause", b"{}", Content_Type="application/json", Origin="http://evil")[0] == 403
    assert ask("POST", "/api/login", b'{"name":"a","password":"b"}', Content_Type="application/json")[0] == 404
