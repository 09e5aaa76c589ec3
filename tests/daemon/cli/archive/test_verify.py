"""`filmscand verify`: what it prints, and its exit status."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.database.keeping.audits import frozen_rolls
from support.film_scans import rgbi
from support.kept_station import OPEN, RAW, SEALED, copied, flip, make_station, open_station, remove

pytestmark = pytest.mark.usefixtures("station")


def archived(station, tmp_path, scanned):
    archive, frame = Archive(station / "archive"), FrameId("c", "b", "r", 1)
    original = archive.copy_original(frame, rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    clean_into_archive(archive, frame, CleanRequest(originals=(original,)))
    return archive.frame_folder(frame).path


def test_verify_passes_over_a_sound_archive_and_finds_damage(command, station, tmp_path, scanned):
    folder = archived(station, tmp_path, scanned)
    assert command("verify")[0] == 0
    (folder / "r_0001_r01_clean.tif").write_bytes(b"rot")
    status, text, _ = command("verify", "c/b/r", "--json")
    assert status == 5
    report = json.loads(text)
    assert report["damaged"]
    assert report["problems"][0]["kind"] == "changed"
    assert command("verify", "c/b/none")[0] == 1


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return make_station(tmp_path_factory.mktemp("kept") / "station")


@pytest.fixture
def live(kept, tmp_path):
    return copied(kept, tmp_path / "kept")


@pytest.fixture
def copy(live, tmp_path):
    return shutil.copytree(live.archive.root, tmp_path / "copy")


def frozen(live):
    with open_station(live) as connection:
        return [roll.name for roll in frozen_rolls(connection)]


RAW_OPEN = f"{OPEN}/{RAW.format('k')}"
RAW_SEALED = f"{SEALED}/{RAW.format('s')}"


def test_verify_freezes_a_damaged_roll_until_it_is_sound(command, live):
    config = ("--config", live.config)
    flip(live.archive.root / RAW_SEALED)
    assert command("verify", SEALED, *config)[0] == 5
    assert frozen(live) == [SEALED]
    assert command("status", *config)[0] == 1
    status, _, errors = command("reclean", SEALED, *config)
    assert (status, "the roll is frozen" in " ".join(errors.split())) == (5, True)
    flip(live.archive.root / RAW_SEALED)
    assert command("verify", SEALED, *config)[0] == 0
    assert frozen(live) == []
    status, text, _ = command("status", *config)
    assert (status, "last audit" in text, "no damage" in text) == (0, True, True)


def test_a_comparison_says_which_side_is_right(command, live, copy):
    arguments = ("verify", "--against", copy, "--config", live.config)
    status, text, _ = command(*arguments)
    assert (status, text.splitlines()[-1].split(",")[1]) == (0, " 0 differ: 0 damaged in the archive")
    flip(live.archive.root / RAW_OPEN)
    flip(copy / RAW_SEALED)
    status, text, _ = command(*arguments)
    assert status == 5
    assert f"{RAW_OPEN}: archive changed, copy as recorded: the copy is right" in text
    assert f"{RAW_SEALED}: archive as recorded, copy changed: the archive is right" in text
    assert frozen(live) == [OPEN]
    status, _, errors = command("seal", OPEN, "--config", live.config)
    assert (status, "the roll is frozen: a file is not as recorded" in " ".join(errors.split())) == (5, True)
    told = json.loads(command(*arguments, "--json")[1])
    assert (told["damaged"], told["copy_damaged"], len(told["differences"])) == (True, True, 2)


def test_repair_brings_back_what_is_damaged_and_verifies_it(command, live, copy):
    flip(live.archive.root / RAW_OPEN)
    remove(live.archive.root / RAW_SEALED)
    arguments = ("verify", "--against", copy, "--repair", "--config", live.config)
    assert command(*arguments, "--json")[0] == 2
    status, text, _ = command(*arguments, "--yes")
    assert status == 0
    text = " ".join(text.split())
    assert f"{RAW_OPEN}: brought back from {copy / RAW_OPEN}; the file that lay there is now .filmscand/damaged" in text
    assert "2 files put right, 0 problems" in text
    assert frozen(live) == []
    assert command("verify", "--config", live.config)[0] == 0
    told = json.loads(command(*arguments, "--yes", "--json")[1])
    assert (told["damaged"], told["repaired"]) == (False, [])


def test_repair_asks_first(command, live, copy, monkeypatch):
    flip(live.archive.root / RAW_OPEN)
    arguments = ("verify", "--against", copy, "--repair", "--config", live.config)
    for answer, expected in (("n\n", 5), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        status, _, errors = command(*arguments)
        assert (status, "Bring this file back from the copy?" in errors) == (expected, True)


def test_damage_that_the_copy_has_too_remains(command, live, copy):
    for top in (live.archive.root, copy):
        flip(top / RAW_OPEN)
    flip(live.archive.root / RAW_SEALED)
    status, text, _ = command("verify", "--against", copy, "--repair", "--yes", "--config", live.config)
    assert status == 5
    assert f"{RAW_OPEN}: archive changed, copy changed: neither side is right" in text
    assert frozen(live) == [OPEN]


@pytest.mark.parametrize("arguments", [("--repair",), ("--against", "/copy", "--yes")])
def test_options_that_mean_nothing_alone_are_refused(command, arguments):
    assert command("verify", *arguments)[0] == 2


def test_a_result_that_cannot_be_noted_is_told(command, live, monkeypatch):
    flip(live.archive.root / RAW_OPEN)

    def refuse(*_):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("filmscand.daemon.fixity.findings.note_verification", refuse)
    status, _, errors = command("verify", SEALED, "--config", live.config)
    assert (status, errors) == (0, "")
    status, _, errors = command("verify", OPEN, "--config", live.config)
    assert status == 5
    assert "the result is not noted" in errors
