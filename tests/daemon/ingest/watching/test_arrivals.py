"""Files that arrive in a watch folder, with real files and a clock of the test."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import date

import numpy as np
import pytest
import tifffile

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import MAX_PAUSE_S, Candidates, CandidateState
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.ingest.troubles import Troubles
from filmscand.daemon.ingest.watching.arrivals import Arrivals, SettleRules
from filmscand.daemon.ingest.watching.rejected import Rejected
from filmscand.daemon.ingest.watching.watch import sweep
from filmscand.daemon.station.configuration import Watch
from support.live_station import film, write_infrared, write_inside, write_picture

TODAY = date(2026, 11, 28)
QUIET_S = 4.0
MAX_SETTLE_S = 60.0


class Folder:
    """A watch folder, its rows, and what arrives there."""

    def __init__(self, root, connection, *, share=False):
        self.share = share
        self.root = root / "drop"
        self.root.mkdir()
        self.candidates = Candidates(connection, str(self.root))
        self.alarms = Alarms(connection)
        self.now_s = 0.0
        self.restart()

    def restart(self):
        rules = SettleRules(QUIET_S, MAX_SETTLE_S, probe_writers=not self.share)
        unread, held = (Troubles(self.alarms, key, "{} files".format) for key in ("unread", "put_away"))
        rejected = Rejected(self.root, self.candidates, held)
        self.arrivals = Arrivals(
            Watch(path=self.root), self.candidates, rules, unread, rejected, clock_s=lambda: self.now_s
        )

    def sweep(self):
        self.arrivals.note_sweep(sweep(self.root), self.now_s)

    def rest(self, seconds):
        for _ in range(4):
            self.now_s += seconds / 4
            self.arrivals.observe_due(self.now_s)

    def settle(self):
        self.sweep()
        self.rest(QUIET_S)
        return [row.path for row in self.arrivals.settled(0.0)]

    def check(self):
        for row in self.arrivals.settled(0.0):
            self.arrivals.check(row, TODAY)

    def states(self):
        return {row.path: row.state for row in self.candidates.in_state(CandidateState)}


@pytest.fixture
def folder(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        yield Folder(tmp_path, connection)


def test_a_scan_settles_and_is_complete(folder):
    write_inside(folder.root / "r/a.tif", 1)
    folder.sweep()
    assert folder.arrivals.incomplete_paths() == ["r/a.tif"]
    assert folder.settle() == ["r/a.tif"]
    folder.check()
    (arrived,) = folder.arrivals.complete_files(0.0)
    assert (arrived.candidate.path, arrived.holds_infrared) == ("r/a.tif", True)
    assert folder.arrivals.incomplete_paths() == []


def test_a_picture_without_infrared_and_an_infrared_file_hold_none_inside(folder):
    write_picture(folder.root / "a.tif", 1)
    write_infrared(folder.root / "a_ir.tif", 1)
    folder.settle()
    folder.check()
    assert {one.candidate.path: one.holds_infrared for one in folder.arrivals.complete_files(0.0)} == {
        "a.tif": False,
        "a_ir.tif": False,
    }


def test_a_file_that_grows_starts_its_wait_again(folder):
    path = write_inside(folder.root / "a.tif", 1)
    folder.sweep()
    folder.rest(QUIET_S * 3 / 4)
    with path.open("ab") as file:
        file.write(b"more")
    folder.sweep()
    folder.rest(QUIET_S / 2)
    assert folder.arrivals.settled(0.0) == []
    folder.rest(QUIET_S / 2)
    assert len(folder.arrivals.settled(0.0)) == 1


def test_an_event_that_ends_the_writing_shortens_the_wait(folder):
    write_inside(folder.root / "a.tif", 1)
    folder.arrivals.note_event("a.tif", folder.now_s, write_ended=True)
    folder.rest(QUIET_S / 2)
    assert len(folder.arrivals.settled(0.0)) == 1


def test_a_half_written_scan_is_retried_and_quarantined_at_last(folder):
    path = write_inside(folder.root / "a.tif", 1)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    folder.settle()
    folder.check()
    (row,) = folder.candidates.in_state({CandidateState.SETTLING})
    assert row.retries == 1
    folder.rest(MAX_SETTLE_S)
    for late in folder.arrivals.settled(row.not_before):
        folder.arrivals.check(late, TODAY)
    assert folder.states() == {"a.tif": CandidateState.QUARANTINED}
    assert (folder.root / "_failed/2026-11-28/a.tif.error.json").exists()


def test_a_file_that_is_no_scan_stays_in_place_with_the_reason(folder):
    (folder.root / "notes.txt").write_text("first slide is upside down")
    folder.settle()
    folder.check()
    (row,) = folder.candidates.in_state({CandidateState.QUARANTINED})
    assert row.reason.startswith("not a film scan: expected .dng, ")
    assert (folder.root / "notes.txt").exists()
    assert folder.settle() == []


def test_a_file_that_disappears_is_forgotten(folder):
    path = write_inside(folder.root / "a.tif", 1)
    folder.sweep()
    path.unlink()
    folder.sweep()
    assert folder.states() == {}
    assert folder.arrivals.next_observation_s() is None


def test_after_a_restart_a_complete_file_settles_again(folder):
    write_inside(folder.root / "a.tif", 1)
    folder.settle()
    folder.check()
    folder.restart()
    folder.arrivals.begin()
    assert folder.states() == {"a.tif": CandidateState.SETTLING}
    assert folder.settle() == ["a.tif"]


def test_the_other_half_of_a_file_that_was_left_to_a_person_has_it_decided_again(folder):
    write_picture(folder.root / "a.tif", 1)
    folder.settle()
    folder.check()
    (arrived,) = folder.arrivals.complete_files(0.0)
    folder.arrivals.leave_to_person(arrived.candidate, "no infrared came within 180 s")
    assert folder.settle() == []
    write_infrared(folder.root / "a_ir.tif", 1)
    folder.sweep()
    assert set(folder.states().values()) == {CandidateState.SETTLING}


def test_a_complete_file_waits_for_its_other_half(folder):
    write_picture(folder.root / "a.tif", 1)
    folder.settle()
    folder.check()
    (arrived,) = folder.arrivals.complete_files(0.0)
    folder.arrivals.wait_for_pair(arrived.candidate)
    assert folder.states() == {"a.tif": CandidateState.WAIT_PAIR}
    assert [one.candidate.path for one in folder.arrivals.complete_files(0.0)] == ["a.tif"]


def test_a_file_whose_name_is_no_utf8_waits_for_a_person_and_the_others_go_on(folder):
    write_inside(folder.root / "caf\udce9.tif", 1)
    write_inside(folder.root / "M\udcfcnchen" / "1.tif", 2)
    write_inside(folder.root / "good.tif", 3)
    assert folder.settle() == ["good.tif"]
    rows = {row.path: row for row in folder.candidates.in_state({CandidateState.QUARANTINED})}
    assert sorted(rows) == ["M\\xfcnchen/1.tif", "caf\\xe9.tif"]
    assert "not UTF-8" in rows["caf\\xe9.tif"].reason
    (folder.root / "caf\udce9.tif").rename(folder.root / "café.tif")
    assert sorted(folder.settle()) == ["café.tif", "good.tif"]
    assert not folder.candidates.reload(rows["caf\\xe9.tif"]).in_place


@pytest.mark.parametrize("year_s", [10_413_792_000, -2_177_452_800, -1, 0, 2**34 - 1])
def test_a_file_of_any_year_is_taken(folder, year_s):
    path = write_inside(folder.root / "a.tif", 1)
    os.utime(path, (year_s, year_s))
    assert folder.settle() == ["a.tif"]
    folder.check()
    assert [one.candidate.path for one in folder.arrivals.complete_files(0.0)] == ["a.tif"]


def test_a_file_that_a_person_took_away_waits_no_more(folder):
    (folder.root / "notes.txt").write_text("first slide is upside down")
    folder.settle()
    folder.check()
    (folder.root / "notes.txt").unlink()
    folder.sweep()
    assert [row.in_place for row in folder.candidates.in_state(CandidateState)] == [False]


def test_the_wait_for_the_other_half_does_not_follow_the_wall_clock(folder):
    write_picture(folder.root / "a.tif", 1)
    folder.settle()
    folder.check()
    (row,) = folder.candidates.in_state({CandidateState.COMPLETE})
    folder.now_s += 20.0
    for wall_clock in (row.changed_at, row.changed_at - 172_800.0, row.changed_at + 172_800.0):
        (arrived,) = folder.arrivals.complete_files(wall_clock)
        assert wall_clock - arrived.candidate.changed_at == pytest.approx(20.0)


def retry(folder, seconds):
    """Let time pass until the files that were put off are due, and check them."""
    folder.rest(seconds)
    for row in folder.arrivals.settled(time.monotonic() + MAX_PAUSE_S):
        folder.arrivals.check(row, TODAY)


@pytest.mark.parametrize("from_share", [0.0, 0.3, 0.6])
def test_zeros_where_the_rest_is_coming_are_waited_for(folder, from_share):
    whole = write_inside(folder.root / "a.tif", 1).read_bytes()
    begin = int(len(whole) * from_share)
    end = begin + 40_000 if from_share < 0.5 else len(whole)
    (folder.root / "a.tif").write_bytes(whole[:begin] + bytes(end - begin) + whole[end:])
    folder.settle()
    folder.check()
    retry(folder, 30.0)
    assert folder.states() == {"a.tif": CandidateState.SETTLING}
    (folder.root / "a.tif").write_bytes(whole)
    folder.settle()
    retry(folder, QUIET_S)
    assert folder.states() == {"a.tif": CandidateState.COMPLETE}
    (row,) = folder.candidates.in_state(CandidateState)
    assert folder.arrivals.flags_of(row) == ()


def test_a_black_scan_is_taken_at_last_with_a_flag(folder):
    tifffile.imwrite(folder.root / "black.tif", np.zeros((100, 150, 3), np.uint16), photometric="rgb")
    folder.settle()
    folder.check()
    assert folder.states() == {"black.tif": CandidateState.SETTLING}
    retry(folder, MAX_SETTLE_S)
    (row,) = folder.candidates.in_state({CandidateState.COMPLETE})
    assert folder.arrivals.flags_of(row) == ("zeros_in_file",)


@pytest.fixture
def share(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        yield Folder(tmp_path, connection, share=True)


def test_on_a_share_the_content_has_to_rest_even_if_size_and_time_do(share):
    path = write_inside(share.root / "a.tif", 1)
    when = path.stat().st_mtime_ns
    share.settle()
    share.check()
    assert share.states() == {"a.tif": CandidateState.SETTLING}
    data = bytearray(path.read_bytes())
    data[60_000:61_000] = os.urandom(1000)
    path.write_bytes(data)
    os.utime(path, ns=(when, when))
    retry(share, QUIET_S)
    assert share.states() == {"a.tif": CandidateState.SETTLING}
    retry(share, QUIET_S)
    assert share.states() == {"a.tif": CandidateState.COMPLETE}


def write_transparent(path):
    picture = film(1)
    picture[..., 3] = 65535
    tifffile.imwrite(path, picture, photometric="rgb", extrasamples=["unassalpha"], software="Photoshop", metadata=None)


def test_a_picture_with_transparency_waits_for_the_infrared_file_that_settles_what_it_is(folder):
    write_transparent(folder.root / "a.tif")
    folder.settle()
    folder.check()
    assert folder.states() == {"a.tif": CandidateState.COMPLETE}
    arrived = folder.arrivals.complete_files(0.0)
    assert [(one.holds_infrared, "ExtraSamples" in one.doubt) for one in arrived] == [(False, True)]
