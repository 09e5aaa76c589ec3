"""Where source files go, and what happens to a name that is taken."""

import json
import os
import subprocess
from datetime import date

import pytest

from filmscand.daemon.ingest.put_away import (
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
