"""The database file: transactions, and schemas that other versions of filmscand wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from filmscand.daemon.core.request import CleanOutcome
from filmscand.daemon.database.alarms import Alarms, Told
from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.database.connection import (
    DatabaseTooNewError,
    open_database,
    open_to_read,
    reopen_database,
    schema_version,
    transaction,
)
from filmscand.daemon.database.frames import (
    JobOutcome,
    JobState,
    Roll,
    count_frames,
    find_job,
    last_finished,
    sources_of,
)
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.session_records import SessionState, Taken
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.database.sheets.rolls import count_by_roll
from filmscand.daemon.database.trouble import DatabaseMissingError
from support.queue_rows import WORKER, enqueue, reserve

DATA = Path(__file__).parent / "data"
SCHEMAS = (1, 2, 7, 8)


def restored(path, schema):
    """Make the database file that filmscand left when its schema had this number."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATA / f"schema-{schema}.sql").read_text())
    return path


@pytest.fixture(params=SCHEMAS)
def old_database(request, tmp_path):
    return restored(tmp_path / "station.db", request.param)


@pytest.fixture
def migrated(old_database):
    with closing(open_database(old_database)) as connection:
        yield connection


def test_the_frames_of_an_older_version_are_counted_by_roll(migrated):
    counted = {one.roll: (one.waiting, one.archived, one.failed, one.set_aside) for one in count_by_roll(migrated)}
    truth = {}
    for row in migrated.execute("SELECT collection, box, roll, outcome FROM frames"):
        of_roll = truth.setdefault(Roll(*row[:3]), [0, 0, 0, 0])
        of_roll[(None, "archived", "failed", "set_aside").index(row["outcome"])] += 1
    assert counted == {roll: tuple(counts) for roll, counts in truth.items()}
    assert counted


def test_everything_outlives_the_process(queue, tmp_path):
    job = enqueue(queue, "a")
    with closing(open_database(tmp_path / "station.db")) as later:
        assert find_job(later, job.job_id) == job


def test_a_reader_changes_nothing_and_sees_everything(queue, tmp_path):
    enqueue(queue, "a")
    with closing(open_to_read(tmp_path / "station.db")) as reader:
        assert count_frames(reader) == {(JobState.QUEUED, None): 1}
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM frames")


def test_a_transaction_that_fails_leaves_nothing(connection, queue):
    def reserve_and_fail():
        with transaction(connection):
            reserve(queue, "a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reserve_and_fail()
    assert count_frames(connection) == {}


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseTooNewError, match=r"found schema 99 .* Update filmscand"):
        open_database(tmp_path / "station.db")


def test_a_reader_of_a_newer_database_is_told_what_to_do(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseTooNewError, match=r"found schema 99 .* Update filmscand"):
        open_to_read(tmp_path / "station.db")


def test_an_old_database_has_the_schema_of_a_new_one_and_every_frame_in_its_state(migrated, connection):
    assert schema_version(migrated) == schema_version(connection)
    frames = {number: (job.state, job.outcome) for number, job in ((n, find_job(migrated, n)) for n in range(1, 7))}
    assert frames == {
        1: (JobState.FINISHED, JobOutcome.ARCHIVED),
        2: (JobState.FINISHED, JobOutcome.FAILED),
        3: (JobState.FINISHED, JobOutcome.SET_ASIDE),
        4: (JobState.QUEUED, None),
        5: (JobState.PROCESSING, None),
        6: (JobState.RESERVED, None),
    }


def test_requests_and_results_of_an_old_database_are_read(migrated):
    job = find_job(migrated, 1)
    assert (job.request.film, job.request.flags, job.request.awaits_infrared) == ("slide", ("pair_timeout",), True)
    assert [file.name for file in job.request.originals] == ["r12_0001_raw.tif"]
    assert (job.result.revision, job.result.outcome) == (1, CleanOutcome.CLEANED)
    assert job.result.seconds["total"] == 0.5
    assert job.result.report.leakage.red is not None
    assert [source.name for source in sources_of(migrated, 1)] == ["1.tif"]


def test_an_old_database_is_read_as_it_is_by_who_may_not_write(old_database):
    with closing(open_to_read(old_database)) as reader:
        assert last_finished(reader, 1)[0].request.film == "slide"
        assert sum(count_frames(reader).values()) >= 6


def test_the_queue_of_an_old_database_goes_on(migrated):
    lease = Queue(migrated).take(WORKER, 60.0)
    assert lease.job.request.originals


def test_files_and_alarms_of_an_old_database_are_kept(migrated):
    claimed, quarantined = Candidates(migrated, "drop").in_state(CandidateState)
    assert (claimed.path, claimed.state, claimed.job_id) == ("6.tif", CandidateState.CLAIMED, 6)
    assert (quarantined.path, quarantined.reason) == ("7.tif", "7.tif: the file ends too early")
    assert [alarm.message for alarm in Alarms(migrated).standing()] == ["archive: no space left"]


def test_files_of_an_old_database_are_found_by_name(tmp_path):
    with closing(sqlite3.connect(restored(tmp_path / "old.db", 2))) as old:
        old.execute("UPDATE candidates SET path = 'R/Übung.tif', state = 'stored' WHERE job_id = 6")
        old.commit()
    with closing(open_database(tmp_path / "old.db")) as connection:
        assert Candidates(connection, "drop").latest_claimed(["r/ÜBUNG.TIF"]).job_id == 6


def test_a_session_of_an_old_database_is_kept_and_its_capture_is_known_to_be_a_scan(tmp_path):
    with closing(open_database(restored(tmp_path / "old.db", 2))) as connection:
        session = Sessions(connection).find(1)
        assert (session.state, session.plan.roll) == (SessionState.SCANNING, "mag2")
        assert [frame.taken for frame in Sessions(connection).frames(1)] == [
            Taken.CAPTURED,
            Taken.LOST,
            Taken.RESERVED,
        ]
        captured = find_job(connection, 7).request.captured
        assert (captured.layout, captured.scanned, captured.make) == ("sane_coolscan3", True, "Nikon")
        assert find_job(connection, 8).request.captured is None


def test_what_targets_were_told_is_kept(tmp_path):
    with closing(open_database(restored(tmp_path / "old.db", 8))) as connection:
        target = "webhook hooks.example.org"
        assert Told(connection, target).alarms()["archive"].standing
        assert Sessions(connection).untold(target) == []


def test_a_field_of_a_request_that_is_not_known_outlives_a_retry(connection, queue):
    job = enqueue(queue, "a")
    connection.execute("UPDATE frames SET request = json_set(request, '$.surprise', 7)")
    lease = queue.take(WORKER, 60.0)
    queue.fail(lease, "no picture")
    queue.retry(job.job_id, lease.job.request.model_copy(update={"sensitivity": 0.9}))
    assert connection.execute("SELECT json_extract(request, '$.surprise') FROM frames").fetchone()[0] == 7


@pytest.mark.parametrize("there", [False, True])
def test_a_further_thread_never_makes_a_database(tmp_path, there):
    path = tmp_path / "station.db"
    if there:
        path.touch()
    with pytest.raises(DatabaseMissingError, match=r"station.db: .* missing or empty"):
        reopen_database(path)
    assert path.exists() is there
    path.unlink(missing_ok=True)
    open_database(path).close()
    with closing(reopen_database(path)) as connection:
        assert count_frames(connection) == {}
