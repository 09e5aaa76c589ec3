"""The service seals reopened rolls again, once nobody changes them any more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from filmscand.daemon.archive.records.reopened import generation_of
from filmscand.daemon.core.decision import DecisionKind
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.archive_records import reopened_rolls
from filmscand.daemon.maintenance.reclean import Changes, queue_again
from filmscand.daemon.maintenance.sealing.resealing import RESEAL_ALARM, Resealing
from filmscand.daemon.review.decide import Asked, decide
from support.sealed_roll import FRAMES, ROLL


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def resealing(sealed, clock):
    return Resealing(sealed.station, Timing(quiet_s=60.0), clock)


def alarms(sealed):
    with sealed.open() as connection:
        return [alarm.message for alarm in Alarms(connection).standing() if alarm.key == RESEAL_ALARM]


def is_reopened(sealed):
    return (sealed.folder / "reopened.json").exists()


def test_a_roll_is_sealed_when_nobody_has_changed_it_for_a_while(sealed, resealing, clock):
    for frame in FRAMES:
        decide(sealed.station, frame, Asked(DecisionKind.ACCEPT))
        resealing.look()
        clock.now_s += 59.0
        resealing.look()
        assert is_reopened(sealed)
    clock.now_s += 1.0
    resealing.look()
    assert not is_reopened(sealed)
    sealed.require_bag()
    with sealed.open() as connection:
        assert resealing.is_idle(connection)


def test_a_roll_with_a_frame_in_line_waits(sealed, resealing, clock):
    sealed.clean_again(1, 0.9)
    queue_again(sealed.station, [f"{ROLL}_0002"], Changes(0.9))
    for _ in range(2):
        resealing.look()
        clock.now_s += 60.0
    assert is_reopened(sealed)
    assert alarms(sealed) == []
    with sealed.open() as connection:
        assert not resealing.is_idle(connection)


def test_a_roll_that_a_killed_service_reopened_and_did_not_record_is_found(sealed, resealing, clock):
    sealed.clean_again(1, 0.9)
    with sealed.open() as connection:
        connection.execute("DELETE FROM archive_records WHERE path LIKE '%/reopened.json'")
        connection.commit()
    for _ in range(2):
        resealing.look()
        clock.now_s += 60.0
    assert not is_reopened(sealed)


def test_a_record_of_a_roll_that_is_sealed_is_forgotten(sealed, resealing):
    with sealed.open() as connection:
        connection.execute(f"INSERT INTO archive_records VALUES ('{ROLL}/reopened.json', 1, 'x', 0)")
        connection.commit()
    resealing.look()
    with sealed.open() as connection:
        assert reopened_rolls(connection) == []


def test_a_damaged_roll_raises_an_alarm_until_it_is_mended(sealed, resealing, clock):
    sealed.clean_again(1, 0.9)
    mask = sealed.folder / "data/r_0002/r_0002_r01_mask.png"
    content = mask.read_bytes()
    mask.unlink()
    for _ in range(2):
        resealing.look()
        clock.now_s += 60.0
    assert "mask.png: expected a file that the roll was sealed with, found none" in alarms(sealed)[0]
    with sealed.open() as connection:
        assert resealing.is_idle(connection)
    mask.write_bytes(content)
    clock.now_s += 600.0
    resealing.look()
    assert alarms(sealed) == []
    sealed.require_bag()


def test_a_command_that_cleans_a_sealed_roll_without_a_service_leaves_a_bag(sealed):
    command = [sys.executable, "-m", "filmscand.daemon.cli", "reclean", ROLL, "--sensitivity", "0.9", "--json"]
    done = subprocess.run([*command, "--config", str(sealed.live.config)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert sealed.revisions() == [[1, 2], [1, 2]]
    assert not is_reopened(sealed)
    sealed.require_bag()
    assert sealed.problems() == ()
    assert generation_of(sealed.folder) == 2
