"""What a run cleans, and what it leaves because it is as wanted already."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.archive.records.known import remember
from filmscand.daemon.bulk.recleaning.plan import THIS_ENGINE, Choice, is_older, names_of, opened, plan_recleaning
from filmscand.daemon.core.errors import RollSealedError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.database.archive_records import ArchiveRecord
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import Changes, NoSuchFramesError, queue_frames, selected_frames
from filmscand.daemon.station.configuration import Cleaning
from filmscand.ir import engine_identity
from support.live_station import LiveStation
from support.many_frames import frame, station_with

pytestmark = pytest.mark.usefixtures("compiled_engine")
WORKER = ProcessId(1, 1)


@pytest.fixture
def live(tmp_path):
    return station_with(tmp_path, 2)


@pytest.fixture
def connection(live):
    with closing(open_database(live.station.database)) as opened:
        yield opened


@pytest.fixture
def plan(live, connection):
    def make(choice=None, changes=None, cleaning=None):
        archive = bound_archive(live.station, connection)
        return plan_recleaning(connection, archive, cleaning or Cleaning(), (choice or Choice(), changes or Changes()))

    return make


def numbers(frames):
    return [one.frame.number for one in frames]


def test_what_was_made_from_the_same_files_settings_and_engine_is_done(plan):
    assert (plan().due, [one.is_new for one in plan().done]) == ([], [False, False])
    for changes in (Changes(sensitivity=0.9), Changes(film=FilmKind.SLIDE)):
        assert numbers(plan(changes=changes).due) == [1, 2]
    assert plan(changes=Changes(0.5, FilmKind.UNKNOWN)).due == []
    assert numbers(plan(cleaning=Cleaning(detector="off")).due) == [1, 2]


def test_what_an_earlier_run_left_in_the_queue_is_followed_with_the_findings_of_before(plan, connection):
    queue_frames(connection, selected_frames(connection, ["unsorted/unsorted/r_0001"]), Changes(sensitivity=0.9))
    found = plan(changes=Changes(sensitivity=0.9))
    assert (numbers(found.due), numbers(found.queued), found.skipped) == ([2], [1], [])
    assert found.queued[0].findings.method == found.due[0].findings.method
    other = plan(changes=Changes(sensitivity=0.8))
    assert (numbers(other.due), other.queued, other.skipped) == ([2], [], ["unsorted/unsorted/r_0001"])


def test_a_choice_takes_failed_frames_named_ones_and_flagged_ones(plan, connection):
    wanted = Changes(sensitivity=0.9)
    queue_frames(connection, selected_frames(connection, ["unsorted/unsorted/r_0002"]), wanted)
    Queue(connection).fail(Queue(connection).take(WORKER, 60.0), "no picture")
    assert numbers(plan(Choice(failed=True), wanted).due) == [2]
    assert numbers(plan(Choice(("unsorted/unsorted/r_0001-0009",)), wanted).due) == [1, 2]
    assert numbers(plan(Choice(flagged=frozenset({frame(1)})), wanted).due) == [1]
    with pytest.raises(NoSuchFramesError, match="nobody"):
        plan(Choice(("nobody",)), wanted)


def test_frames_of_an_older_engine_are_chosen_by_its_version_or_because_it_is_another(plan, connection):
    wanted = Changes(sensitivity=0.9)
    assert plan(Choice(engine_older_than=THIS_ENGINE), wanted).due == []
    assert numbers(plan(Choice(engine_older_than="99.0"), wanted).due) == [1, 2]
    assert plan(Choice(engine_older_than="0.0.1"), wanted).due == []
    # A record of an earlier version does not tell the engine; the sidecar does.
    connection.execute("UPDATE frames SET result = json_remove(result, '$.engine')")
    assert numbers(plan(Choice(engine_older_than="99.0"), wanted).due) == [1, 2]
    assert plan(Choice(engine_older_than=THIS_ENGINE), wanted).due == []


@pytest.mark.parametrize(
    ("label", "than", "older"),
    [
        ("0.1.0 0123456789ab", "0.2", True),
        ("0.10.0 0123456789ab", "0.2", False),
        ("0.2.0.dev3 0123456789ab", "0.2.0", False),
        ("unknown 0123456789ab", "0.1", True),
        ("1", "0.1", True),
        ("0.1.0 0123456789ab", THIS_ENGINE, True),
        (engine_identity().label, THIS_ENGINE, False),
    ],
)
def test_versions_are_compared_by_their_numbers(label, than, older):
    assert is_older(label, than) is older


def test_a_sealed_roll_that_lost_its_mark_is_refused_before_anything_is_done(plan, live):
    sealed = ArchiveRecord("unsorted/unsorted/r/tagmanifest-sha512.txt", 1, "0" * 64)
    remember(live.station.database, [sealed])
    with pytest.raises(RollSealedError):
        plan(changes=Changes(sensitivity=0.9))
    (live.station.archive / "unsorted/unsorted/r/bagit.txt").write_text("BagIt-Version: 1.0\n")
    assert plan(changes=Changes(sensitivity=0.9)).due


def test_names_mean_exactly_these_frames(plan):
    assert names_of(plan(changes=Changes(0.9)).due) == [f"unsorted/unsorted/r_000{n}-000{n}" for n in (1, 2)]


def test_a_station_without_a_database_has_no_frames(tmp_path):
    station = LiveStation(tmp_path / "new").station
    with pytest.raises(NoSuchFramesError, match="has never archived"), opened(station, to_write=False):
        pass
