"""Messages to a web address, against a real server on this machine."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from filmscand.daemon.notification import webhook
from filmscand.daemon.notification.message import AlarmNews, DeliveryError, Message
from filmscand.daemon.notification.webhook import post
from support.receiver import TOKEN, receiving

MESSAGE = Message(station=Path("/srv/film"), raised=(AlarmNews.of("archive", "the archive is full", 0.0),))


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def problem_of(address):
    with pytest.raises(DeliveryError) as problem:
        post(address, MESSAGE)
    assert TOKEN not in str(problem.value)
    return str(problem.value)


def test_a_message_arrives_as_json(receiver):
    post(receiver.address, MESSAGE)
    assert [alarm["key"] for alarm in receiver.messages[0]["raised"]] == ["archive"]
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Authorization"] is None


def test_user_and_password_of_the_address_are_sent_as_basic_authentication(receiver):
    post(receiver.address.replace("//", "//anna:p%40ss@") + "#part", MESSAGE)
    assert receiver.headers[0]["Authorization"] == "Basic YW5uYTpwQHNz"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (500, "the server answered 500 Internal Server Error"),
        (404, "the server answered 404 Not Found"),
        (599, "the server answered 599"),
    ],
)
def test_an_answer_that_is_no_success_is_told(receiver, answer, told):
    receiver.answer = answer
    assert problem_of(receiver.address) == told


def test_a_redirect_is_not_followed_but_told(receiver):
    receiver.answer, receiver.location = 302, f"https://other.example.org/{TOKEN}"
    told = problem_of(receiver.address)
    assert told.endswith("a redirect to other.example.org: enter the address that it leads to")
    assert receiver.tries == 1


def test_a_connection_that_is_cut_is_told(receiver):
    receiver.answer = "cut"
    assert problem_of(receiver.address).startswith("127.0.0.1 did not answer: ")


def test_a_server_that_is_silent_is_told(receiver, monkeypatch):
    monkeypatch.setattr(webhook, "_SILENT_S", 0.2)
    receiver.answer = "silent"
    assert problem_of(receiver.address) == "127.0.0.1 did not answer: no answer for 0.2 s"


def test_a_server_that_does_not_run_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        told = problem_of(f"http://127.0.0.1:{free.getsockname()[1]}/{TOKEN}")
    assert told == "127.0.0.1 cannot be reached: Connection refused"
