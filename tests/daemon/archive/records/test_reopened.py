"""What a roll takes: everything while it is open, nothing once it is sealed, revisions while it is reopened."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.records.bag import DECLARED
from filmscand.daemon.archive.records.reopened import (
    Reopening,
    generation_of,
    is_marked_sealed,
    is_reopened,
    past_tag_manifest,
    read_reopening,
    require_mark,
    require_open,
    require_revisable,
    tag_manifest_digests,
)
from filmscand.daemon.core.errors import IntegrityError, RollSealedError, SchemaTooNewError

ROLL = Path("c/b/r")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / ROLL).mkdir(parents=True)
    return tmp_path / ROLL


@pytest.fixture
def root(tmp_path):
    return ArchiveRoot(tmp_path, None)


def test_a_roll_is_open_until_it_is_marked_or_remembered_as_sealed(root, folder):
    roll = ROLL
    require_open(root, roll, None)
    require_open(root, roll, lambda asked: asked != roll)
    with pytest.raises(RollSealedError, match=r"c/b/r/bagit.txt: this file is gone"):
        require_open(root, roll, lambda asked: asked == roll)
    (folder / "bagit.txt").write_bytes(DECLARED)
    assert is_marked_sealed(root, roll)
    with pytest.raises(RollSealedError, match="is sealed and takes nothing more"):
        require_open(root, roll, None)


def test_a_reopened_roll_takes_revisions_and_no_new_frames(root, folder):
    require_revisable(root, ROLL, None)
    (folder / "bagit.txt").write_bytes(DECLARED)
    with pytest.raises(RollSealedError, match="takes nothing more"):
        require_revisable(root, ROLL, lambda asked: True)
    (folder / "reopened.json").write_text("{}")
    assert is_reopened(root, ROLL)
    require_revisable(root, ROLL, lambda asked: True)
    with pytest.raises(RollSealedError, match="takes nothing more"):
        require_open(root, ROLL, lambda asked: True)
    (folder / "bagit.txt").unlink()
    for require in (require_revisable, require_mark):
        with pytest.raises(RollSealedError, match="this file is gone"):
            require(root, ROLL, lambda asked: True)


def test_the_note_comes_back_as_it_was_written(folder):
    assert read_reopening(folder) is None
    noted = Reopening(generation=3, tag_manifests={"tagmanifest-sha512.txt": "0"}, events_bytes=7)
    (folder / "reopened.json").write_bytes(noted.to_json())
    assert read_reopening(folder) == noted
    (folder / "reopened.json").write_bytes(noted.model_copy(update={"schema_version": 2}).to_json())
    with pytest.raises(SchemaTooNewError):
        read_reopening(folder)
    (folder / "reopened.json").write_bytes(b"{")
    with pytest.raises(IntegrityError, match="expected the note of a reopened roll"):
        read_reopening(folder)


def test_the_last_tag_manifest_is_found_in_its_place_and_in_the_history(folder):
    name = "tagmanifest-sha512.txt"
    (folder / name).write_bytes(b"first")
    noted = Reopening(generation=1, tag_manifests=tag_manifest_digests(folder), events_bytes=0)
    assert (generation_of(folder), past_tag_manifest(folder, noted, name)) == (1, folder / name)
    (folder / "history").mkdir()
    (folder / "history/tagmanifest-sha512.1.txt").write_bytes(b"first")
    (folder / name).write_bytes(b"second")
    assert past_tag_manifest(folder, noted, name) == folder / "history/tagmanifest-sha512.1.txt"
    assert generation_of(folder) == 2
    (folder / "history/tagmanifest-sha512.1.txt").write_bytes(b"third")
    with pytest.raises(IntegrityError, match="expected the tag manifest of generation 1"):
        past_tag_manifest(folder, noted, name)
