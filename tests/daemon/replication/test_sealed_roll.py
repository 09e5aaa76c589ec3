"""A sealed roll as it is sent: payload first, manifests last, and never while it changes."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.replication.sealed_roll import generation_of, read_sealed_roll
from filmscand.daemon.replication.store import RollChangingError
from support.sealed_rolls import ROLL, content


@pytest.fixture
def folder(station):
    return station.archive / ROLL


def test_the_files_are_those_of_the_bag_in_the_order_of_sending(station, folder):
    sealed = read_sealed_roll(station.archive, ROLL)
    paths = [file.path for file in sealed.files]
    assert {*paths, "bagit.txt"} == set(content(folder))
    assert paths[-2:] == ["manifest-sha512.txt", "tagmanifest-sha512.txt"]
    assert max(n for n, path in enumerate(paths) if path.startswith("data/")) < paths.index("metadata/roll.json")
    assert all(hashlib.sha512((folder / one.path).read_bytes()).hexdigest() == one.digest for one in sealed.files)
    assert sealed.size_bytes == sum((folder / path).stat().st_size for path in paths)
    assert sealed.generation == generation_of(station.archive, ROLL)


@pytest.mark.parametrize(
    "change", [lambda f: (f / "bagit.txt").unlink(), lambda f: (f / "reopened.json").write_text("")]
)
def test_a_roll_that_is_being_sealed_again_is_not_sent(station, folder, change):
    change(folder)
    with pytest.raises(RollChangingError, match="not sealed now"):
        read_sealed_roll(station.archive, ROLL)
    assert generation_of(station.archive, ROLL) is None


def test_a_damaged_manifest_is_told(station, folder):
    with (folder / "manifest-sha512.txt").open("a") as file:
        file.write("\n")
    with pytest.raises(IntegrityError, match=r"manifest-sha512\.txt: differs"):
        read_sealed_roll(station.archive, ROLL)


def test_a_file_that_is_gone_is_told(station, folder):
    next((folder / "data").rglob("*_mask.png")).unlink()
    with pytest.raises(IntegrityError, match=r"_mask\.png: missing"):
        read_sealed_roll(station.archive, ROLL)


def test_kept_manifests_tell_of_earlier_generations(station, folder):
    (folder / "history").mkdir()
    (folder / "history/manifest-sha512.1.txt").write_text(f"{'0' * 128}  data/r12_0001/r12_0001.json\n")
    (folder / "history/tagmanifest-sha512.1.txt").write_text("damaged")
    sealed = read_sealed_roll(station.archive, ROLL)
    assert sealed.earlier == {("data/r12_0001/r12_0001.json", "0" * 128)}


def test_tag_manifests_of_other_algorithms_are_sent_too(station, folder):
    (folder / "tagmanifest-md5.txt").write_text("0")
    files = {file.path: file.digest for file in read_sealed_roll(station.archive, ROLL).files}
    assert files["tagmanifest-md5.txt"] == hashlib.sha512(b"0").hexdigest()
