"""A database file that is damaged, foreign, unreadable or read-only: the error names the file and the way out."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from filmscand.daemon.database.connection import open_database, open_to_read
from filmscand.daemon.database.frames import count_frames
from filmscand.daemon.database.trouble import DatabaseDamagedError, DatabaseFullError, DatabaseUnusableError, named


def use(path):
    with closing(open_database(path)) as connection:
        count_frames(connection)


def read(path):
    with closing(open_to_read(path)) as connection:
        count_frames(connection)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "station.db"
    use(path)
    return path


@pytest.mark.parametrize("open_it", [use, read])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database at all, whatever is tried" * 200),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + bytes(len(path.read_bytes()) - 4096)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["text", "cut off", "zeros", "a folder"],
)
def test_a_damaged_file_is_named_with_the_command_that_makes_it_again(file, open_it, spoil):
    spoil(file)
    with pytest.raises(DatabaseDamagedError, match="filmscand rebuild") as error:
        open_it(file)
    assert str(file) in str(error.value)
    assert isinstance(error.value, sqlite3.DatabaseError)


@pytest.mark.parametrize("open_it", [use, read])
def test_the_database_of_another_program_is_refused_and_stays_as_it_is(tmp_path, open_it):
    file = tmp_path / "station.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookmarks (address TEXT)")
    before = file.read_bytes()
    with pytest.raises(DatabaseDamagedError, match="another program"):
        open_it(file)
    assert file.read_bytes() == before


def sqlite_error(code, text):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_CORRUPT, DatabaseDamagedError, "filmscand rebuild"),
        (sqlite3.SQLITE_NOTADB, DatabaseDamagedError, "filmscand rebuild"),
        (sqlite3.SQLITE_FULL, DatabaseFullError, "KiB are free"),
        (sqlite3.SQLITE_READONLY, DatabaseUnusableError, "cannot write"),
        (sqlite3.SQLITE_CANTOPEN, DatabaseUnusableError, "may be read"),
        (sqlite3.SQLITE_IOERR_READ, DatabaseUnusableError, "disk works"),
    ],
)
def test_what_sqlite_says_gets_the_files_name_and_what_to_do(tmp_path, code, kind, words):
    error = named(sqlite_error(code, "its own words"), tmp_path / "station.db")
    assert isinstance(error, kind)
    for part in (str(tmp_path / "station.db"), "its own words", words):
        assert part in str(error)


def test_a_lock_that_is_held_is_no_trouble_of_the_file(tmp_path):
    error = sqlite_error(sqlite3.SQLITE_BUSY, "database is locked")
    assert named(error, tmp_path / "station.db") is error
