"""The top of an archive."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.core.errors import ArchiveMissingError
from filmscand.daemon.station.marker import Identity

IDS = Identity("archive-1", "station-1")


def test_without_a_station_the_top_is_made_with_the_first_folder(tmp_path):
    root = ArchiveRoot(tmp_path / "archive", None)
    root.require_present()
    assert not root.path.exists()
    assert root.make_new(root.path / "a" / "b")
    assert (root.path / "a" / "b").is_dir()


def test_a_top_without_the_stations_marker_is_refused_and_never_made(tmp_path):
    root = ArchiveRoot(tmp_path / "archive", IDS)
    for use in (root.require_present, lambda: root.make_new(root.path / "a"), lambda: root.remove(root.path / "a")):
        with pytest.raises(ArchiveMissingError):
            use()
    with pytest.raises(ArchiveMissingError), root.reading():
        pass
    assert not root.path.exists()


def test_of_two_who_make_a_folder_one_succeeds(tmp_path):
    root = ArchiveRoot(tmp_path, None)
    assert [root.make_new(tmp_path / "a"), root.make_new(tmp_path / "a")] == [True, False]


def test_only_an_empty_folder_is_removed(tmp_path):
    root = ArchiveRoot(tmp_path, None)
    (tmp_path / "full" / "file").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name in ("full", "empty", "absent"):
        root.remove_empty(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_block_that_writes_may_hold_another_one(tmp_path):
    root = ArchiveRoot(tmp_path, None)
    with root.writing(), root.writing(), root.reading() as folder:
        (folder / "x").write_bytes(b"x")
    root.remove(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
