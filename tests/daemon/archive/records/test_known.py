"""What the station knows of its archive."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.known import (
    Known,
    begins_as,
    frame_records,
    known_of_frame,
    known_of_roll,
    memory_in,
    read_known,
    record_of,
    recorded_sealing,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.archive_records import ArchiveRecord, read_records, write_records
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from support.known_archive import archive_known_frame

FRAME = FrameId("c", "b", "r", 1)
EVENTS = "c/b/r/metadata/events.jsonl"


@pytest.fixture
def database(archive, tmp_path):
    archive_known_frame(archive, tmp_path, tmp_path / "station.db", FRAME)
    return tmp_path / "station.db"


def test_without_a_database_nothing_is_known(tmp_path):
    assert read_known(tmp_path / "station.db") == Known()


def test_frames_and_digests_are_known_by_roll(database):
    known = read_known(database)
    assert known.rolls() == {Path("c/b/r")}
    assert set(known.of_roll(Path("c/b/r")).records) == {"c/b/r/data/r_0001/r_0001.json", EVENTS}
    assert known.of_roll(Path("c/b/r2")).jobs == known.of_roll(Path("c/b/r2")).records == {}


def test_one_frame_and_one_roll_are_known_without_reading_the_others(database, archive, tmp_path):
    for frame in (FrameId("c", "b", "r", 2), FrameId("c", "b", "r-2", 1), FrameId("c", "b", "r_0001", 1)):
        archive_known_frame(archive, tmp_path, database, frame)
    everything = read_known(database)
    with closing(open_database(database)) as connection:
        assert known_of_roll(connection, Path("c/b/r")) == everything.of_roll(Path("c/b/r"))
        known = known_of_frame(connection, FRAME)
    assert list(known.jobs) == [FRAME]
    assert list(known.records) == ["c/b/r/data/r_0001/r_0001.json"]


@pytest.mark.parametrize("algorithm", ["sha512", "md5"])
def test_a_sealed_roll_is_remembered_by_its_tag_manifest_whatever_the_algorithm(database, algorithm):
    record = ArchiveRecord(f"c/b/r/tagmanifest-{algorithm}.txt", 1, "c" * 64)
    with closing(open_database(database)) as connection:
        write_records(connection, [ArchiveRecord("c/b/r/reopened.json", 1, "c" * 64)])
        assert not memory_in(connection).was_sealed(Path("c/b/r"))
        write_records(connection, [record])
        assert memory_in(connection).was_sealed(Path("c/b/r"))
        assert known_of_frame(connection, FRAME).sealing(Path("c/b/r")) == record
    assert recorded_sealing(database, Path("c/b/r")) == record


def test_a_frame_that_is_only_reserved_has_nothing_in_the_archive_yet(database):
    with closing(open_database(database)) as connection:
        Queue(connection).reserve(Roll("c", "b", "r"), 2, [SourceFile("raw", "f" * 64, 1, "a")], CleanRequest())
    assert set(read_known(database).jobs) == {FRAME}


def test_events_that_were_changed_keep_their_earlier_record(database, archive):
    path = archive.root / EVENTS
    with closing(open_database(database)) as connection:
        earlier = read_records(connection)[EVENTS]
        path.write_bytes(b"\0" + path.read_bytes()[1:])
        write_records(connection, frame_records(connection, archive.root, FRAME))
        assert read_records(connection)[EVENTS] == earlier


def test_events_that_only_grew_get_a_new_record(database, archive):
    with (archive.root / EVENTS).open("ab") as file:
        file.write(b"{}\n")
    with closing(open_database(database)) as connection:
        write_records(connection, frame_records(connection, archive.root, FRAME))
        assert read_records(connection)[EVENTS] == record_of(archive.root, Path(EVENTS))


def test_a_file_that_was_cut_does_not_begin_as_before(tmp_path):
    (tmp_path / "a").write_bytes(b"one\ntwo\n")
    record = record_of(tmp_path, Path("a"))
    assert begins_as(b"one\ntwo\nthree\n", record)
    assert not begins_as(b"one\n", record)
