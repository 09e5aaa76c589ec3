"""The manifest tells what was written here: done files are found again, and files of others are left alone."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.core.errors import FrameExistsError
from filmscand.daemon.export.given import NAME, ExportFolderError, Given, GivenAway, holding, note


def given(file="r/a.jpg", content=b"picture", made_from="recipe"):
    return Given(file, "c/b/r_0001", 1, "clean", hashlib.sha256(content).hexdigest(), len(content), made_from)


def write(folder, content=b"picture"):
    (folder / "r").mkdir(exist_ok=True)
    (folder / "r" / "a.jpg").write_bytes(content)


def test_a_file_that_was_noted_and_is_there_is_done(tmp_path):
    note(tmp_path, given())
    write(tmp_path)
    assert GivenAway(tmp_path).holds("r/a.jpg", "recipe")


def test_a_noted_file_that_is_not_there_is_made(tmp_path):
    note(tmp_path, given())
    assert not GivenAway(tmp_path).holds("r/a.jpg", "recipe")


def test_the_name_that_a_killed_export_took_on_a_disk_without_links_is_filled(tmp_path):
    write(tmp_path, b"")
    with pytest.raises(FrameExistsError):
        GivenAway(tmp_path).holds("r/a.jpg", "recipe")
    note(tmp_path, given())
    assert not GivenAway(tmp_path).holds("r/a.jpg", "recipe")


def test_a_file_of_an_earlier_revision_is_made_again(tmp_path):
    note(tmp_path, given())
    note(tmp_path, given(content=b"later", made_from="other"))
    write(tmp_path)
    away = GivenAway(tmp_path)
    assert not away.holds("r/a.jpg", "other")
    write(tmp_path, b"later")
    assert away.holds("r/a.jpg", "other")


def test_a_file_that_nobody_noted_is_somebody_elses(tmp_path):
    write(tmp_path)
    with pytest.raises(FrameExistsError, match="was not written by filmscand"):
        GivenAway(tmp_path).holds("r/a.jpg", "recipe")


def test_a_file_that_was_changed_since_is_left_alone(tmp_path):
    note(tmp_path, given())
    write(tmp_path, b"edited")
    with pytest.raises(FrameExistsError, match="was changed by another program"):
        GivenAway(tmp_path).holds("r/a.jpg", "recipe")


@pytest.mark.parametrize("cut", range(1, 80, 6))
def test_a_line_that_a_power_cut_tore_counts_as_none_and_spoils_no_other(tmp_path, cut):
    note(tmp_path, given())
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole.splitlines()[1][:cut])
    note(tmp_path, given("r/b.jpg"))
    write(tmp_path)
    (tmp_path / "r" / "b.jpg").write_bytes(b"picture")
    away = GivenAway(tmp_path)
    assert away.holds("r/a.jpg", "recipe")
    assert away.holds("r/b.jpg", "recipe")


def test_at_the_end_there_is_one_line_for_each_file(tmp_path):
    note(tmp_path, given("r/gone.jpg"))
    note(tmp_path, given(content=b"first"))
    note(tmp_path, given())
    write(tmp_path)
    GivenAway(tmp_path).settle()
    lines = (tmp_path / NAME).read_text().splitlines()
    assert lines == [
        "file,frame,revision,picture,sha256,size_bytes,made_from",
        f"r/a.jpg,c/b/r_0001,1,clean,{given().sha256},7,recipe",
    ]


def test_a_manifest_of_another_program_is_not_touched(tmp_path):
    (tmp_path / NAME).write_text("name,size\n")
    with pytest.raises(ExportFolderError, match="expected the manifest of an export"):
        GivenAway(tmp_path)


def test_two_exports_do_not_write_into_one_folder(tmp_path):
    with holding(tmp_path / "new"), pytest.raises(ExportFolderError, match="another export"), holding(tmp_path / "new"):
        pass
    with holding(tmp_path / "new"):
        pass
