"""Room for the index of the database's log: on a full disk the database can be opened, or one error says why not."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing, contextmanager

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database, open_to_read
from filmscand.daemon.database.room import fill_index, require_room, room_problem
from filmscand.daemon.database.trouble import DatabaseFullError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


@contextmanager
def small_disk(tmp_path):
    """Mount a disk of 1.5 MB; on such a small one the blocks are smaller than a page of memory."""
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(1500 << 10)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", image, folder], check=False, capture_output=True).returncode != 0:
        pytest.skip("no loop device here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    descriptor = os.open(folder / "filled", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(1024))
    except OSError:
        os.close(descriptor)


@needs_root
def test_a_database_on_a_full_disk_is_not_opened_but_read_and_works_again_when_there_is_room(tmp_path):
    with small_disk(tmp_path) as folder:
        file = folder / "station.db"
        with closing(open_database(file)) as connection:
            Alarms(connection).raise_alarm("archive", "full")
        fill(folder)
        with pytest.raises(DatabaseFullError, match="0 KiB are free") as error:
            open_database(file)
        assert str(file) in str(error.value)
        assert room_problem(file) == str(error.value)
        with closing(open_to_read(file)) as reader:
            assert [alarm.key for alarm in Alarms(reader).standing()] == ["archive"]
        (folder / "filled").unlink()
        os.sync()
        with closing(open_database(file)) as connection:
            assert Alarms(connection).clear("archive")


@needs_root
def test_while_one_process_holds_the_database_others_open_it_on_a_full_disk_too(tmp_path):
    with small_disk(tmp_path) as folder:
        file = folder / "station.db"
        with closing(open_database(file)) as connection:
            Alarms(connection).raise_alarm("archive", "full")
            fill(folder)
            with closing(open_to_read(file)) as reader:
                assert Alarms(reader).count() == 1
            index = file.with_name("station.db-shm").stat()
            assert index.st_blocks * 512 >= index.st_size


def test_on_a_disk_with_room_nothing_is_left_behind(tmp_path):
    require_room(tmp_path / "station.db")
    fill_index(tmp_path / "station.db")
    assert room_problem(tmp_path / "station.db") is None
    assert list(tmp_path.iterdir()) == []
