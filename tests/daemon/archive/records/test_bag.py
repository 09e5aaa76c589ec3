"""Bags: their manifests, and what a verification finds."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.files.problem import ProblemKind
from filmscand.daemon.archive.records.bag import (
    DECLARED,
    MANIFEST,
    TAG_MANIFEST,
    bag_info,
    is_marked_sealed,
    manifest,
    parts_of,
    payload,
    require_open,
    verify_bag,
    verify_declaration,
    verify_part,
    verify_tags,
)
from filmscand.daemon.core.errors import RollSealedError


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


def test_the_payload_comes_in_the_order_of_its_paths(bag):
    assert [str(path.relative_to(bag)) for path in payload(bag)] == ["data/a.tif", "data/b/2.tif"]


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


def test_a_value_of_several_lines_becomes_one_line():
    assert bag_info({"Source-Organization": "City\n  Archive", "Count": "2"}) == (
        b"Source-Organization: City Archive\nCount: 2\n"
    )


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


HARMS = {
    "changed": lambda bag: (bag / "data/b/2.tif").write_bytes(b"rot"),
    "gone": lambda bag: shutil.rmtree(bag / "data/b"),
    "a file added": lambda bag: (bag / "data/b/new").write_bytes(b"new"),
    "a folder added": lambda bag: (bag / "data/b/empty").mkdir(),
    "a part added": lambda bag: (bag / "data/new").write_bytes(b"new"),
    "a link": lambda bag: ((bag / "data/b").rename(bag / "data/c"), (bag / "data/b").symlink_to("c")),
    "a tag changed": lambda bag: (bag / "bag-info.txt").write_bytes(b"rot"),
    "a folder beside": lambda bag: (bag / "more").mkdir(),
    "no manifest": lambda bag: (bag / MANIFEST).unlink(),
    "nothing": lambda bag: None,
}


@pytest.mark.parametrize("harm", HARMS)
def test_the_parts_of_a_bag_have_the_problems_of_the_whole_bag(bag, harm):
    HARMS[harm](bag)
    parts = {problem for name in parts_of(bag) for problem in verify_part(bag, name)} | set(verify_tags(bag))
    assert parts == set(verify_bag(bag))


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


def test_a_roll_is_open_until_it_is_marked_or_remembered_as_sealed(tmp_path):
    root, roll = ArchiveRoot(tmp_path, None), Path("c/b/r")
    (tmp_path / roll).mkdir(parents=True)
    require_open(root, roll, None)
    require_open(root, roll, lambda asked: asked != roll)
    with pytest.raises(RollSealedError, match=r"c/b/r/bagit.txt: this file is gone"):
        require_open(root, roll, lambda asked: asked == roll)
    (tmp_path / roll / "bagit.txt").write_bytes(DECLARED)
    assert is_marked_sealed(root, roll)
    with pytest.raises(RollSealedError, match="is sealed and takes nothing more"):
        require_open(root, roll, None)
