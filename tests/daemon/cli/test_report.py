"""What is printed about configurations, checks and verifications."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.verify_rolls import Verification
from filmscand.daemon.cli.report import show_checks, show_verification
from filmscand.daemon.maintenance.checks import Check, Verdict

pytestmark = pytest.mark.usefixtures("station")


def test_config_check_tells_each_mistake_and_fails(command, tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text("wacth: []\ncleaning: {sensitivity: 3}\n")
    status, text, _ = command("config", "check", file)
    assert status == 1
    assert f"{file}:1: wacth: unknown key" in text
    status, text, _ = command("config", "check", file, "--json")
    assert [(problem["line"], problem["key"]) for problem in json.loads(text)["problems"]] == [
        (1, "wacth"),
        (2, "cleaning.sensitivity"),
    ]


def test_config_check_of_a_right_file_says_what_it_comes_to(command, tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text("root: /srv/film\n")
    status, text, _ = command("config", "check", file, "--json")
    assert status == 0
    assert json.loads(text)["station"]["archive"] == "/srv/film/archive"
    assert command("config", "check")[0] == 0


def test_a_configuration_for_a_person_is_called_correct_with_its_folder(command, tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text("root: /srv/film\n")
    status, text, _ = command("config", "check", file)
    assert (status, text) == (0, f"{file}: correct; the folder of the station is /srv/film\n")


def test_a_model_that_cannot_be_used_is_a_mistake_of_the_configuration(command, tmp_path):
    file, model = tmp_path / "station.yaml", tmp_path / "own.onnx"
    model.write_bytes(b"no model")
    file.write_text(f"cleaning: {{detector_model: {model}}}\n")
    status, text, _ = command("config", "check", file)
    assert status == 1
    assert " ".join(text.split()).startswith(f"{file}:1: cleaning.detector_model: {model}: expected")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_verification_names_each_problem_and_counts_the_frames(capsys, as_json):
    problem = Problem(Path("/archive/a.tif"), ProblemKind.MISSING, "expected 7 bytes, found no file")
    show_verification(Verification(2, ("c/b/r_0003",), (problem,)), as_json=as_json)
    out = capsys.readouterr().out
    if as_json:
        answer = json.loads(out)
        assert (answer["damaged"], answer["verified"], answer["incomplete"]) == (True, 2, ["c/b/r_0003"])
        assert answer["problems"] == [{"path": "/archive/a.tif", "kind": "missing", "message": problem.message}]
    else:
        assert out.splitlines() == [
            "/archive/a.tif: expected 7 bytes, found no file",
            "2 frames verified, 1 problems, 1 incomplete",
        ]


@pytest.mark.parametrize("as_json", [False, True])
def test_checks_are_shown_with_verdict_and_advice(capsys, monkeypatch, as_json):
    monkeypatch.setenv("COLUMNS", "200")
    show_checks([Check("memory", Verdict.WARNING, "9 MiB [of] 8", "buy some")], as_json=as_json)
    out = capsys.readouterr().out
    if as_json:
        plain = {"name": "memory", "verdict": "warning", "found": "9 MiB [of] 8", "advice": "buy some"}
        assert json.loads(out) == {"checks": [plain]}
    else:
        assert out.splitlines()[1].split() == ["warning", "memory", "9", "MiB", "[of]", "8", "buy", "some"]
