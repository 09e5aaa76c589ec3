"""Where source files go, and what happens to a name that is taken."""

import json
import os
import subprocess
import sys
from datetime import date

import pytest

from filmscand.daemon.core.errors import SourceChangedError
from filmscand.daemon.ingest.watching.put_away import (
    PutAwayError,
    delete,
    failed_reports,
    move_to_done,
    move_to_duplicates,
    move_to_failed,
)
from filmscand.drivers.files.reader import FilmFileError

DAY = date(2026, 11, 28)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "roll 7" / "a.tif"
    path.parent.mkdir()
    path.write_bytes(b"counts")
    return path


def test_an_archived_source_goes_to_the_folder_of_its_day_below_its_own_folder(source, tmp_path):
    target = move_to_done(tmp_path, "roll 7/a.tif", DAY)
    assert target == tmp_path / "_done/2026-11-28/roll 7/a.tif"
    assert target.read_bytes() == b"counts"
    assert not source.exists()


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_replaced(source, tmp_path):
    first = move_to_duplicates(tmp_path, "roll 7/a.tif")
    source.write_bytes(b"other")
    second = move_to_duplicates(tmp_path, "roll 7/a.tif")
    assert (first.name, second.name) == ("a.tif", "a-2.tif")
    assert (first.read_bytes(), second.read_bytes()) == (b"counts", b"other")


def test_a_file_that_is_not_a_film_scan_has_its_error_beside_it(source, tmp_path):
    error = FilmFileError(source, expected="a TIFF", found="6 bytes of text")
    target = move_to_failed(tmp_path, "roll 7/a.tif", DAY, error)
    report = tmp_path / "_failed/2026-11-28/roll 7/a.tif.error.json"
    assert list(failed_reports(tmp_path)) == [report]
    written = json.loads(report.read_text())
    assert written["file"] == "roll 7/a.tif"
    assert (written["error"], written["expected"], written["found"]) == ("FilmFileError", "a TIFF", "6 bytes of text")
    assert target.exists()


def test_a_source_that_is_gone_is_an_error_when_moved_and_fine_when_deleted(tmp_path):
    with pytest.raises(FileNotFoundError):
        move_to_done(tmp_path, "a.tif", DAY)
    delete(tmp_path, "a.tif")


@pytest.fixture
def read_only(source, tmp_path):
    """Make the watch folder a mount that cannot be written; only root can."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    bind = ["mount", "--bind", str(tmp_path), str(tmp_path)]
    if subprocess.run(bind, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_folder_that_is_read_only_keeps_its_files(read_only, source):
    for put_away in (lambda: move_to_done(read_only, "roll 7/a.tif", DAY), lambda: delete(read_only, "roll 7/a.tif")):
        with pytest.raises(PutAwayError, match=r"mounted read-only\. Mount it writable, or set source_policy: leave"):
            put_away()
    assert source.read_bytes() == b"counts"


def plant(link, target):
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


PLANTED = {
    "_failed": "_failed",
    "the day": "_failed/2026-11-28",
    "the roll": "_failed/2026-11-28/roll 7",
    "the file": "_failed/2026-11-28/roll 7/a.tif",
    "the report": "_failed/2026-11-28/roll 7/a.tif.error.json",
}


@pytest.mark.parametrize("place", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("dangling", [False, True], ids=["to a file", "to nothing"])
def test_a_planted_link_is_never_followed_and_the_file_stays(source, tmp_path, place, dangling):
    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "victim"
    victim.write_bytes(b"precious")
    is_file = place.endswith(("a.tif", ".json"))
    plant(tmp_path / place, outside / "nothing" if dangling else (victim if is_file else outside))
    with pytest.raises(PutAwayError, match=f"{place}: a link stands here.*Remove the link"):
        move_to_failed(tmp_path, "roll 7/a.tif", DAY, FilmFileError(source, expected="a TIFF", found="text"))
    assert source.read_bytes() == b"counts"
    assert [path.name for path in outside.iterdir()] == ["victim"]
    assert victim.read_bytes() == b"precious"


def test_a_source_whose_folder_became_a_link_is_neither_moved_nor_deleted(source, tmp_path):
    source.parent.rename(tmp_path / "elsewhere")
    (tmp_path / "roll 7").symlink_to("elsewhere")
    for put_away in (lambda: move_to_done(tmp_path, "roll 7/a.tif", DAY), lambda: delete(tmp_path, "roll 7/a.tif")):
        with pytest.raises(PutAwayError, match="a link stands here"):
            put_away()
    assert (tmp_path / "elsewhere/a.tif").read_bytes() == b"counts"


def test_a_source_that_became_a_link_is_not_moved(source, tmp_path):
    source.unlink()
    source.symlink_to("/etc/passwd")
    with pytest.raises(SourceChangedError):
        move_to_done(tmp_path, "roll 7/a.tif", DAY)
    assert source.is_symlink()


def test_new_folders_have_the_rights_of_the_watch_folder(source, tmp_path):
    tmp_path.chmod(0o2775)
    target = move_to_done(tmp_path, "roll 7/a.tif", DAY)
    for folder in (target.parent, target.parent.parent, tmp_path / "_done"):
        assert folder.stat().st_mode & 0o7777 == 0o2775


def test_the_longest_name_finds_room_for_its_report(tmp_path):
    name = "ü" * 125 + ".tif"
    (tmp_path / name).write_bytes(b"counts")
    target = move_to_failed(tmp_path, name, DAY, ValueError("no scan"))
    assert target.read_bytes() == b"counts"
    assert target.with_name(f"{target.name}.error.json").exists()


def test_a_member_of_no_group_is_told_which_folder_and_which_user(source, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    told = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    assert "Permission denied for user nobody" in told
    assert f"write in {source.parent}" in told
    assert "chmod g+s" in told
    assert "setfacl" in told
    assert source.exists()


AS_NOBODY = """
import os, sys
from datetime import date
from pathlib import Path
from filmscand.daemon.ingest.watching.put_away import PutAwayError, move_to_done
root = os.open(sys.argv[1], os.O_RDONLY)
for folder in (Path(sys.argv[1]), *Path(sys.argv[1]).parents):
    if folder.parent.name == "tmp" or len(folder.parts) > 2:
        os.chmod(folder, 0o755)
os.seteuid(65534)
try:
    move_to_done(Path(sys.argv[1]), "roll 7/a.tif", date(2026, 11, 28))
except PutAwayError as error:
    print(error)
"""
