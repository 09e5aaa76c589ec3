"""Watch folders: which files are there, who still writes them, and which folders may be watched."""

import os
import subprocess
import sys
import threading
import time

import pytest

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.ingest.watching.settling import stat_of
from filmscand.daemon.ingest.watching.watch import is_being_written, is_network_mount, listen, require_apart, sweep
from filmscand.daemon.station.configuration import Watch

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /mnt/nas rw - cifs //nas/scans rw
31 21 0:41 / /mnt/lab\\040share rw - nfs4 lab:/scans rw
32 30 8:2 / /mnt/nas/local rw - xfs /dev/sdb1 rw
33 21 0:50 / /media/vm rw - fuse.sshfs host:/ rw
34 21 0:51 / /run/portal rw - fusectl none rw
"""


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        pytest.param("/var/drop", False, id="local-disk"),
        pytest.param("/mnt/nas/drop", True, id="windows-share"),
        pytest.param("/mnt/nas/local/drop", False, id="local-disk-below-a-share"),
        pytest.param("/mnt/nasty", False, id="only-the-name-begins-alike"),
        pytest.param("/mnt/lab share/in", True, id="nfs-with-a-space-in-its-name"),
        pytest.param("/media/vm", True, id="user-space-file-system"),
        pytest.param("/run/portal", False, id="no-files-of-anybody"),
    ],
)
def test_the_mount_tells_whether_events_can_be_trusted(tmp_path, folder, network):
    assert is_network_mount(tmp_path.__class__(folder), MOUNTS) is network


def test_this_machine_has_a_mount_table(tmp_path):
    assert is_network_mount(tmp_path) in (True, False)


def test_a_sweep_finds_scans_in_subfolders_and_nothing_else(tmp_path):
    wanted = {"a.tif", "roll 7/b.tif", "roll 7/deep/c.dng", "notes.txt"}
    unwanted = {
        ".hidden.tif",
        "d.tif~",
        "~lock.tif",
        "e.tif.part",
        "f.tmp",
        "Thumbs.db",
        "@eaDir/g.tif",
        ".stversions/h.tif",
    }
    ours = {"_done/2026-01-01/i.tif", "_failed/j.tif", "_duplicates/k.tif", "__MACOSX/l.tif"}
    for name in wanted | unwanted | ours:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"counts")
    (tmp_path / "empty.tif").touch()
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    (tmp_path / "linked folder").symlink_to(tmp_path / "roll 7")
    os.mkfifo(tmp_path / "pipe.tif")
    found = sweep(tmp_path)
    assert set(found) == wanted
    assert found["a.tif"] == stat_of(tmp_path / "a.tif")


def test_a_folder_that_went_away_is_an_error_and_not_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        sweep(tmp_path / "unmounted")


def test_a_file_is_being_written_while_another_process_has_it_open(tmp_path):
    path = tmp_path / "slow.tif"
    path.write_bytes(b"counts")
    hold = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        assert is_being_written(path)
        writer.communicate()
    assert not is_being_written(path)


def test_reading_a_file_is_not_writing_it(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"counts")
    with path.open("rb"):
        assert not is_being_written(path)


def named_within(events, wake, wanted, at_most_s=5.0):
    finished, modified = set(), set()
    deadline_s = time.monotonic() + at_most_s
    while time.monotonic() < deadline_s and not wanted <= finished | modified:
        wake.wait(0.2)
        wake.clear()
        changes = events.collect()
        finished |= changes.finished
        modified |= changes.modified
    return finished, modified


def test_events_tell_of_files_written_and_moved_in_below_the_folder(tmp_path):
    drop, elsewhere = tmp_path / "drop", tmp_path / "elsewhere"
    (drop / "roll").mkdir(parents=True)
    elsewhere.mkdir()
    wake = threading.Event()
    events = listen(Watch(path=drop), network=False, wake=wake)
    try:
        (drop / "roll" / "written.tif").write_bytes(b"counts")
        (drop / "ready.tif.part").write_bytes(b"counts")
        (drop / "ready.tif.part").rename(drop / "ready.tif")
        (elsewhere / "moved.tif").write_bytes(b"counts")
        (elsewhere / "moved.tif").rename(drop / "moved.tif")
        finished, modified = named_within(events, wake, {"roll/written.tif", "ready.tif", "moved.tif"})
    finally:
        events.stop()
    assert {"roll/written.tif", "ready.tif"} <= finished
    assert "moved.tif" in finished | modified
    assert "ready.tif.part" not in finished | modified


def test_a_network_share_is_polled(tmp_path):
    assert listen(Watch(path=tmp_path), network=True, wake=threading.Event()) is None


@pytest.mark.parametrize(
    ("watched", "output"),
    [
        pytest.param("drop", "drop/archive", id="archive-below-the-folder"),
        pytest.param("archive/drop", "archive", id="folder-below-the-archive"),
        pytest.param("link", "archive", id="by-way-of-a-link"),
    ],
)
def test_a_watch_folder_that_overlaps_the_archive_is_refused(tmp_path, watched, output):
    (tmp_path / "archive" / "drop").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "archive" / "drop")
    with pytest.raises(ConfigError, match="overlap"):
        require_apart((Watch(path=tmp_path / watched),), {"the archive": tmp_path / output})


def test_watch_folders_within_each_other_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="overlap"):
        require_apart((Watch(path=tmp_path / "a"), Watch(path=tmp_path / "a" / "b")), {})


def test_folders_side_by_side_are_fine(tmp_path):
    require_apart(
        (Watch(path=tmp_path / "drop"), Watch(path=tmp_path / "drop2")),
        {"the archive": tmp_path / "archive", "the database": tmp_path / "station.db"},
    )


def test_folders_that_nest_without_an_end_are_named_and_the_others_are_swept(tmp_path):
    (tmp_path / "b.tif").write_bytes(b"counts")
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    unreadable = {}
    assert set(sweep(tmp_path, unreadable.__setitem__)) == {"b.tif"}
    assert [error.strerror for error in unreadable.values()] == ["more than 64 folders inside each other"]
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_a_sweep_never_enters_a_link(tmp_path):
    (tmp_path / "drop").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.tif").write_bytes(b"counts")
    (tmp_path / "drop" / "r").symlink_to(tmp_path / "elsewhere")
    assert sweep(tmp_path / "drop") == {}


# The child may open no further file: inotify_init fails with EMFILE, as it does at the limit of instances.
WITHOUT_A_DESCRIPTOR = """
import os, resource, sys, threading
from pathlib import Path
from filmscand.daemon.ingest.watching.watch import listen
from filmscand.daemon.station.configuration import Watch
refused = []
watch, wake = Watch(path=Path(sys.argv[1])), threading.Event()
limit = os.dup(0)
os.close(limit)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
assert listen(watch, network=False, wake=wake, on_refused=refused.append) is None
print(*refused)
"""


def test_a_limit_of_inotify_is_named_with_the_setting_that_raises_it(tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_DESCRIPTOR, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "the folder is polled instead" in told.stdout
    assert "sysctl fs.inotify.max_user_instances=" in told.stdout
