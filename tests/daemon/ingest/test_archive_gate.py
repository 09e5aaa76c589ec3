"""The gate before the archive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarms
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.ingest.archive_gate import ArchiveGate
from support.ingest_bench import TIMING

AT_ONCE = replace(TIMING, retry_first_s=0.0, retry_cap_s=0.0)
LATER = replace(TIMING, retry_first_s=600.0, retry_cap_s=600.0)


@pytest.fixture
def make_gate(bench):
    def make(timing):
        archive = Archive(bench.station.archive, identity_of(bench.connection))
        return ArchiveGate(archive, Alarms(bench.connection), timing)

    return make


@pytest.fixture
def alarms(bench):
    return lambda: [alarm.times for alarm in Alarms(bench.connection).standing() if alarm.key == ARCHIVE_ALARM]


def pull_out(bench):
    return bench.station.archive.rename(bench.root / "elsewhere")


def test_an_archive_that_is_there_closes_nothing(make_gate, alarms):
    gate = make_gate(LATER)
    assert gate.is_archive_there()
    assert (gate.is_closed, gate.is_missing, alarms()) == (False, False, [])


def test_a_missing_archive_is_told_once_and_not_looked_for_during_the_pause(bench, make_gate, alarms):
    gate = make_gate(LATER)
    disk = pull_out(bench)
    assert [gate.is_archive_there(), gate.is_archive_there()] == [False, False]
    assert (gate.is_closed, alarms()) == (True, [1])
    disk.rename(bench.station.archive)
    assert not gate.is_archive_there()


def test_an_archive_that_comes_back_ends_the_alarm(bench, make_gate, alarms):
    gate = make_gate(AT_ONCE)
    disk = pull_out(bench)
    assert [gate.is_archive_there(), gate.is_archive_there()] == [False, False]
    disk.rename(bench.station.archive)
    assert gate.is_archive_there()
    assert (gate.is_missing, alarms()) == (False, [])


def test_a_failed_claim_pauses_but_the_archive_does_not_count_as_missing(make_gate, alarms):
    gate = make_gate(LATER)
    gate.note_failure(OSError("disk full"))
    assert (gate.is_closed, gate.is_archive_there(), alarms()) == (True, True, [1])
    gate.note_success()
    assert alarms() == []
