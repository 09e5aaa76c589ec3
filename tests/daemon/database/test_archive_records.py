"""What the station remembers of the records in its archive."""

from __future__ import annotations

from contextlib import closing

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.archive_records import (
    ArchiveRecord,
    all_jobs,
    find_record,
    forget_record,
    read_records,
    reopened_rolls,
    sealed_rolls,
    write_records,
)
from filmscand.daemon.database.connection import open_database, open_to_read
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue

SIDECAR = ArchiveRecord("c/b/r/data/r_0001/r_0001.json", 7, "a" * 64)


def test_the_newest_record_of_a_path_is_the_one_that_counts(tmp_path):
    newer = ArchiveRecord(SIDECAR.path, 8, "b" * 64)
    with closing(open_database(tmp_path / "station.db")) as connection:
        write_records(connection, [SIDECAR])
        write_records(connection, [newer])
        assert read_records(connection) == {SIDECAR.path: newer}
        assert (find_record(connection, SIDECAR.path), find_record(connection, "other")) == (newer, None)


def test_sealed_and_reopened_rolls_are_told_apart(tmp_path):
    names = ("c/b/r/tagmanifest-sha512.txt", "c/b/q/tagmanifest-md5.txt", "c/b/q/reopened.json")
    with closing(open_database(tmp_path / "station.db")) as connection:
        write_records(connection, [SIDECAR, *(ArchiveRecord(name, 1, "c" * 64) for name in names)])
        assert (sealed_rolls(connection), reopened_rolls(connection)) == (["c/b/q", "c/b/r"], ["c/b/q"])
        forget_record(connection, "c/b/q/reopened.json")
        assert (sealed_rolls(connection), reopened_rolls(connection)) == (["c/b/q", "c/b/r"], [])


def test_a_database_of_an_earlier_schema_has_no_records(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        connection.execute("DROP TABLE archive_records")
    with closing(open_to_read(tmp_path / "station.db")) as reader:
        assert read_records(reader) == {}


def test_every_frame_is_returned_whatever_its_state(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        job = Queue(connection).reserve(Roll("c", "b", "r"), 1, [SourceFile("raw", "0" * 64, 1, "a")], CleanRequest())
        assert all_jobs(connection) == [job]
