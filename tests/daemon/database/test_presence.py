"""Whether the database is there, and still the same file."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database, reopen_database
from filmscand.daemon.database.presence import file_id, is_blank, require_in_place
from filmscand.daemon.database.trouble import DatabaseReplacedError


def test_a_database_is_blank_until_something_is_written_into_it(tmp_path):
    path = tmp_path / "station.db"
    assert is_blank(path)
    path.touch()
    assert is_blank(path)
    open_database(path).close()
    assert not is_blank(path)


def test_another_process_that_closes_the_database_leaves_the_log_of_this_one(tmp_path):
    path = tmp_path / "station.db"
    with closing(open_database(path)) as connection:
        assert not is_blank(path)
        other = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM frames'); c.close()"
        subprocess.run([sys.executable, "-c", other, str(path)], check=True)
        assert path.with_name("station.db-wal").exists()
        Alarms(connection).raise_alarm("key", "message")
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_looking_at_a_database_leaves_the_locks_on_it(tmp_path):
    """Closing a file drops all POSIX locks that the process has on it, also those of another descriptor."""
    path = tmp_path / "station.db"
    with closing(open_database(path)) as connection:
        is_blank(path)
        require_in_place(connection, path)
        reopen_database(path).close()
        state = path.stat()
        assert f":{state.st_ino} " in Path("/proc/locks").read_text()


@pytest.mark.parametrize("content", [b"x", b"no database at all, whatever it is called" * 10])
def test_another_file_is_not_blank(tmp_path, content):
    (tmp_path / "station.db").write_bytes(content)
    assert not is_blank(tmp_path / "station.db")


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
