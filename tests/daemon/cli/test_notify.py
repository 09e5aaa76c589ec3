"""`filmscand notify test`."""

from __future__ import annotations

import json

import pytest
import yaml

from support.receiver import TOKEN, receiving


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def configure(station, *targets):
    station.mkdir()
    (station / "station.yaml").write_text(yaml.safe_dump({"notify": {"targets": list(targets)}}))


def test_each_target_gets_a_message_and_is_told_to_have_it(command, station, receiver, tmp_path):
    configure(station, {"webhook": receiver.address}, {"command": ["/bin/sh", "-c", f"cat > {tmp_path}/got"]})
    status, out, _ = command("notify", "test")
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[-2:] == ["webhook 127.0.0.1 arrived", "command sh arrived"]
    assert receiver.messages[0]["test"] is True
    assert json.loads((tmp_path / "got").read_text())["station"] == str(station)
    assert not (station / "station.db").exists()


def test_a_target_that_gets_none_is_told_with_the_reason_and_without_its_secret(command, station, receiver):
    receiver.answer = 404
    configure(station, {"webhook": receiver.address}, {"command": ["/bin/true"]})
    status, out, err = command("notify", "test")
    assert status == 3
    assert "the server answered 404 Not Found" in out
    assert TOKEN not in out + err
    answer = json.loads(command("notify", "test", "--json")[1])
    assert answer["targets"] == [
        {"target": "webhook 127.0.0.1", "arrived": False, "error": "the server answered 404 Not Found"},
        {"target": "command true", "arrived": True, "error": None},
    ]


def test_if_no_message_arrives_the_command_fails(command, station):
    configure(station, {"command": ["/bin/false"]})
    assert command("notify", "test")[0] == 1


def test_without_targets_the_command_says_what_to_do(command, station):
    status, _, err = command("notify", "test")
    assert status == 1
    assert "the configuration names nobody to notify: add one to `notify.targets`" in " ".join(err.split())


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_command_shows_the_secret_of_a_target(command, station, receiver, form):
    configure(station, {"webhook": receiver.address})
    for arguments in (["config", "show"], ["config", "check"], ["status"], ["doctor"]):
        _, out, err = command(*arguments, *form)
        assert TOKEN not in out + err
    assert "notify.targets.0.webhook" in command("config", "show", *form)[1]
