"""Cleaning again and sealing through the API: the deeds of the commands, with their checks."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import find_frame
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.sealing.roll import Sealed
from filmscand.daemon.web.routes import archive as routes
from support.page_frames import ROLL

FRAME = f"{ROLL.collection}/{ROLL.box}/{ROLL.roll}_0001"


@pytest.fixture
def connection(station):
    connect_station(station).close()
    with closing(open_database(station.database)) as opened:
        yield opened


def test_a_frame_is_queued_again_with_another_sensitivity(page, connection, frames):
    answer = page.post("/api/reclean", {"frames": [FRAME], "sensitivity": 0.9, "film": "slide"})
    assert (answer.status, [one["frame"] for one in answer.json["frames"]]) == (202, [FRAME])
    job = find_frame(connection, FrameId.from_name(FRAME))
    assert (job.state, job.request.sensitivity, job.request.film) == ("queued", 0.9, "slide")


def test_a_whole_roll_leaves_out_what_waits_already(page, frames):
    answer = page.post("/api/reclean", {"frames": ["museum/box-1/roll-a"]}).json
    assert [one["frame"] for one in answer["frames"]] == [str(frame) for frame in frames[:2]]
    assert answer["skipped"] == [str(frames[2])]


def test_without_names_only_failed_frames_are_meant(page, frames):
    assert page.post("/api/reclean", {}).json == {"frames": [], "skipped": []}


@pytest.mark.parametrize(
    ("order", "status", "told"),
    [
        ({"frames": ["museum/box-1/gone"]}, 404, "museum/box-1/gone: the station has no frame of this name"),
        ({"frames": ["a/b/c/d"]}, 404, "expected COLLECTION[/BOX[/ROLL"),
        ({"frames": [FRAME], "sensitivity": 2}, 422, "sensitivity: Input should be less than or equal to 1"),
        ({"frames": FRAME}, 422, "frames: Input should be a valid tuple"),
        ({"colour": "red"}, 422, "colour: Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_cleaned_again_is_told(page, frames, order, status, told):
    answer = page.post("/api/reclean", order)
    assert (answer.status, told in answer.json["detail"]) == (status, True), answer.text


def test_a_roll_that_is_not_finished_is_not_sealed(page, frames):
    answer = page.post("/api/rolls/museum/box-1/roll-a/seal")
    assert (answer.status, "expected a roll that is finished, found museum/box-1/roll-a_0003" in answer.text) == (
        409,
        True,
    )


def test_the_labels_of_a_bag_arrive(page, station, frames, monkeypatch, tmp_path):
    told = []

    def seal(station, roll, labels):
        told.append((roll, dict(labels)))
        return Sealed(roll, tmp_path, 3, 12, 1000)

    monkeypatch.setattr(routes, "seal", seal)
    answer = page.post("/api/rolls/museum/box-1/roll-a/seal", {"labels": {"Source-Organization": "City Archive"}})
    assert (answer.status, answer.json["files"]) == (200, 12)
    assert told == [("museum/box-1/roll-a", {"Source-Organization": "City Archive"})]


@pytest.mark.parametrize("labels", [{"a:b": "c"}, {"a": "b\nc"}, {"": "c"}])
def test_a_label_that_would_break_the_file_is_refused(page, frames, labels):
    assert page.post("/api/rolls/museum/box-1/roll-a/seal", {"labels": labels}).status == 422


def test_a_label_that_is_written_anyway_is_refused(page, frames):
    answer = page.post("/api/rolls/museum/box-1/roll-a/seal", {"labels": {"Payload-Oxum": "1"}})
    assert (answer.status, "expected a label that is not written anyway" in answer.text) == (422, True)
