"""Messages through Apprise, the real one, to a server on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.notification.message import DeliveryError, Message
from filmscand.daemon.notification.through_apprise import send
from support.receiver import receiving

pytest.importorskip("apprise", reason="needs the extra `notify`")
# Its plugins import modules that Python gives up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MESSAGE = Message(station=Path("/srv/film"), host="lab", test=True)


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def test_a_message_arrives(receiver):
    send(receiver.address.replace("http://", "json://"), MESSAGE)
    assert receiver.messages[0]["title"] == "lab: test of the notifications"
    assert receiver.messages[0]["message"].startswith("This is a test.")


def test_a_message_that_does_not_arrive_is_told(receiver):
    receiver.answer = 500
    with pytest.raises(DeliveryError, match=r"^Apprise could not send it: .*500"):
        send(receiver.address.replace("http://", "json://"), MESSAGE)


def test_an_address_that_apprise_does_not_know_is_told(capfd):
    with pytest.raises(DeliveryError, match="does not understand the address"):
        send("nonsense://T0KEN-of-the-lab", MESSAGE)
    assert "T0KEN" not in "".join(capfd.readouterr())
