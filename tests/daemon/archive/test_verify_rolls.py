"""Which rolls are verified, and which frames count."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from filmscand.daemon.archive.files.atomic_file import publish_bytes
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import unrecorded_of, verify_rolls
from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.queue import Queue
from support.archive_frames import FRAME, complete, write
from support.known_archive import archive_known_frame


@pytest.fixture
def archive(tmp_path):
    """Two rolls with one raw frame each."""
    archive = Archive(tmp_path / "archive")
    source = tmp_path / "a.tif"
    source.write_bytes(b"counts")
    for roll in ("r1", "r2"):
        archive.copy_original(FrameId("c", "b", roll, 1), source, Role.RAW)
    return archive


def test_frames_without_a_sidecar_are_incomplete_and_no_damage(archive):
    report = verify_rolls(archive)
    assert (report.verified, report.incomplete, report.problems) == (0, ("c/b/r1_0001", "c/b/r2_0001"), ())
    assert not report.damaged


def test_only_the_rolls_that_are_named_are_verified(archive):
    assert verify_rolls(archive, ("/c/b/r2/",)).incomplete == ("c/b/r2_0001",)


def test_rolls_without_frames_are_all_named(archive):
    with pytest.raises(FrameMissingError, match="expected frames in c/b/r8, c/b/r9, found none"):
        verify_rolls(archive, ("c/b/r9", "c/b/r1", "c/b/r8"))


def test_a_sidecar_that_cannot_be_read_is_damage_and_the_other_frames_go_on(archive):
    first = FrameId("c", "b", "r1", 1)
    publish_bytes(archive.frame_folder(first).sidecar, b"{")
    report = verify_rolls(archive)
    assert [problem.path for problem in report.problems] == [archive.frame_folder(first).sidecar]
    assert (report.verified, report.incomplete) == (1, ("c/b/r2_0001",))


def test_a_sealed_roll_is_verified_by_its_manifests(archive):
    roll = archive.root / "c/b/r1"
    publish_bytes(roll / "bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    report = verify_rolls(archive, ("c/b/r1",))
    assert report.verified == 1
    assert {problem.path.name for problem in report.problems} == {"manifest-sha512.txt", "tagmanifest-sha512.txt"}


def test_verifying_rolls_tells_frames_on_their_way_and_broken_sidecars(tmp_path):
    archive = Archive(tmp_path / "archive")
    complete(archive, tmp_path)
    complete(archive, tmp_path, FrameId("meyer", "box-3", "r12", 8))
    archive.copy_original(FrameId("meyer", "box-3", "r13", 1), write(tmp_path / "b.tif"), Role.RAW)
    archive.frame_folder(FRAME).sidecar.write_bytes(b"{")
    report = verify_rolls(archive)
    assert (report.verified, report.incomplete, report.damaged) == (2, ("meyer/box-3/r13_0001",), True)
    assert not verify_rolls(archive, ("meyer/box-3/r13",)).damaged
    with pytest.raises(FrameMissingError, match="meyer/box-3/r99"):
        verify_rolls(archive, ("meyer/box-3/r99",))


ROLL = "c/b/k"
FIRST, SECOND = (FrameId("c", "b", "k", number) for number in (1, 2))


@pytest.fixture
def database(tmp_path):
    return tmp_path / "station.db"


@pytest.fixture
def known(tmp_path, database):
    """A roll of two complete frames that the database knows."""
    archive = Archive(tmp_path / "archive")
    for frame in (FIRST, SECOND):
        archive_known_frame(archive, tmp_path, database, frame)
    return archive


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def edit(path):
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({**plain, "film": "negative"}, indent=1))


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def become_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def become_a_link(path):
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


DATA = f"{ROLL}/data"
SIDECAR = f"{DATA}/k_0001/k_0001.json"
RAW = f"{DATA}/k_0001/k_0001_raw.tif"
EVENTS = f"{ROLL}/metadata/events.jsonl"
RECORD = f"{ROLL}/metadata/roll.json"
TAMPERED = [
    (remove, "c"),
    (remove, ROLL),
    (remove, f"{DATA}/k_0001"),
    (remove, SIDECAR),
    (edit, SIDECAR),
    (become_a_pipe, SIDECAR),
    (become_a_pipe, RAW),
    (become_a_link, RAW),
    (become_a_link, SIDECAR),
    (become_a_link, f"{DATA}/k_0001"),
    (remove, EVENTS),
    (flip, EVENTS),
    (become_a_pipe, EVENTS),
    (remove, RECORD),
    (lambda path: path.write_bytes(bytes(50)), RECORD),
    (lambda path: path.write_bytes(bytes(path.stat().st_size)), EVENTS),
    (lambda path: path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n"), EVENTS),
    (lambda path: path.with_name("notes.txt").write_text("x"), SIDECAR),
    (lambda path: shutil.copy(str(path).replace("k_0001", "k_0002"), path), SIDECAR),
]


@pytest.mark.parametrize(("tamper", "name"), TAMPERED)
def test_whatever_goes_or_changes_in_a_roll_that_the_station_knows_is_named(known, database, tamper, name):
    tamper(known.root / name)
    report = verify_rolls(known, (), database)
    assert report.damaged
    assert verify_rolls(known, (ROLL,), database).problems == report.problems


@pytest.mark.parametrize(("tamper", "name"), [one for one in TAMPERED if one[1] not in ("c", ROLL)])
def test_most_of_it_is_named_by_what_the_archive_itself_knows(known, tamper, name):
    tamper(known.root / name)
    assert verify_rolls(known).damaged or (tamper, name) in WITHOUT_DATABASE


# That whole lines of the events are gone shows by their digest in the database alone.
WITHOUT_DATABASE = [TAMPERED[16]]


def test_a_roll_that_is_as_it_was_left_has_no_problem(known, database):
    for report in (verify_rolls(known, (), database), verify_rolls(known)):
        assert (report.verified, report.problems, report.found_nothing) == (2, (), False)


def test_one_sidecar_that_cannot_be_read_does_not_keep_the_others_from_being_verified(known, database):
    become_a_pipe(known.root / SIDECAR)
    report = verify_rolls(known, (), database)
    assert [(problem.path, problem.message) for problem in report.problems] == [
        (known.root / SIDECAR, "expected a plain file, found a named pipe")
    ]
    assert report.verified == 2


def test_a_sidecar_with_names_that_lead_elsewhere_opens_none_of_them(known, database):
    path = known.root / SIDECAR
    plain = json.loads(path.read_text())
    plain["originals"][0]["name"] = "../k_0002/k_0002_raw.tif"
    path.write_text(json.dumps(plain))
    told = [problem.message for problem in verify_rolls(known, (), database).problems]
    assert "expected names that begin with k_0001_, found '../k_0002/k_0002_raw.tif'" in told


def test_records_that_an_earlier_version_left_out_are_accepted_once_and_kept(tmp_path, database):
    archive = Archive(tmp_path / "archive")
    archive_known_frame(archive, tmp_path, database, FIRST, records=False)
    assert verify_rolls(archive, (), database).first_seen == (SIDECAR, EVENTS)
    assert verify_rolls(archive, (), database).first_seen == ()
    edit(archive.root / SIDECAR)
    assert verify_rolls(archive, (), database).damaged


def test_a_frame_that_is_being_cleaned_again_may_have_its_old_or_its_new_sidecar(known, database):
    with closing(open_database(database)) as connection:
        Queue(connection).retry(1)
    sidecar = known.read_sidecar(FIRST)
    assert not verify_rolls(known, (), database).damaged
    known.write_sidecar(FIRST, sidecar.model_copy(update={"flags": ("late_infrared",)}))
    assert not verify_rolls(known, (), database).damaged


def test_a_new_station_has_nothing_to_verify_and_an_emptied_one_is_damaged(tmp_path, known, database):
    with closing(open_database(tmp_path / "new.db")):
        new = verify_rolls(Archive(tmp_path / "new"), (), tmp_path / "new.db")
    assert (new.is_new, new.found_nothing) == (True, False)
    assert verify_rolls(Archive(tmp_path / "none"), (), tmp_path / "no.db").found_nothing
    shutil.rmtree(known.root / "c")
    assert verify_rolls(known, (), database).damaged


def test_a_database_that_cannot_be_read_is_named_and_the_archive_is_verified(known, database):
    database.write_bytes(b"no database" * 1000)
    report = verify_rolls(known, (), database)
    assert (report.verified, [problem.path for problem in report.problems]) == (2, [database])


def test_a_frame_that_the_database_does_not_know_is_named_and_is_no_damage(known, database, tmp_path):
    complete(known, tmp_path, FrameId("c", "b", "k", 3))
    report = verify_rolls(known, (), database)
    assert [problem.kind for problem in report.problems] == ["unlisted"]


def test_what_a_new_database_keeps_is_what_the_events_tell_of(known):
    edit(known.root / SIDECAR)
    records, problems = unrecorded_of(known, Path(ROLL), [FIRST, SECOND])
    assert [record.path for record in records] == [f"{DATA}/k_0002/k_0002.json"]
    assert [problem.path for problem in problems] == [known.root / SIDECAR]
