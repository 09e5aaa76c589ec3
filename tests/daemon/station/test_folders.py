"""Folders by descriptor."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest

from filmscand.daemon.station.folders import (
    anchor_of,
    anchored,
    descend,
    make_durably,
    open_to_append,
    opened,
    sync_folder,
)


@contextmanager
def anchor(root):
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with anchored(root, descriptor):
            yield descriptor
    finally:
        os.close(descriptor)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def test_missing_folders_are_made_with_their_parents(root):
    make_durably(root / "a" / "b")
    with anchor(root):
        make_durably(root / "c" / "d")
        make_durably(root / "c" / "d")
    assert (root / "a" / "b").is_dir()
    assert (root / "c" / "d").is_dir()


def test_new_folders_and_files_obey_the_umask(root):
    before = os.umask(0o027)
    try:
        make_durably(root / "a")
        with open_to_append(root / "a" / "log") as log:
            log.write(b"x")
    finally:
        os.umask(before)
    assert (root / "a").stat().st_mode & 0o777 == 0o750
    assert (root / "a" / "log").stat().st_mode & 0o777 == 0o640


def test_below_an_anchor_the_folder_stays_the_same_although_its_path_leads_elsewhere(root, tmp_path):
    with anchor(root) as descriptor:
        assert anchor_of(root) == descriptor
        moved = root.rename(tmp_path / "unmounted")
        root.mkdir()
        make_durably(root / "a")
        with opened(root / "a") as folder:
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        sync_folder(root / "a")
    assert anchor_of(root) is None
    assert list(root.iterdir()) == []
    assert (moved / "a" / "file").exists()


def test_below_an_anchor_no_link_is_followed(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "a").symlink_to(tmp_path / "elsewhere")
    with anchor(root):
        for act in (make_durably, lambda folder: opened(folder).__enter__()):
            with pytest.raises(OSError, match=r"expected a folder, found a link at .*archive/a"):
                act(root / "a" / "b")
        with pytest.raises(OSError, match=r"found \.\."):
            make_durably(root / ".." / "b")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_is_a_file_or_missing_is_told(root):
    (root / "a").touch()
    with anchor(root):
        with pytest.raises(NotADirectoryError):
            make_durably(root / "a" / "b")
        with pytest.raises(FileNotFoundError), opened(root / "c"):
            pass


def test_a_file_is_appended_to_and_a_link_in_its_place_is_refused(root, tmp_path):
    for word in (b"one", b"two"):
        with open_to_append(root / "log") as log:
            log.write(word)
    assert (root / "log").read_bytes() == b"onetwo"
    (root / "link").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"), open_to_append(root / "link"):
        pass
    assert not (tmp_path / "victim").exists()


def test_folders_that_are_made_on_the_way_down_take_the_rights_of_the_one_above(root):
    root.chmod(0o2770)
    with opened(root) as top:
        os.close(descend(top, root, ("a", "b"), make=True, rights_of_parent=True))
    assert {stat.S_IMODE((root / name).stat().st_mode) for name in ("a", "a/b")} == {0o2770}


def test_the_way_down_leads_neither_up_nor_through_a_file(root):
    (root / "file").write_bytes(b"")
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with opened(root) as top:
        for parts in (("..",), ("file", "a"), ("missing",)):
            with pytest.raises(OSError) as raised:
                descend(top, root, parts)
            assert raised.value.filename == str(root / parts[0])
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
