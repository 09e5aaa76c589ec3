"""`filmscand export`: its arguments, what it prints, and an archive without a database."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.archive.tree import Archive
from support.given_frames import frame_id, put_frame


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument"),
        (["a/b/c"], "Missing option '--to'"),
        (["a/b/c/d", "--to", "x"], "expected COLLECTION"),
        (["a/b/c", "--to", "x", "--jpeg", "--zip"], "choose one of --jpeg, --zip"),
    ],
)
def test_wrong_usage_says_what_was_expected(command, station, arguments, message):
    status, _, errors = command("export", *arguments)
    assert status == 2
    assert message in errors


def test_an_archive_without_a_database_is_exported(command, station, tmp_path):
    archive = Archive(station / "archive")
    put_frame(archive, tmp_path / "scans", frame_id(1))
    status, out, _ = command("export", "museum/box-1/roll-7", "--to", tmp_path / "given", "--json")
    answer = json.loads(out)
    assert (status, answer["format"], answer["kept"], answer["failed"]) == (0, "jpeg", 0, [])
    assert [one["frame"] for one in answer["given"]] == ["museum/box-1/roll-7_0001"]
    assert (tmp_path / "given" / answer["given"][0]["file"]).read_bytes().startswith(b"\xff\xd8")


def test_a_frame_that_fails_is_named_and_the_status_is_3(command, station, tmp_path):
    archive = Archive(station / "archive")
    put_frame(archive, tmp_path / "scans", frame_id(1))
    put_frame(archive, tmp_path / "scans", frame_id(2), infrared=False)
    status, out, errors = command("export", "museum", "--to", tmp_path / "given", "--rgbi")
    assert (status, "1 written" in out, "1 could not be exported" in out) == (3, True, True)
    assert "roll-7_0002" in errors


def test_a_name_that_the_archive_does_not_have_is_an_error(command, station, tmp_path):
    put_frame(Archive(station / "archive"), tmp_path / "scans", frame_id(1))
    status, _, errors = command("export", "museum/box-2", "--to", tmp_path / "given")
    assert (status, "no frame of museum/box-2" in errors) == (1, True)
    assert not (tmp_path / "given").exists()
