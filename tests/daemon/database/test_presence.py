"""Whether the database is there, and still the same file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.presence import file_id, is_blank, require_in_place
from filmscand.daemon.database.trouble import DatabaseReplacedError


def test_a_database_is_blank_until_it_has_tables(tmp_path):
    path = tmp_path / "station.db"
    assert is_blank(path)
    path.touch()
    assert is_blank(path)
    open_database(path).close()
    assert not is_blank(path)


def test_a_database_whose_first_commits_are_still_in_its_log_is_not_blank(tmp_path):
    path, copy = tmp_path / "station.db", tmp_path / "copy.db"
    with closing(open_database(path)):
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    assert not is_blank(copy)


def test_asking_keeps_the_locks_of_an_open_database(tmp_path):
    """Without them another process that closes the database removes the log that this one writes."""
    path = tmp_path / "station.db"
    with closing(open_database(path)) as connection:
        assert not is_blank(path)
        other = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM frames'); c.close()"
        subprocess.run([sys.executable, "-c", other, str(path)], check=True)
        assert path.with_name("station.db-wal").exists()
        Alarms(connection).raise_alarm("key", "message")
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.parametrize("content", [b"x", b"no database at all, whatever it is called" * 10])
def test_another_file_is_not_blank(tmp_path, content):
    (tmp_path / "station.db").write_bytes(content)
    assert not is_blank(tmp_path / "station.db")
    assert not is_blank(tmp_path)


def test_a_file_is_told_by_device_and_inode(tmp_path):
    (tmp_path / "a").touch()
    found = (tmp_path / "a").stat()
    assert file_id(tmp_path / "a") == (found.st_dev, found.st_ino)
    assert file_id(tmp_path / "b") is None


def test_a_database_that_was_removed_or_replaced_is_noticed(tmp_path):
    path = tmp_path / "station.db"
    with closing(open_database(path)) as connection:
        require_in_place(connection, path)
        path.rename(tmp_path / "removed")
        with pytest.raises(DatabaseReplacedError, match="removed or replaced while it was in use"):
            require_in_place(connection, path)
        open_database(path).close()
        with pytest.raises(DatabaseReplacedError):
            require_in_place(connection, path)
        (tmp_path / "removed").replace(path)
        require_in_place(connection, path)
