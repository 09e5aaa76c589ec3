"""Rolls and frames as the page shows them, and their pictures in the archive."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.core.errors import DaemonError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role, StoredFile
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.roll_names import note_roll_name
from filmscand.daemon.web.frames import (
    NoSuchFrameError,
    frame_facts,
    read_stored,
    roll_details,
    roll_summaries,
    stored_picture,
)

ROLL = Roll("museum", "box-1", "roll-a")


def test_a_roll_is_summed_up_by_outcome_under_the_name_that_a_person_gave_it(connection, frames):
    note_roll_name(connection, ROLL, "Büchse 3")
    (summary,) = roll_summaries(connection)
    assert (summary.roll, summary.title) == ("museum/box-1/roll-a", "Büchse 3")
    assert (summary.frames, summary.archived, summary.waiting, summary.failed) == (3, 2, 1, 0)
    assert roll_details(connection, ROLL).summary == summary


def test_a_contact_sheet_has_the_frames_by_number_and_their_reasons_in_words(connection, frames):
    sheet = roll_details(connection, ROLL).frames
    assert [(frame.number, frame.look, frame.revision) for frame in sheet] == [
        (1, "archived", 1),
        (2, "flagged", 1),
        (3, "queued", None),
    ]
    assert [reason.code for reason in sheet[1].reasons] == ["many_defects", "silver_film"]


def test_a_roll_without_frames_is_none(connection, frames):
    with pytest.raises(NoSuchFrameError, match="no roll museum/box-1/roll-b"):
        roll_details(connection, Roll("museum", "box-1", "roll-b"))


def test_a_frame_tells_its_record_and_its_neighbours(connection, station, frames):
    facts = frame_facts(station, connection, frames[1])
    assert (facts.before, facts.after, facts.seconds) == ("roll-a_0001", "roll-a_0003", 1.5)
    assert facts.sidecar.capture.cols == 120
    assert facts.sheet.look == "flagged"
    assert frame_facts(station, connection, frames[0]).before is None


def test_a_frame_that_waits_has_no_record_and_that_is_no_problem(connection, station, frames):
    facts = frame_facts(station, connection, frames[2])
    assert (facts.sidecar, facts.sidecar_problem, facts.after, facts.seconds) == (None, None, None, None)


def test_a_record_that_is_gone_or_damaged_is_told(connection, station, frames):
    sidecar = station.archive / frames[0].folder / f"{frames[0].stem}.json"
    sidecar.write_text("{")
    assert "expected a sidecar" in frame_facts(station, connection, frames[0]).sidecar_problem
    sidecar.unlink()
    assert frame_facts(station, connection, frames[0]).sidecar_problem == "the archive has no sidecar of this frame"


def test_a_frame_that_the_station_does_not_know_is_not_looked_up_in_the_archive(connection, station, frames):
    stranger = FrameId("museum", "box-1", "roll-b", 1)
    with pytest.raises(NoSuchFrameError):
        frame_facts(station, connection, stranger)
    with pytest.raises(NoSuchFrameError):
        stored_picture(station, connection, stranger, Role.ACCESS, None)


def test_the_picture_of_a_revision_is_read_by_its_recorded_name(connection, station, frames):
    file = stored_picture(station, connection, frames[0], Role.ACCESS, 1).file
    assert file.name == "roll-a_0001_r01_access.jpg"
    assert read_stored(station, frames[0], file)[:3] == b"\xff\xd8\xff"
    with pytest.raises(NoSuchFrameError, match="has no revision 2"):
        stored_picture(station, connection, frames[0], Role.ACCESS, 2)
    with pytest.raises(NoSuchFrameError, match="has no revision yet"):
        stored_picture(station, connection, frames[2], Role.ACCESS, None)


def test_a_revision_without_the_file_is_told(connection, station, frames):
    change(station, frames[0], lambda files: [file for file in files if file["role"] != "mask"])
    with pytest.raises(NoSuchFrameError, match="no file for mask"):
        stored_picture(station, connection, frames[0], Role.MASK, None)


@pytest.mark.parametrize(
    "name", ["../../../../../station.db", "/etc/passwd", "other_0001_r01_access.jpg", "roll-a_0001_/../x"]
)
def test_a_recorded_name_that_leads_elsewhere_is_refused(connection, station, frames, name):
    change(station, frames[0], lambda files: [{**file, "name": name} for file in files])
    with pytest.raises(IntegrityError, match="expected names that begin with roll-a_0001_"):
        stored_picture(station, connection, frames[0], Role.ACCESS, None)


def test_a_link_in_the_place_of_a_picture_is_not_followed(connection, station, frames, tmp_path):
    secret = tmp_path / "secret.jpg"
    file = stored_picture(station, connection, frames[0], Role.ACCESS, None).file
    secret.write_bytes(b"x" * file.size_bytes)
    picture = station.archive / frames[0].folder / file.name
    picture.unlink()
    picture.symlink_to(secret)
    with pytest.raises(DaemonError):
        read_stored(station, frames[0], file)


def test_a_file_of_another_size_than_recorded_is_not_shown(connection, station, frames):
    file = stored_picture(station, connection, frames[0], Role.ACCESS, None).file
    picture = station.archive / frames[0].folder / file.name
    content = picture.read_bytes()
    for wrong in (content[:-1], content + b"x"):
        picture.unlink()
        picture.write_bytes(wrong)
        with pytest.raises(IntegrityError, match="filmscand verify"):
            read_stored(station, frames[0], file)


def test_a_file_that_is_far_too_large_is_not_read(station, frames):
    huge = StoredFile(role=Role.ACCESS, name="roll-a_0001_x", size_bytes=1 << 40, sha256="", sha512="")
    with pytest.raises(IntegrityError):
        read_stored(station, frames[0], huge)


def test_a_reservation_shows_that_a_frame_is_being_captured(connection, frames):
    Queue(connection).reserve_number(FrameId("museum", "box-1", "roll-a", 4), "scanner test:0", CleanRequest())
    assert roll_details(connection, ROLL).frames[-1].look_words == "being captured"


def change(station, frame, changed):
    """Write the sidecar of a frame as somebody who may write into the archive could."""
    path = station.archive / frame.folder / f"{frame.stem}.json"
    record = json.loads(path.read_text())
    record["revisions"][0]["files"] = changed(record["revisions"][0]["files"])
    path.unlink()
    path.write_text(json.dumps(record))
