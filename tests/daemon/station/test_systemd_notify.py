"""What systemd hears from the service, over a real socket."""

import os
import socket

import pytest

from filmscand.daemon.station.systemd_notify import Notifier
from support.systemd_manager import heard


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@filmscand-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name[1:] if name.startswith("@") else name)
        receiver.settimeout(2.0)
        yield name, receiver


def test_ready_is_told_together_with_what_the_service_does(manager):
    name, receiver = manager
    Notifier({"NOTIFY_SOCKET": name}).ready("2 workers")
    assert heard(receiver) == ["READY=1", "STATUS=2 workers"]


def test_a_status_is_told_once_until_it_changes(manager):
    name, receiver = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    for status in ("idle", "idle", "1 frame queued"):
        notifier.status(status)
    assert heard(receiver) == ["STATUS=idle"]
    assert heard(receiver) == ["STATUS=1 frame queued"]


def test_a_status_of_two_lines_stays_one_message_line(manager):
    name, receiver = manager
    Notifier({"NOTIFY_SOCKET": name}).status("archive full\nREADY=1")
    assert heard(receiver) == ["STATUS=archive full READY=1"]


def test_stopping_asks_for_the_time_that_it_needs(manager):
    name, receiver = manager
    Notifier({"NOTIFY_SOCKET": name}).stopping("finishing 1 frame", 30.0)
    assert heard(receiver) == ["STOPPING=1", "STATUS=finishing 1 frame", "EXTEND_TIMEOUT_USEC=30000000"]


def test_the_watchdog_is_fed_only_where_systemd_asked_for_it(manager):
    name, receiver = manager
    Notifier({"NOTIFY_SOCKET": name}).alive()
    asked = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())})
    assert asked.watchdog_s == 60.0
    asked.alive()
    assert heard(receiver) == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, id="meant-for-another-process"),
        pytest.param({"WATCHDOG_USEC": "0"}, id="switched-off"),
        pytest.param({"WATCHDOG_USEC": "soon"}, id="no-number"),
    ],
)
def test_a_watchdog_that_is_not_ours_is_left_alone(environment):
    assert Notifier(environment).watchdog_s is None


def test_without_a_manager_nothing_happens():
    Notifier({}).ready("idle")


def test_a_manager_that_went_away_does_not_matter(tmp_path):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("idle")
