"""The watched folders: files that wait, files that were rejected, folders that are gone."""

from __future__ import annotations

import json

from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.web.watched import folder_statuses


def reject(station, name, report, day="2026-11-28"):
    failed = station.watch[0].path / "_failed" / day
    failed.mkdir(parents=True, exist_ok=True)
    (failed / name).write_bytes(b"no film")
    (failed / f"{name}.error.json").write_text(report)


def test_files_that_are_not_frames_yet_are_told_with_state_reason_and_time(connection, station):
    station.watch[0].path.mkdir()
    candidates = Candidates(connection, str(station.watch[0].path), clock=lambda: 1000.0)
    candidates.see("new.tif", 10, 1)
    candidates.move(candidates.see("odd.tif", 10, 1), CandidateState.AMBIGUOUS, "two infrared files")
    Candidates(connection, "/elsewhere").see("other.tif", 10, 1)
    (folder,) = folder_statuses(station, connection)
    assert [(file.path, file.state, file.reason) for file in folder.files] == [
        ("new.tif", "seen", None),
        ("odd.tif", "ambiguous", "two infrared files"),
    ]
    assert folder.files[0].seconds > 1e9
    assert (folder.place, folder.problem) == ("unsorted/unsorted/{folder}", None)


def test_rejected_files_are_told_with_their_reason_newest_first(connection, station):
    reject(station, "a.tif", json.dumps({"message": "no film scan", "at": "2026-11-28T10:00:00Z"}))
    reject(station, "b.tif", json.dumps({"message": "cut off", "at": "2026-11-29T10:00:00Z"}), "2026-11-29")
    (folder,) = folder_statuses(station, connection)
    assert [(file.path, file.reason) for file in folder.rejected] == [
        ("_failed/2026-11-29/b.tif", "cut off"),
        ("_failed/2026-11-28/a.tif", "no film scan"),
    ]


def test_a_rejected_file_that_was_moved_back_is_no_longer_told(connection, station):
    reject(station, "a.tif", "{}")
    (station.watch[0].path / "_failed" / "2026-11-28" / "a.tif").unlink()
    assert folder_statuses(station, connection)[0].rejected == ()


def test_a_report_that_cannot_be_read_or_is_a_link_is_told_as_that(connection, station, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"message": "secret"}))
    reject(station, "a.tif", "{")
    reject(station, "b.tif", "{}")
    link = station.watch[0].path / "_failed" / "2026-11-28" / "b.tif.error.json"
    link.unlink()
    link.symlink_to(secret)
    reasons = [file.reason for file in folder_statuses(station, connection)[0].rejected]
    assert all(reason.startswith("the reason cannot be read") for reason in reasons)
    assert "secret" not in "".join(reasons).replace("secret.json", "")


def test_a_folder_that_is_gone_is_told(connection, station):
    assert folder_statuses(station, connection)[0].problem == "the folder is not there"


def test_without_a_database_the_folders_are_told_all_the_same(station):
    assert folder_statuses(station, None)[0].files == ()
