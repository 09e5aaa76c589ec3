"""Files in a watch folder: which row stands for which file, and which states follow each other."""

import unicodedata

import pytest

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.core.retry import MAX_BACKOFF_S
from filmscand.daemon.database.candidates import (
    ARRIVING,
    MAX_PAUSE_S,
    NEXT_STATES,
    Candidates,
    CandidateState,
    count_arriving,
    files_in_place,
)
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue, QueueError

NOW = 1_000_000.0
NOW_S = 5_000.0


def reserve_frame(connection):
    source = SourceFile("raw", "sha-of-a", 10, "a.tif")
    return Queue(connection).reserve(Roll("c", "b", "r"), 1, [source], CleanRequest())


@pytest.fixture
def watched(connection):
    return Candidates(connection, "/drop", lambda: NOW, lambda: NOW_S)


def walk(watched, row, *states):
    for state in states:
        row = watched.move(row, state)
    return row


def test_a_growing_file_is_one_candidate(watched):
    first = watched.see("a.tif", 10, 1)
    grown = watched.see("a.tif", 20, 2)
    assert grown.candidate_id == first.candidate_id
    assert (grown.size_bytes, grown.mtime_ns, grown.state) == (20, 2, CandidateState.SETTLING)


def test_a_file_that_was_dealt_with_and_left_is_not_taken_again(watched, connection):
    row = walk(watched, watched.see("a.tif", 10, 1), CandidateState.SETTLING, CandidateState.COMPLETE)
    job = reserve_frame(connection)
    row = watched.move(row, CandidateState.CLAIMED, job_id=job.job_id)
    walk(watched, row, CandidateState.STORED, CandidateState.RELEASED)
    assert watched.see("a.tif", 10, 1) is None
    assert watched.see("a.tif", 10, 2) is not None


def test_a_file_that_comes_again_after_it_was_moved_away_is_seen(watched):
    row = walk(watched, watched.see("a.tif", 10, 1), CandidateState.SETTLING, CandidateState.QUARANTINED)
    watched.moved_away(row)
    assert watched.see("a.tif", 10, 1) is not None


@pytest.mark.parametrize("before", CandidateState)
@pytest.mark.parametrize("after", CandidateState)
def test_a_candidate_goes_only_along_the_table(watched, connection, before, after):
    row = watched.see("a.tif", 10, 1)
    connection.execute("UPDATE candidates SET state = ?", (before,))
    row = watched.reload(row)
    if after in NEXT_STATES[before]:
        assert watched.move(row, after).state is after
    else:
        with pytest.raises(QueueError, match="cannot go from"):
            watched.move(row, after)


def test_of_two_that_move_a_candidate_one_is_refused(watched):
    row = watched.see("a.tif", 10, 1)
    watched.move(row, CandidateState.SETTLING)
    with pytest.raises(QueueError, match="moved meanwhile"):
        watched.move(row, CandidateState.SETTLING)


def test_the_states_before_the_claim_are_those_of_arriving_files(watched):
    rows = {
        state: walk(watched, watched.see(f"{state}.tif", 10, 1), *path)
        for state, path in {
            CandidateState.SEEN: (),
            CandidateState.WAIT_PAIR: (CandidateState.SETTLING, CandidateState.COMPLETE, CandidateState.WAIT_PAIR),
            CandidateState.QUARANTINED: (CandidateState.QUARANTINED,),
        }.items()
    }
    assert watched.in_state(ARRIVING) == [rows[CandidateState.SEEN], rows[CandidateState.WAIT_PAIR]]


def test_a_candidate_that_is_put_off_keeps_its_state_and_counts_its_retries(watched):
    row = watched.put_off(watched.see("a.tif", 10, 1), "the share does not answer", 30.0)
    assert (row.state, row.reason, row.retries) == (CandidateState.SEEN, "the share does not answer", 1)
    assert not row.due(NOW_S + 29.0)
    assert row.due(NOW_S + 30.0)
    moved = watched.move(row, CandidateState.SETTLING)
    assert (moved.reason, moved.retries, moved.not_before) == (None, 0, 0.0)


@pytest.mark.parametrize("wall_clock", [NOW - 172_800.0, NOW + 172_800.0])
def test_setting_the_clock_makes_no_pause_of_a_candidate_longer_or_shorter(connection, wall_clock):
    watched = Candidates(connection, "/drop", lambda: wall_clock, lambda: NOW_S)
    row = watched.put_off(watched.see("a.tif", 10, 1), "later", 30.0)
    assert not row.due(NOW_S + 29.0)
    assert row.due(NOW_S + 30.0)


def test_a_pause_of_a_candidate_that_was_begun_before_the_machine_started_is_over(watched):
    row = watched.put_off(watched.see("a.tif", 10, 1), "later", 30.0)
    assert row.due(NOW_S - 2 * MAX_BACKOFF_S)


def test_a_forgotten_candidate_is_gone(watched):
    row = watched.see("a.tif", 10, 1)
    watched.forget(row)
    assert watched.reload(row) is None
    assert watched.in_state(CandidateState) == []


def test_the_files_of_a_frame_are_found_by_frame_and_the_latest_by_name_without_case(watched, connection):
    job = reserve_frame(connection)
    path = (CandidateState.SETTLING, CandidateState.COMPLETE)
    row = watched.move(walk(watched, watched.see("r/A.tif", 10, 1), *path), CandidateState.CLAIMED, job_id=job.job_id)
    assert watched.latest_claimed(["r/a.TIF"]) is None
    stored = watched.move(row, CandidateState.STORED)
    assert watched.latest_claimed(["r/b.tif", "r/a.TIF"]) == stored
    assert watched.of_job(job.job_id) == [stored]


def test_the_latest_of_a_name_is_found_in_any_case_and_form_of_its_letters(watched, connection):
    job = reserve_frame(connection)
    path = (CandidateState.SETTLING, CandidateState.COMPLETE)
    row = walk(watched, watched.see(unicodedata.normalize("NFD", "Übersee.tif"), 10, 1), *path)
    stored = watched.move(
        watched.move(row, CandidateState.CLAIMED, job_id=job.job_id),
        CandidateState.STORED,
    )
    assert watched.latest_claimed([unicodedata.normalize("NFC", "ÜBERSEE.tif")]) == stored


def test_each_watch_folder_has_candidates_of_its_own(watched, connection):
    watched.see("a.tif", 10, 1)
    assert Candidates(connection, "/other").in_state(CandidateState) == []


def test_files_of_all_watch_folders_are_counted_until_they_are_in_the_archive(connection, watched):
    other = Candidates(connection, "/other")
    row = walk(watched, watched.see("a.tif", 10, 1), CandidateState.SETTLING, CandidateState.COMPLETE)
    other.see("b.tif", 10, 1)
    assert count_arriving(connection) == 2
    row = watched.move(row, CandidateState.CLAIMED, job_id=reserve_frame(connection).job_id)
    assert count_arriving(connection) == 2
    watched.move(row, CandidateState.STORED)
    assert count_arriving(connection) == 1


def test_a_file_that_was_moved_away_no_longer_waits_for_a_person(connection, watched):
    first, second = (watched.see(name, 10, 1) for name in ("a.tif", "b.tif"))
    rows = [watched.move(row, CandidateState.QUARANTINED, "no picture") for row in (second, first)]
    states = [CandidateState.QUARANTINED, CandidateState.AMBIGUOUS]
    assert [(row.path, row.reason) for row in files_in_place(connection, states)] == [
        ("a.tif", "no picture"),
        ("b.tif", "no picture"),
    ]
    watched.moved_away(rows[0])
    assert [row.path for row in files_in_place(connection, states)] == ["a.tif"]


def test_a_pause_is_never_longer_than_the_longest_and_a_later_time_is_of_another_clock(watched):
    row = watched.put_off(watched.see("a.tif", 10, 1), "later", 3600.0)
    assert row.not_before - NOW_S <= MAX_PAUSE_S
    assert not row.due(NOW_S)
    assert row.due(NOW_S - 3600.0)
    assert row.due(NOW_S + 3600.0)


def test_a_file_that_is_set_aside_at_once_is_named_and_may_be_seen_twice(watched):
    for _ in range(2):
        watched.set_aside("caf\\xe9.tif", 10, 1, "its name is not UTF-8")
    (row,) = watched.in_state({CandidateState.QUARANTINED})
    assert (row.path, row.reason, row.in_place) == ("caf\\xe9.tif", "its name is not UTF-8", True)
