"""A folder for copies: disks that fill up, are read-only, are swapped or are not there."""

from __future__ import annotations

import os
import subprocess

import pytest

from filmscand.daemon.core.errors import ArchiveUnwritableError, StorageFullError
from filmscand.daemon.replication.folder_store import FolderStore
from filmscand.daemon.replication.store import TargetError


@pytest.fixture
def root(tmp_path):
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


@pytest.fixture
def store(root, tmp_path):
    return FolderStore(root, tmp_path / "archive")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source.tif").write_bytes(os.urandom(1 << 20))
    return tmp_path / "source.tif"


def mount(point, *options):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(point)], capture_output=True)
    if done.returncode:
        pytest.skip("this machine lets nobody mount a disk")


@pytest.fixture
def disk(root):
    """Mounts a disk at the folder with options."""
    yield lambda *options: mount(root, *options)
    subprocess.run(["umount", "--lazy", str(root)], capture_output=True)


def test_a_folder_that_is_missing_is_never_made(root, store):
    root.rmdir()
    with pytest.raises(TargetError, match="Mount its disk"), store.opened():
        pass
    assert not root.exists()


def test_a_folder_of_the_archive_is_no_place_for_copies(tmp_path):
    (tmp_path / "archive/copies").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "archive/copies")
    with (
        pytest.raises(TargetError, match="apart from the archive"),
        FolderStore(tmp_path / "link", tmp_path / "archive").opened(),
    ):
        pass


def test_a_full_disk_leaves_nothing_half_written(disk, store, source, root):
    disk("size=512k")
    with store.opened(), pytest.raises(StorageFullError, match="No space left"):
        store.put("r/a.tif", source, replace=False)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_disk_that_is_read_only_is_told(disk, store, source):
    disk("ro")
    with store.opened(), pytest.raises(ArchiveUnwritableError, match="Read-only file system"):
        store.put("r/a.tif", source, replace=False)


def test_a_disk_that_goes_takes_its_copy_with_it_and_leaves_the_mount_point_alone(disk, store, source, root):
    disk("size=4m")
    with store.opened():
        store.put("r/a.tif", source, replace=False)
        subprocess.run(["umount", "--lazy", str(root)], check=True)
        store.put("r/b.tif", source, replace=False)
        assert set(store.sizes("r")) == {"r/a.tif", "r/b.tif"}
    assert list(root.iterdir()) == []


def test_a_link_at_the_target_is_not_followed(store, root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "r").symlink_to(tmp_path / "elsewhere")
    with store.opened(), pytest.raises(ArchiveUnwritableError, match="found a link"):
        store.put_bytes("r/a.txt", b"1", replace=False)
    (root / "r").unlink()
    (root / "r").mkdir()
    (root / "r/a").symlink_to(tmp_path / "elsewhere")
    with store.opened(), pytest.raises(TargetError, match="found a link or a device"):
        store.sizes("r")


def test_a_file_that_came_meanwhile_is_not_replaced(store, root, source):
    (root / "r").mkdir()
    (root / "r/a.tif").write_text("mine")
    with store.opened(), pytest.raises(TargetError, match="another program wrote this file"):
        store.put("r/a.tif", source, replace=False)
    assert (root / "r/a.tif").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "empty"), [("lost+found/", True), ("rolls/", False), (".filmscand/archive.json", False)]
)
def test_what_a_file_system_puts_on_a_disk_makes_it_no_other_place(store, root, name, empty):
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.mkdir() if name.endswith("/") else path.write_text("{}")
    with store.opened():
        assert store.is_empty() is empty


def test_half_written_files_of_a_killed_writer_are_removed(store, root):
    (root / "r/data").mkdir(parents=True)
    for name in ("r/.filmscand-1.part", "r/data/.filmscand-2.part", "r/data/a.tif"):
        (root / name).write_bytes(b"1")
    with store.opened():
        store.tidy("r")
        store.tidy("missing")
        assert set(store.sizes("r")) == {"r/data/a.tif"}
