"""A place for copies is known by its marker: a mount point without its disk, and other people's copies, are refused."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.replication.folder_store import FolderStore
from filmscand.daemon.replication.replica_marker import REPLICA_MARKER, require_own
from filmscand.daemon.replication.store import TargetError

ARCHIVE = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def store(tmp_path):
    (tmp_path / "copies").mkdir()
    made = FolderStore(tmp_path / "copies", tmp_path / "archive")
    with made.opened():
        yield made


def test_a_new_place_is_marked_and_known_again(store):
    first = require_own(store, ARCHIVE, None, "host:/station")
    assert require_own(store, ARCHIVE, first, "host:/station") == first
    # A station that was rebuilt does not know the id, and finds it.
    assert require_own(store, ARCHIVE, None, "host:/other") == first
    marker = json.loads(store.read(REPLICA_MARKER))
    assert (marker["archive_id"], marker["station"]) == (ARCHIVE, "host:/station")


def test_a_mount_point_without_its_disk_is_not_taken_for_a_new_place(store):
    with pytest.raises(TargetError, match="Mount its disk"):
        require_own(store, ARCHIVE, "22222222", "host:/station")
    assert store.read(REPLICA_MARKER) is None


def test_the_copies_of_another_archive_are_left_alone(store):
    require_own(store, ARCHIVE, None, "host:/other")
    with pytest.raises(TargetError, match="of another archive, that of host:/other"):
        require_own(store, ARCHIVE.replace("1", "2"), None, "host:/station")


def test_another_disk_with_copies_of_the_same_archive_is_told(store):
    require_own(store, ARCHIVE, None, "host:/station")
    with pytest.raises(TargetError, match="was another disk mounted"):
        require_own(store, ARCHIVE, "22222222", "host:/station")


def test_a_place_with_something_else_is_refused(store):
    store.put_bytes("photographs/a.jpg", b"1", replace=False)
    with pytest.raises(TargetError, match="expected an empty place"):
        require_own(store, ARCHIVE, None, "host:/station")


@pytest.mark.parametrize(
    ("change", "problem"), [(lambda m: {**m, "schema_version": 9}, "newer filmscand"), (lambda m: [], "something else")]
)
def test_a_marker_that_cannot_be_read_is_told(store, change, problem):
    require_own(store, ARCHIVE, None, "host:/station")
    written = json.dumps(change(json.loads(store.read(REPLICA_MARKER)))).encode()
    store.put_bytes(REPLICA_MARKER, written, replace=True)
    with pytest.raises(TargetError, match=problem):
        require_own(store, ARCHIVE, None, "host:/station")
