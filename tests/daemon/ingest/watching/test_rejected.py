"""Files that are no film scans and cannot be moved away at first."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.ingest.troubles import Troubles
from filmscand.daemon.ingest.watching.rejected import Rejected

DAY = date(2026, 11, 28)


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as made:
        yield made


def test_a_file_whose_way_is_blocked_stays_with_an_alarm_and_is_moved_once_the_way_is_free(tmp_path, connection):
    drop = tmp_path / "drop"
    drop.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (drop / "_failed").symlink_to(tmp_path / "elsewhere")
    (drop / "a.tif").write_text("no scan")
    candidates, alarms = Candidates(connection, str(drop)), Alarms(connection)
    row = candidates.move(candidates.see("a.tif", 7, 1), CandidateState.QUARANTINED, "no scan")
    rejected = Rejected(drop, candidates, Troubles(alarms, "put_away:drop", str))
    rejected.add(row, ValueError("no scan"), DAY)
    (alarm,) = alarms.standing()
    assert f"{drop}/_failed: a link stands here" in alarm.message
    assert (drop / "a.tif").exists()
    rejected.retry()
    assert (drop / "a.tif").exists()
    (drop / "_failed").unlink()
    rejected.retry()
    assert (drop / "_failed/2026-11-28/a.tif").read_text() == "no scan"
    assert alarms.standing() == []
    assert not candidates.reload(row).in_place
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_that_a_person_took_away_is_forgotten(tmp_path, connection):
    candidates, alarms = Candidates(connection, str(tmp_path)), Alarms(connection)
    row = candidates.move(candidates.see("a.tif", 7, 1), CandidateState.QUARANTINED, "no scan")
    rejected = Rejected(tmp_path, candidates, Troubles(alarms, "put_away:drop", str))
    rejected.add(row, ValueError("no scan"), DAY)
    rejected.retry()
    assert alarms.standing() == []
