from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.archive.files.atomic_file import (
    HashingFile,
    hash_file,
    make_folders,
    publish,
    publish_bytes,
    publish_in_order,
    publish_together,
    remove_abandoned_parts,
)
from filmscand.daemon.core.errors import ArchiveUnwritableError, FrameExistsError, StorageFullError
from tests.support.untouched import FileState


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def file_size_limit(limit_bytes):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def mounted(tmp_path):
    """Mounts a tmpfs with options; only root can, so others skip."""
    point = tmp_path / "mounted"
    point.mkdir()
    done = []

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(point)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting needs root")
        done.append(point)
        return point

    yield mount
    for path in done:
        subprocess.run(["umount", str(path)], check=True)


def test_a_published_file_has_its_content_hashes_and_mode(tmp_path):
    content = b"film" * 100_000
    published = publish_bytes(tmp_path / "a.bin", content, mode=0o440)
    assert (tmp_path / "a.bin").read_bytes() == content
    assert published.created
    assert published.digest.size_bytes == len(content)
    assert published.digest.sha256 == hashlib.sha256(content).hexdigest()
    assert published.digest.sha512 == hashlib.sha512(content).hexdigest()
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == 0o440
    assert names(tmp_path) == ["a.bin"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=200_000), max_size=5))
def test_hashes_do_not_depend_on_how_the_content_was_cut(pieces):
    with HashingFile() as file:
        for piece in pieces:
            file.write(piece)
        digest = file.digest()
    whole = b"".join(pieces)
    assert digest.size_bytes == len(whole)
    assert digest.sha512 == hashlib.sha512(whole).hexdigest()
    assert digest.sha256 == hashlib.sha256(whole).hexdigest()


def test_the_same_content_again_is_accepted_and_changes_nothing(tmp_path):
    publish_bytes(tmp_path / "a", b"x" * 10)
    before = FileState.of(tmp_path / "a")
    assert not publish_bytes(tmp_path / "a", b"x" * 10).created
    assert FileState.of(tmp_path / "a") == before
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("other", [b"y" * 10, b"x" * 11, b""])
def test_other_content_never_replaces_a_file(tmp_path, other):
    publish_bytes(tmp_path / "a", b"x" * 10)
    with pytest.raises(FrameExistsError, match=r"expected no file or the same content, found another file of 10 bytes"):
        publish_bytes(tmp_path / "a", other)
    assert (tmp_path / "a").read_bytes() == b"x" * 10
    assert names(tmp_path) == ["a"]


def test_what_can_be_made_again_is_replaced_at_once(tmp_path):
    publish_bytes(tmp_path / "a", b"old")
    publish_bytes(tmp_path / "a", b"new", replace=True)
    assert (tmp_path / "a").read_bytes() == b"new"


def test_an_error_while_writing_leaves_nothing(tmp_path):
    def fails(file):
        file.write(b"half")
        raise ValueError("engine")

    with pytest.raises(ValueError, match="engine"):
        publish(tmp_path / "a", fails)
    assert names(tmp_path) == []


def test_a_file_that_grows_past_the_limit_is_storage_full(tmp_path):
    with file_size_limit(100_000), pytest.raises(StorageFullError, match="cannot write: File too large"):
        publish_bytes(tmp_path / "a", bytes(500_000))
    assert names(tmp_path) == []
    assert publish_bytes(tmp_path / "a", bytes(500_000)).created


def test_a_full_disk_is_storage_full_and_works_again_when_room_returns(mounted):
    folder = mounted("size=1m")
    (folder / "ballast").write_bytes(bytes(900_000))
    with pytest.raises(StorageFullError, match="No space left on device"):
        publish_bytes(folder / "a", bytes(500_000))
    assert names(folder) == ["ballast"]
    (folder / "ballast").unlink()
    assert publish_bytes(folder / "a", bytes(500_000)).created


def test_a_read_only_disk_is_unwritable(mounted):
    folder = mounted("ro")
    with pytest.raises(ArchiveUnwritableError, match="Read-only file system"):
        publish_bytes(folder / "a", b"x")
    with pytest.raises(ArchiveUnwritableError, match="Read-only file system"):
        make_folders(folder / "b" / "c")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_unwritable(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(ArchiveUnwritableError, match="Permission denied"):
        publish_bytes(tmp_path / "a", b"x")
    tmp_path.chmod(0o755)


def test_a_folder_that_went_is_unwritable(tmp_path):
    with pytest.raises(ArchiveUnwritableError, match="No such file or directory"):
        publish_bytes(tmp_path / "gone" / "a", b"x")


def test_a_file_where_a_folder_should_be_is_unwritable(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(ArchiveUnwritableError, match=r"Not a directory|File exists"):
        make_folders(tmp_path / "a" / "b")


@pytest.fixture
def no_hard_links(monkeypatch):
    # Every file system that a test can count on has hard links; SMB and exFAT answer like this.
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_without_hard_links_a_file_still_appears_whole(no_hard_links, tmp_path):
    assert publish_bytes(tmp_path / "a", b"x").created
    assert not publish_bytes(tmp_path / "a", b"x").created
    assert names(tmp_path) == ["a"]


def test_without_hard_links_other_content_never_replaces_a_file(no_hard_links, tmp_path):
    publish_bytes(tmp_path / "a", b"x")
    with pytest.raises(FrameExistsError):
        publish_bytes(tmp_path / "a", b"y")


@pytest.mark.parametrize("links", [True, False])
def test_an_empty_claim_of_a_dead_writer_is_taken_over(links, tmp_path, request):
    if not links:
        request.getfixturevalue("no_hard_links")
    (tmp_path / "a").touch()
    assert publish_bytes(tmp_path / "a", b"x").created
    assert (tmp_path / "a").read_bytes() == b"x"


KILLED = """
import os, signal, sys
from pathlib import Path
from filmscand.daemon.archive.files.atomic_file import publish
def write(file):
    file.write(bytes(100_000))
    os.kill(os.getpid(), signal.SIGKILL)
publish(Path(sys.argv[1]) / "a", write)
"""


def test_the_part_of_a_killed_writer_is_removed_and_that_of_a_living_one_stays(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    writing, go_on = threading.Event(), threading.Event()

    def write_slowly(file):
        writing.set()
        assert go_on.wait(20)
        file.write(b"late")

    living = threading.Thread(target=publish, args=(tmp_path / "b", write_slowly))
    living.start()
    assert writing.wait(20)
    assert len(names(tmp_path)) == 2
    assert remove_abandoned_parts(tmp_path) == 1
    go_on.set()
    living.join()
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b").read_bytes() == b"late"


def test_files_published_together_all_stand_or_the_first_error_is_told(tmp_path):
    done = publish_together({tmp_path / name: lambda file, name=name: file.write(name.encode()) for name in "abc"})
    assert {path.name: path.read_bytes() for path in done} == {"a": b"a", "b": b"b", "c": b"c"}
    with file_size_limit(1000), pytest.raises(StorageFullError):
        publish_together(
            {tmp_path / "d": lambda file: file.write(bytes(5000)), tmp_path / "e": lambda f: f.write(b"e")}
        )
    assert names(tmp_path) == ["a", "b", "c", "e"]


def test_files_in_order_are_written_side_by_side_and_named_when_all_are_durable(tmp_path):
    both = threading.Barrier(2, timeout=20)

    def write(content):
        def side_by_side(file):
            file.write(content)
            both.wait()
            assert all(name.endswith(".part") for name in names(tmp_path))

        return side_by_side

    published = publish_in_order({tmp_path / "b": write(b"first"), tmp_path / "a": write(b"last")}, mode=0o440)
    assert list(published) == [tmp_path / "b", tmp_path / "a"]
    assert {path.name: path.read_bytes() for path in published} == {"a": b"last", "b": b"first"}
    assert all(hash_file(path) == one.digest and one.created for path, one in published.items())
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o440


def test_of_files_in_order_none_is_named_where_one_cannot_be_written(tmp_path):
    with file_size_limit(1000), pytest.raises(StorageFullError, match="large: cannot write"):
        publish_in_order(
            {tmp_path / "small": lambda f: f.write(b"s"), tmp_path / "large": lambda f: f.write(b"l" * 5000)}
        )
    assert names(tmp_path) == []


NAMED_UNTIL_KILLED = """
import os, signal, sys
from pathlib import Path
from filmscand.daemon.archive.files.atomic_file import publish_in_order
link, left = os.link, int(sys.argv[2])
def link_or_die(part, target, **folders):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    link(part, target, **folders)
os.link = link_or_die
folder = Path(sys.argv[1])
publish_in_order({folder / name: lambda file, name=name: file.write(name.encode()) for name in ("first", "last")})
"""


@pytest.mark.parametrize(("named", "standing"), [(0, []), (1, ["first"])])
def test_a_kill_between_the_names_leaves_the_first_ones_whole_and_never_the_last_alone(tmp_path, named, standing):
    killed = subprocess.run([sys.executable, "-c", NAMED_UNTIL_KILLED, str(tmp_path), str(named)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert remove_abandoned_parts(tmp_path) == 2
    assert names(tmp_path) == standing
    assert all((tmp_path / name).read_bytes() == name.encode() for name in standing)


def test_hashing_a_file_from_the_disk_gives_what_was_published(tmp_path):
    published = publish_bytes(tmp_path / "a", os.urandom(300_000))
    assert hash_file(tmp_path / "a", from_disk=True) == published.digest
