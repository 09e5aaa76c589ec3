"""The command `filmscand setup`: its questions at a terminal, and its answers to a program."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from filmscand.daemon.maintenance.identity import connect_station, marker_of
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.station.marker import MARKER
from filmscand.daemon.web.doors.passwords import is_password
from support.pseudo_terminal import terminal

PROGRAM = (sys.executable, "-m", "filmscand.daemon.cli", "setup")
ARCHIVE, WATCH, LAB = r"archive lie\?", r"watched for scans\?", r"of the lab open the page\?"
AGREE = r"Do this\?"


@pytest.fixture
def at_terminal(station):
    """The command at a terminal, with arguments."""

    def run(*arguments):
        return terminal(*PROGRAM, *arguments, environment={"FILMSCAND_STATION": str(station)})

    return run


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_new_station_is_asked_for_told_and_made_after_one_yes(at_terminal, station, tmp_path):
    with at_terminal() as at:
        at.answer(ARCHIVE, str(tmp_path / "film"))
        at.answer(WATCH, "")
        at.answer(LAB, "")
        at.wait_for(f"- make the folder {tmp_path / 'film'}")
        at.wait_for(f"- write {station / 'station.yaml'}")
        assert not station.exists()
        at.answer(AGREE, "y")
        at.wait_for("done: make a new archive")
        at.wait_for("scanner")
        at.wait_for("start the service: filmscand run --config")
        assert at.end() == 0
    made = load_station(station / "station.yaml")
    assert (made.root, made.archive, made.watch[0].path) == (station, tmp_path / "film", station / "drop")
    assert marker_of(made.archive) is not None


@pytest.mark.parametrize("answers", [(), (ARCHIVE, WATCH, LAB)], ids=["the first question", "the last one"])
def test_ctrl_c_at_a_question_leaves_everything_as_it_was(at_terminal, tmp_path, answers):
    with at_terminal() as at:
        for question in answers:
            at.answer(question, "")
        at.wait_for(AGREE if answers else ARCHIVE)
        at.press_until(b"\x03", "stopped")
        assert at.end() == 1
    assert files_below(tmp_path) == []


def test_a_folder_that_cannot_be_used_is_told_and_asked_for_again(at_terminal, tmp_path):
    (tmp_path / "other/holiday").mkdir(parents=True)
    with at_terminal("--watch", tmp_path / "scans") as at:
        at.answer(ARCHIVE, str(tmp_path / "other"))
        at.answer(LAB, "n")
        at.wait_for("expected an empty folder or an archive, found other folders")
        at.answer(ARCHIVE, str(tmp_path / "film"))
        at.wait_for(WATCH)
        at.wait_for(str(tmp_path / "scans"))
        at.press_until(b"\x03", "stopped")
    assert files_below(tmp_path) == ["other", "other/holiday"]


@pytest.fixture
def earlier(station, tmp_path):
    """An archive of a station that is gone."""
    made = load_station()
    connect_station(made).close()
    shutil.move(made.archive, tmp_path / "film")
    shutil.rmtree(station)
    return tmp_path / "film"


def test_an_archive_that_is_there_is_told_and_taken_over_only_after_a_yes(at_terminal, station, earlier, tmp_path):
    before = (earlier / MARKER).read_bytes()
    with at_terminal("--watch", tmp_path / "scans", "--archive", earlier) as at:
        at.answer(LAB, "n")
        at.wait_for(rf"{earlier}: an archive already, 0 frames, of the station\s+\S*{station}")
        at.answer(r"Take it over for this station\? That station then stops writing to it", "n")
        at.answer(ARCHIVE, str(earlier))
        at.answer(LAB, "n")
        at.wait_for("Take it over")
        assert (earlier / MARKER).read_bytes() == before
        at.press(b"y\n")
        at.answer(AGREE, "y")
        at.wait_for("done: take over the archive")
        assert at.end() == 0
    connect_station(load_station(station / "station.yaml")).close()


def test_a_page_for_the_lab_gets_an_operator_whose_password_is_kept_as_a_hash(at_terminal, station, tmp_path):
    with at_terminal("--archive", tmp_path / "film", "--watch", tmp_path / "scans") as at:
        at.answer(LAB, "y")
        at.answer("name do they reach", "station.lab.example.org")
        at.answer("Certificate for TLS", "")
        at.answer("Address of the proxy", "")
        at.answer("first operator", "ada")
        at.answer("Password:", "short")
        at.answer("Once more:", "short")
        at.wait_for("expected 8 characters or more")
        at.answer("Password:", "correct horse")
        at.answer("Once more:", "correct horse")
        at.answer(AGREE, "y")
        at.wait_for("open the page: https://station.lab.example.org/")
        assert at.end() == 0
        assert "correct horse" not in at.shown
    (user,) = load_station(station / "station.yaml").page.users
    assert user.name == "ada"
    assert is_password(user.password.get_secret_value(), "correct horse")


def test_nothing_is_asked_of_a_program_and_the_answer_is_json(command, station, tmp_path):
    status, out, errors = command("setup", "--archive", tmp_path / "film", "--yes", "--json")
    answer = json.loads(out)
    assert (status, errors) == (0, "")
    assert (answer["station"], answer["config"]) == (str(station), str(station / "station.yaml"))
    assert answer["archive"]["state"] == "new"
    assert f"make the folder {tmp_path / 'film'}" in answer["done"]
    assert {"kernels", "archive", "archive identity"} <= {check["name"] for check in answer["checks"]}
    again = json.loads(command("setup", "--yes", "--json")[1])
    assert (again["done"], again["archive"]["state"]) == ([], "ours")
    assert again["so_already"][0] == f"{station / 'station.yaml'}: says so already"


def test_an_existing_configuration_is_changed_only_if_that_is_said(command, station, tmp_path):
    command("setup", "--yes")
    before = (station / "station.yaml").read_text()
    status, _, errors = command("setup", "--watch", tmp_path / "scans", "--yes")
    assert status == 1
    assert f"{station / 'station.yaml'}: exists and says something else; add --force" in errors
    assert (station / "station.yaml").read_text() == before
    assert not (tmp_path / "scans").exists()
    status, out, _ = command("setup", "--watch", tmp_path / "scans", "--yes", "--force")
    assert status == 0
    assert "keep the present one as station.yaml.old" in out
    assert load_station(station / "station.yaml").watch[0].path == tmp_path / "scans"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there is no terminal to ask at: add --yes, and --archive DIR, --watch DIR or --config FILE"),
        (("--json",), "JSON has no place for: add --yes"),
        (("--force",), "--force is for --yes"),
    ],
)
def test_without_a_terminal_the_options_that_are_needed_are_told(command, station, arguments, told):
    status, _, errors = command("setup", *arguments)
    assert status == 2
    assert told in errors
    assert not station.exists()


def test_a_folder_that_cannot_be_used_is_an_error_that_changes_nothing(command, station, tmp_path):
    (tmp_path / "file").touch()
    status, _, errors = command("setup", "--archive", tmp_path / "file/film", "--yes")
    assert status == 1
    assert "cannot be created" in errors
    assert not station.exists()
