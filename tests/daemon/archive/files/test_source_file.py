"""Copying a file that another program may still be writing."""

import io
import os

import pytest

from filmscand.daemon.archive.files.source_file import copy_unchanged, folder_below, open_below, open_source
from filmscand.daemon.core.errors import SourceChangedError


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(os.urandom(100_000))
    return path


class During(io.BytesIO):
    """A target that lets something happen to the source while it is copied."""

    def __init__(self, happen):
        super().__init__()
        self._happen = happen

    def write(self, chunk):
        self._happen()
        return super().write(chunk)


def test_a_file_at_rest_is_copied_byte_for_byte(source):
    target = io.BytesIO()
    with open_source(source) as file:
        copy_unchanged(source, file, target)
    assert target.getvalue() == source.read_bytes()


@pytest.mark.parametrize(
    "happen",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"more"), id="grows"),
        pytest.param(lambda path: os.truncate(path, 50_000), id="shrinks"),
        pytest.param(lambda path: os.utime(path, ns=(1, 1)), id="gets another time"),
        pytest.param(
            lambda path: (path.with_suffix(".new").write_bytes(b"x"), path.with_suffix(".new").rename(path)),
            id="is replaced",
        ),
    ],
)
def test_a_file_that_changes_while_it_is_copied_is_refused(source, happen):
    with open_source(source) as file, pytest.raises(SourceChangedError, match="changed while it was copied"):
        copy_unchanged(source, file, During(lambda: happen(source)))


def test_a_file_that_disappears_while_it_is_copied_is_refused(source):
    with open_source(source) as file, pytest.raises(SourceChangedError, match="cannot read: No such file"):
        copy_unchanged(source, file, During(lambda: source.unlink(missing_ok=True)))


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "missing"])
def test_what_is_not_a_regular_file_is_refused_at_once(source, tmp_path, kind):
    path = tmp_path / kind
    if kind == "link":
        path.symlink_to(source)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(SourceChangedError):
        open_source(path)


def test_a_file_below_a_folder_is_opened_without_following_a_link_anywhere(source):
    root = source.parent
    (root / "r").mkdir()
    source.rename(root / "r" / "a.tif")
    with open_below(root, "r/a.tif") as file:
        assert len(file.read()) == 100_000
    (root / "l").symlink_to("r")
    with pytest.raises(SourceChangedError, match="a link stands here"):
        open_below(root, "l/a.tif")


def test_folders_are_made_one_below_the_other_with_the_rights_of_the_first(tmp_path):
    tmp_path.chmod(0o2770)
    with folder_below(tmp_path, ("a", "b"), make=True) as descriptor:
        assert os.fstat(descriptor).st_ino == (tmp_path / "a/b").stat().st_ino
    assert (tmp_path / "a/b").stat().st_mode & 0o7777 == 0o2770


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, folder_below(tmp_path, ("a", "b")):
        pass
    assert raised.value.filename == str(tmp_path / "a")
