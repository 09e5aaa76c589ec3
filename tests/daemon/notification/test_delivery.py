"""Delivery to a target of any kind: given up in time, and without its secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.notification.delivery import deliver, hidden
from filmscand.daemon.notification.message import DeliveryError, Message
from filmscand.daemon.station.configuration import Target
from support.receiver import TOKEN, receiving

MESSAGE = Message(station=Path("/srv/film"), test=True)


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def test_a_message_arrives_at_a_web_address(receiver):
    deliver(Target(webhook=receiver.address), MESSAGE, 20.0)
    assert receiver.messages[0]["test"] is True


def test_a_message_arrives_at_a_command(tmp_path):
    deliver(Target(command=("/bin/sh", "-c", f"cat > {tmp_path}/got")), MESSAGE, 20.0)
    assert "test of the notifications" in (tmp_path / "got").read_text()


def test_a_message_arrives_through_apprise_and_a_failure_is_told_without_the_address(receiver):
    pytest.importorskip("apprise", reason="needs the extra `notify`")
    target = Target(apprise=receiver.address.replace("http://", "json://"))
    deliver(target, MESSAGE, 20.0)
    assert receiver.messages[0]["title"] == MESSAGE.title
    receiver.answer = 500
    with pytest.raises(DeliveryError, match=r"^Apprise could not send it: ") as problem:
        deliver(target, MESSAGE, 20.0)
    assert TOKEN not in str(problem.value)


def test_a_server_that_drips_bytes_is_given_up(receiver):
    receiver.answer = "slow"
    with pytest.raises(DeliveryError, match=r"^no answer within 2 s"):
        deliver(Target(webhook=receiver.address), MESSAGE, 2.0)


def test_a_refusal_is_told_as_it_is(receiver):
    receiver.answer = 403
    with pytest.raises(DeliveryError, match=r"^the server answered 403 Forbidden$"):
        deliver(Target(webhook=receiver.address), MESSAGE, 20.0)


def test_an_error_that_nobody_expected_is_told_without_the_address():
    target = Target(webhook=f"http://{'a' * 70}.example.org/{TOKEN}")
    with pytest.raises(DeliveryError) as problem:
        deliver(target, MESSAGE, 20.0)
    assert TOKEN not in str(problem.value)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (
            Target(webhook=f"https://anna:pass-word@example.org/a/{TOKEN}?k={TOKEN}2"),
            "example.org: ... ... a ... x://...",
        ),
        (Target(apprise=f"tgram://pass-word/{TOKEN}/a"), "example.org: ... ... a ...2 x://..."),
        (Target(command=("a",)), f"example.org: pass-word {TOKEN} a {TOKEN}2 x://..."),
    ],
)
def test_no_part_of_an_address_is_in_a_reason(target, shown):
    assert hidden(f"example.org: pass-word {TOKEN} a {TOKEN}2 x://{TOKEN}", target) == shown
