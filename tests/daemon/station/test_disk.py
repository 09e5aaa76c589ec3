"""Free space, also of a folder that does not exist yet."""

import os

from filmscand.daemon.station.disk import free_bytes, nearest_existing


def test_the_nearest_folder_that_exists_is_found(tmp_path):
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path
    assert nearest_existing(tmp_path) == tmp_path


def test_free_space_is_that_of_the_disk_below(tmp_path):
    disk = os.statvfs(tmp_path)
    assert 0 <= free_bytes(tmp_path / "a" / "b") <= disk.f_bfree * disk.f_frsize
