"""What a roll holds: what its sidecars name, its records, and of a bag everything."""

from __future__ import annotations

import io

import pytest

from filmscand.daemon.archive.files.atomic_file import publish_bytes
from filmscand.daemon.archive.records.bag import DECLARATION, DECLARED
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.export.roll_files import copy_checked, roll_content
from support.given_frames import frame_id, put_frame

ROLL = frame_id(1).roll_folder


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive")
    put_frame(archive, tmp_path / "scans", frame_id(1))
    return archive


def names(archive):
    return {file.name for file in roll_content(archive, ROLL).files}


def test_an_open_roll_holds_what_its_records_name(archive):
    folder = archive.frame_folder(frame_id(1)).path
    (folder / "roll-7_0001_r02_clean.tif").write_bytes(b"of a worker that was killed")
    (folder / "notes.txt").write_bytes(b"of somebody")
    assert names(archive) == {
        "metadata/events.jsonl",
        "metadata/roll.json",
        *(
            f"data/roll-7_0001/roll-7_0001{end}"
            for end in ("_raw.tif", "_r01_clean.tif", "_r01_mask.png", "_r01_access.jpg", ".json")
        ),
    }


def test_a_sealed_roll_holds_everything(archive):
    folder = archive.frame_folder(frame_id(1)).path
    (folder / "notes.txt").write_bytes(b"of somebody")
    publish_bytes(archive.root / ROLL / DECLARATION, DECLARED)
    assert {"bagit.txt", "data/roll-7_0001/notes.txt"} <= names(archive)


def test_a_frame_that_is_not_complete_is_named_and_left_out(archive):
    assert archive.reserve(frame_id(2))
    content = roll_content(archive, ROLL)
    assert [frame for frame, _ in content.left_out] == [frame_id(2)]
    assert content.frames == 1


def test_the_state_changes_with_what_the_roll_holds(archive, tmp_path):
    before = roll_content(archive, ROLL).state
    assert roll_content(archive, ROLL).state == before
    put_frame(archive, tmp_path / "scans", frame_id(2))
    assert roll_content(archive, ROLL).state != before


def test_a_file_that_is_not_as_recorded_is_not_copied(archive):
    content = roll_content(archive, ROLL)
    raw = next(file for file in content.files if file.name.endswith("_raw.tif"))
    path = archive.root / raw.path
    path.unlink()
    path.write_bytes(b"another")
    with pytest.raises(IntegrityError, match=r"_raw\.tif"):
        copy_checked(archive.root, raw, io.BytesIO())
