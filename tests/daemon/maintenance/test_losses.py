"""A person accepts that a frame is gone: verify knows it from then on, and nothing else changes."""

from __future__ import annotations

import shutil

import pytest

from filmscand.daemon.archive.records.events import EventType, read_events
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.errors import FrameIdError, FrameMissingError, IntegrityError, RollSealedError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.maintenance.losses import NotLostError, accept_losses
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.station.configuration import Station
from support.known_archive import archive_known_frame

FIRST, SECOND = (FrameId("c", "b", "r", number) for number in (1, 2))
NAME = "c/b/r_0002"


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path / "station")


@pytest.fixture
def archive(station, tmp_path):
    """A station with two frames on one roll."""
    station.root.mkdir()
    connection = connect_station(station)
    archive = bound_archive(station, connection)
    for frame in (FIRST, SECOND):
        archive_known_frame(archive, tmp_path, station.database, frame)
    yield archive
    connection.close()


@pytest.fixture
def lost(archive):
    shutil.rmtree(archive.frame_folder(SECOND).path)
    return archive


def verify(archive, station):
    return verify_rolls(archive, (), station.database)


def test_an_accepted_loss_is_listed_with_its_reason_and_is_no_damage(lost, station):
    assert verify(lost, station).damaged
    assert accept_losses(station, [NAME], "burnt") == (NAME,)
    report = verify(lost, station)
    assert (report.verified, report.problems, report.damaged) == (1, (), False)
    assert [(loss.frame, loss.reason) for loss in report.known_losses] == [(NAME, "burnt")]
    last = list(read_events(lost.root / "c/b/r/metadata/events.jsonl"))[-1]
    assert (last.type, last.frame, last.detail.reason) == (EventType.LOSS, NAME, "burnt")


def test_the_archive_alone_tells_of_it_too_and_the_roll_can_be_sealed(lost, station):
    accept_losses(station, [NAME], "burnt")
    assert [loss.frame for loss in verify_rolls(lost).known_losses] == [NAME]
    seal(station, "c/b/r")
    report = verify(lost, station)
    assert (report.verified, report.problems, len(report.known_losses)) == (1, (), 1)


def test_a_frame_that_comes_back_is_verified_again(archive, station, tmp_path):
    folder = archive.frame_folder(SECOND).path
    folder.rename(tmp_path / "copy")
    accept_losses(station, [NAME], "burnt")
    (tmp_path / "copy").rename(folder)
    assert (verify(archive, station).verified, verify(archive, station).known_losses) == (2, ())
    (folder / "r_0002.json").unlink()
    assert verify(archive, station).damaged


def test_what_is_no_known_loss_stays_damage(lost, station):
    accept_losses(station, [NAME], "burnt")
    shutil.rmtree(lost.frame_folder(FIRST).path)
    report = verify(lost, station)
    assert [problem.path for problem in report.problems] == [lost.frame_folder(FIRST).path]


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["c/b/r_0001"], NotLostError),
        ([NAME, "c/b/r_0001"], NotLostError),
        (["c/b/r_0009"], FrameMissingError),
        (["c/b/r9_0001"], IntegrityError),
        (["c/b/r"], FrameIdError),
    ],
)
def test_only_what_is_gone_and_was_known_can_be_accepted(lost, station, names, error):
    events = lost.root / "c/b/r/metadata/events.jsonl"
    before = events.read_bytes()
    with pytest.raises(error):
        accept_losses(station, names, "burnt")
    assert events.read_bytes() == before


def test_a_sealed_roll_has_no_accepted_losses(archive, station):
    seal(station, "c/b/r")
    shutil.rmtree(archive.frame_folder(SECOND).path)
    with pytest.raises(RollSealedError):
        accept_losses(station, [NAME], "burnt")
    assert verify(archive, station).damaged
