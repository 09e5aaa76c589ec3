"""What a bag's manifests name, and whether the bag is whole by its mark."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.records.bag import DECLARED
from filmscand.daemon.archive.records.bag_listing import is_sealed, read_listing, reader_of, sealed_listing


def digest(content, algorithm):
    return hashlib.new(algorithm, content).hexdigest()


def write_bag(folder, algorithm="sha512"):
    folder.mkdir(parents=True)
    manifest = f"{digest(b'1', algorithm)}  data/a.tif\n".encode()
    named = {"bagit.txt": DECLARED, f"manifest-{algorithm}.txt": manifest, "metadata/roll.json": b"{}"}
    tags = "".join(f"{digest(content, algorithm)}  {name}\n" for name, content in named.items()).encode()
    for name, content in {**named, f"tagmanifest-{algorithm}.txt": tags, "data/a.tif": b"1"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / "c/b/r")


def test_a_listing_names_every_file_but_the_mark(bag):
    listing = read_listing(reader_of(bag))
    assert dict(listing.payload) == {"data/a.tif": digest(b"1", "sha512")}
    assert set(listing.tags) == {"manifest-sha512.txt", "metadata/roll.json", "tagmanifest-sha512.txt"}
    tags = (bag / "tagmanifest-sha512.txt").read_bytes()
    assert (listing.algorithm, listing.generation) == ("sha512", digest(tags, "sha256"))
    assert listing.digest("tagmanifest-sha512.txt") == digest(tags, "sha512")
    assert listing.digest("data/b.tif") is None


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_the_strongest_algorithm_that_a_bag_has_counts(tmp_path, algorithm):
    assert read_listing(reader_of(write_bag(tmp_path / "r", algorithm))).algorithm == algorithm


def test_a_folder_without_manifests_has_no_listing(tmp_path):
    assert read_listing(reader_of(tmp_path)) is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("manifest-sha512.txt", b"", "manifest-sha512.txt: differs"),
        ("manifest-sha512.txt", None, "manifest-sha512.txt: missing"),
        ("tagmanifest-sha512.txt", b"cut", "tagmanifest-sha512.txt: expected a line break"),
    ],
)
def test_manifests_that_do_not_belong_together_are_refused(bag, name, content, problem):
    if content is None:
        (bag / name).unlink()
    else:
        (bag / name).write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        read_listing(reader_of(bag))


def test_a_bag_without_its_mark_or_reopened_is_not_sealed(bag):
    assert is_sealed(reader_of(bag))
    (bag / "reopened.json").write_text("{}")
    assert not is_sealed(reader_of(bag))
    (bag / "reopened.json").unlink()
    (bag / "bagit.txt").unlink()
    assert not is_sealed(reader_of(bag))


def test_a_roll_is_listed_only_in_the_generation_that_is_asked_for(bag, tmp_path):
    root = ArchiveRoot(tmp_path, None)
    generation = read_listing(reader_of(bag)).generation
    assert sealed_listing(root, "c/b/r", generation).generation == generation
    assert sealed_listing(root, "c/b/r", "0" * 64) is None
    (bag / "manifest-sha512.txt").write_bytes(b"")
    assert sealed_listing(root, "c/b/r", generation) is None
