"""Copying a file that another program may still be writing."""

import io
import os

import pytest

from filmscand.daemon.archive.source_file import copy_unchanged, open_source
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
