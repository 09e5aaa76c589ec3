"""What a verification of a bag finds."""

import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.archive.files.problem import ProblemKind
from filmscand.daemon.archive.records.bag import DECLARED, manifest, manifest_name, payload, tag_manifest_name
from filmscand.daemon.archive.records.verify_bag import changed_tags, verify_bag, verify_declaration
from filmscand.daemon.station.bag import DigestAlgorithm

MANIFEST, TAG_MANIFEST = manifest_name(DigestAlgorithm.SHA512), tag_manifest_name(DigestAlgorithm.SHA512)


def sha512(path):
    return hashlib.sha512(path.read_bytes()).hexdigest()


@pytest.fixture
def bag(tmp_path):
    """A bag of two payload files and one tag file."""
    for name in ("data/b/2.tif", "data/a.tif", "bag-info.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / MANIFEST).write_bytes(manifest(tmp_path, {path: sha512(path) for path in payload(tmp_path)}))
    tags = [tmp_path / "bag-info.txt", tmp_path / MANIFEST]
    (tmp_path / TAG_MANIFEST).write_bytes(manifest(tmp_path, {path: sha512(path) for path in tags}))
    return tmp_path


def found(bag):
    return [(str(problem.path.relative_to(bag)), problem.kind) for problem in verify_bag(bag)]


def test_an_untouched_bag_has_no_problems(bag):
    assert found(bag) == []


def test_changed_missing_and_additional_files_are_found(bag):
    (bag / "data/a.tif").write_bytes(b"rot")
    (bag / "data/b/2.tif").unlink()
    (bag / "data/new.tif").write_bytes(b"new")
    (bag / "bag-info.txt").write_bytes(b"rot")
    assert found(bag) == [
        ("data/a.tif", ProblemKind.CHANGED),
        ("data/b/2.tif", ProblemKind.MISSING),
        ("data/new.tif", ProblemKind.CHANGED),
        ("bag-info.txt", ProblemKind.CHANGED),
    ]


def test_a_bag_without_its_manifest_is_damaged(bag):
    (bag / MANIFEST).unlink()
    assert found(bag) == [(MANIFEST, ProblemKind.MISSING), (MANIFEST, ProblemKind.MISSING)]


@pytest.mark.parametrize("line", ["nonsense", f"{'0' * 128}  ../outside", f"{'0' * 127}  data/a.tif"])
def test_a_line_that_no_manifest_has_is_told_with_its_number(bag, line):
    with (bag / MANIFEST).open("a") as file:
        file.write(f"{line}\n")
    first = next(iter(verify_bag(bag)))
    assert (first.path, first.kind) == (bag / MANIFEST, ProblemKind.CHANGED)
    assert first.message.startswith("line 3: expected a SHA-512 and a path below the bag")


def test_hashes_in_capitals_and_the_star_of_other_programs_are_read(bag):
    text = (bag / MANIFEST).read_text()
    (bag / MANIFEST).write_text("".join(f"{line[:128].upper()} *{line[130:]}\n" for line in text.splitlines()))
    assert [path for path, _ in found(bag)] == [MANIFEST]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=12))
def test_any_file_name_comes_back_from_the_manifest(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("bag")
    (folder / "data").mkdir()
    path = folder / "data" / f"x{name}x"
    path.write_bytes(b"x")
    (folder / MANIFEST).write_bytes(manifest(folder, {path: sha512(path)}))
    (folder / TAG_MANIFEST).write_bytes(manifest(folder, {folder / MANIFEST: sha512(folder / MANIFEST)}))
    assert list(verify_bag(folder)) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "found an empty file"),
        (b"\xff\n", "expected UTF-8"),
        (f"{'0' * 128}  data/a.tif".encode(), "cut off"),
        (f"{'0' * 128}  data/a.tif\n".encode() * 2, "found 'data/a.tif' again"),
        (f"{'0' * 128}  /data/a.tif\n".encode(), "a path below the bag"),
    ],
)
def test_a_manifest_that_is_not_whole_is_told_by_what_is_wrong_with_it(bag, content, why):
    (bag / MANIFEST).write_bytes(content)
    assert why in next(iter(verify_bag(bag))).message


def test_files_and_folders_that_no_manifest_names_are_found_wherever_they_lie(bag):
    (bag / "metadata").mkdir()
    (bag / "other").mkdir()
    (bag / "data" / "empty").mkdir()
    for name in ("x.txt", "metadata/x.txt"):
        (bag / name).write_text("x")
    os.mkfifo(bag / "data" / "pipe")
    (bag / "data" / "link").symlink_to(bag / "x.txt")
    strange = ("x.txt", "metadata/x.txt", "other", "data/empty", "data/pipe", "data/link")
    assert set(found(bag)) == {(name, ProblemKind.CHANGED) for name in strange}


def test_a_pipe_in_place_of_a_file_is_told_and_not_waited_for(bag):
    (bag / "data/a.tif").unlink()
    os.mkfifo(bag / "data/a.tif")
    assert found(bag) == [("data/a.tif", ProblemKind.UNREADABLE)]


def test_the_mark_of_a_sealed_roll_is_compared_to_the_letter(bag):
    assert [one.kind for one in verify_declaration(bag)] == [ProblemKind.MISSING]
    (bag / "bagit.txt").write_bytes(DECLARED)
    assert list(verify_declaration(bag)) == []
    (bag / "bagit.txt").write_bytes(b"")
    assert [one.kind for one in verify_declaration(bag)] == [ProblemKind.CHANGED]


def write_all(bag, *algorithms):
    """Write the manifests of these algorithms anew."""
    tags = [
        path for path in bag.rglob("*.*") if path.is_file() and "manifest" not in path.name and "data" not in path.parts
    ]
    for name in ("manifest", "tagmanifest"):
        for algorithm in algorithms:
            paths = payload(bag) if name == "manifest" else [*tags, *bag.glob("manifest-*"), *bag.glob("history/*")]
            listed = {path: hashlib.new(algorithm, path.read_bytes()).hexdigest() for path in paths}
            (bag / f"{name}-{algorithm}.txt").write_bytes(manifest(bag, listed))


def test_every_manifest_counts(bag):
    write_all(bag, "md5", "sha256", "sha512")
    assert found(bag) == []
    text = (bag / "manifest-md5.txt").read_text()
    (bag / "manifest-md5.txt").write_text(text.replace(text[:4], "0000"))
    write_tags_only(bag)
    assert found(bag) == [("data/a.tif", ProblemKind.CHANGED)]


def write_tags_only(bag):
    for algorithm in ("md5", "sha256", "sha512"):
        paths = [bag / "bag-info.txt", *bag.glob("manifest-*")]
        listed = {path: hashlib.new(algorithm, path.read_bytes()).hexdigest() for path in paths}
        (bag / f"tagmanifest-{algorithm}.txt").write_bytes(manifest(bag, listed))


def test_what_an_earlier_generation_named_has_to_stay_as_it_was(bag):
    (bag / "history").mkdir()
    for name in (MANIFEST, TAG_MANIFEST):
        (bag / "history" / name.replace(".txt", ".1.txt")).write_bytes((bag / name).read_bytes())
    write_all(bag, "sha512")
    assert found(bag) == []
    (bag / "data/a.tif").write_bytes(b"another picture")
    (bag / "data/b/2.tif").unlink()
    (bag / "data/b").rmdir()
    write_all(bag, "sha512")
    assert found(bag) == [("data/a.tif", ProblemKind.CHANGED), ("data/b/2.tif", ProblemKind.MISSING)]
    (bag / "history" / TAG_MANIFEST.replace(".txt", ".1.txt")).rename(bag / "history/tagmanifest-sha512.2.txt")
    write_all(bag, "sha512")
    assert ("history", ProblemKind.MISSING) in found(bag)


def test_a_temporary_file_of_a_killed_writer_is_no_damage(bag):
    (bag / ".filmscand-1.part").write_bytes(b"half")
    assert [problem.is_damage for problem in verify_bag(bag)] == [False]


def test_files_beside_the_payload_can_be_checked_alone(bag):
    (bag / "data/a.tif").write_bytes(b"rot")
    (bag / "new.txt").write_bytes(b"new")
    assert list(changed_tags(bag)) == []
    (bag / "bag-info.txt").write_bytes(b"rot")
    assert [problem.path.name for problem in changed_tags(bag)] == ["bag-info.txt"]
