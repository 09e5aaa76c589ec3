"""Before a newer filmscand changes a database, it keeps a copy with which the older one can go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from filmscand.daemon.database.connection import open_database, schema_version
from filmscand.daemon.database.schema import migrations
from filmscand.daemon.database.schema.old_copy import keep_old_copy, old_copy

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def old_database(tmp_path):
    """A database of schema 8, with rows that are still in its log."""
    path = tmp_path / "station.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATA / "schema-8.sql").read_text())
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE alarms SET message = 'last words of the old version'")
        connection.commit()
        yield path


def content(path):
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_the_copy_holds_every_row_and_the_old_schema(old_database):
    before = content(old_database)
    open_database(old_database).close()
    kept = old_copy(old_database, 8)
    assert content(kept) == before
    assert "last words of the old version" in "\n".join(before)
    with closing(sqlite3.connect(kept)) as connection:
        assert schema_version(connection) == 8
    assert content(old_database) != before


def test_the_copy_is_one_file_with_the_rights_of_the_database(old_database):
    old_database.chmod(0o640)
    kept = keep_old_copy(old_database, 8)
    assert kept.stat().st_mode & 0o777 == 0o640
    beside = {path.name for path in old_database.parent.iterdir()}
    assert {name for name in beside if "schema" in name} == {"station.db.schema-8"}


def test_a_new_database_and_one_of_this_schema_are_not_copied(tmp_path):
    path = tmp_path / "station.db"
    open_database(path).close()
    open_database(path).close()
    assert [one.name for one in tmp_path.iterdir() if "schema" in one.name] == []


def test_a_database_that_cannot_be_copied_is_not_changed(old_database):
    before = content(old_database)
    # A folder stands where the copy would go.
    (old_copy(old_database, 8) / "full").mkdir(parents=True)
    with pytest.raises(sqlite3.OperationalError, match="a copy of it as it was before the update"):
        open_database(old_database)
    assert content(old_database) == before


def test_the_copy_of_an_earlier_update_is_replaced(old_database):
    old_copy(old_database, 8).write_text("of long ago")
    open_database(old_database).close()
    with closing(sqlite3.connect(old_copy(old_database, 8))) as connection:
        assert schema_version(connection) == 8 < len(migrations.MIGRATIONS)
