"""What every place for copies does alike: a folder, and a bucket of S3."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.replication.folder_store import FolderStore
from filmscand.daemon.replication.s3_store import S3Store
from filmscand.daemon.station.sections.replicas import Replica


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        (tmp_path / "copies").mkdir()
        made = FolderStore(tmp_path / "copies", tmp_path / "archive")
    else:
        request.getfixturevalue("s3")
        server = request.getfixturevalue("s3_server")
        made = S3Store(Replica(name="cloud", url="s3://film/a/b", endpoint=server), 10.0)
    with made.opened():
        yield made


@pytest.fixture
def source(tmp_path):
    # Larger than what is sent and read at once: an object in parts.
    path = tmp_path / "source.tif"
    path.write_bytes(bytes(range(256)) * (40 << 12))
    return path


def test_a_new_place_is_empty_until_something_is_put_there(store):
    assert store.is_empty()
    assert (store.sizes("r"), store.read("r/a.txt")) == ({}, None)
    store.put_bytes("r/a.txt", b"a", replace=False)
    assert not store.is_empty()


def test_a_file_is_put_and_read_back(store, source):
    store.put("r/data/x/a.tif", source, replace=False)
    assert store.digest("r/data/x/a.tif", "sha512") == hashlib.sha512(source.read_bytes()).hexdigest()
    assert store.sizes("r") == {"r/data/x/a.tif": source.stat().st_size}
    assert store.sizes("r/data/x") == store.sizes("r")


def test_only_what_lies_below_a_folder_is_listed(store):
    for path in ("r/a.txt", "r/b/c.txt", "r1/a.txt", ".filmscand/earlier/r/a.txt"):
        store.put_bytes(path, b"12", replace=False)
    assert store.sizes("r") == {"r/a.txt": 2, "r/b/c.txt": 2}


def test_a_file_is_replaced_if_that_is_asked_for(store):
    store.put_bytes("r/a.txt", b"one", replace=False)
    store.put_bytes("r/a.txt", b"two", replace=True)
    assert store.read("r/a.txt") == b"two"


def test_an_empty_file_is_a_file(store, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    store.put("r/empty", tmp_path / "empty", replace=False)
    assert (store.sizes("r"), store.digest("r/empty", "sha512")) == ({"r/empty": 0}, hashlib.sha512().hexdigest())


def test_a_file_is_kept_under_another_name_of_the_same_place(store):
    store.put_bytes("r/a.txt", b"one", replace=False)
    store.keep("r/a.txt", ".filmscand/earlier/r/a.txt.0123")
    assert (store.read("r/a.txt"), store.read(".filmscand/earlier/r/a.txt.0123")) == (b"one", b"one")


def test_odd_names_are_kept(store):
    for path in ("r/notes 100% #1?.txt", "r/größe+&=.txt"):
        store.put_bytes(path, b"1", replace=False)
        assert store.read(path) == b"1"
        assert path in store.sizes("r")
