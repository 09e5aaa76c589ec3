"""A reopened roll keeps what it was sealed with."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.archive.records.bag import DECLARED, manifest, payload
from filmscand.daemon.archive.records.reopened import Reopening, tag_manifest_digests
from filmscand.daemon.archive.records.verify_reopened import verify_reopened


def sha512(path):
    return hashlib.sha512(path.read_bytes()).hexdigest()


@pytest.fixture
def bag(tmp_path):
    """A roll of one frame that was reopened, whose sidecar has changed since and that has a file more."""
    for name in ("data/r_0001/raw.tif", "data/r_0001/r_0001.json", "metadata/roll.json", "metadata/events.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "manifest-sha512.txt").write_bytes(manifest(tmp_path, {one: sha512(one) for one in payload(tmp_path)}))
    tags = [tmp_path / "manifest-sha512.txt", *(tmp_path / "metadata").iterdir()]
    (tmp_path / "tagmanifest-sha512.txt").write_bytes(manifest(tmp_path, {path: sha512(path) for path in tags}))
    (tmp_path / "bagit.txt").write_bytes(DECLARED)
    noted = Reopening(generation=1, tag_manifests=tag_manifest_digests(tmp_path), events_bytes=0)
    (tmp_path / "reopened.json").write_bytes(noted.to_json())
    (tmp_path / "data/r_0001/r_0001.json").write_bytes(b"revision 2")
    (tmp_path / "data/r_0001/clean.tif").write_bytes(b"new")
    return tmp_path


def found(bag):
    return [problem.path.name for problem in verify_reopened(bag)]


def test_sidecars_and_new_files_are_no_problem(bag):
    assert found(bag) == []


@pytest.mark.parametrize("name", ["data/r_0001/raw.tif", "metadata/roll.json", "bagit.txt"])
def test_everything_else_has_to_be_as_it_was(bag, name):
    (bag / name).write_bytes(b"rot")
    assert found(bag) == [name.rpartition("/")[2]]


@pytest.mark.parametrize("name", ["manifest-sha512.txt", "tagmanifest-sha512.txt", "reopened.json"])
def test_without_the_manifests_that_were_noted_nothing_can_be_told(bag, name):
    (bag / name).write_bytes(b"rot\n")
    assert found(bag) == ["reopened.json"]
