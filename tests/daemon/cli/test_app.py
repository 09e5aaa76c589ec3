from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from filmscand.daemon.archive.sidecar import Role
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import CleanRequest, clean_into_archive
from filmscand.daemon.cli import main
from filmscand.daemon.core.frame_id import FrameId
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir import VERSION, CleanOptions, clean_frame
from support.onnx_models import save_detector


@pytest.fixture(scope="module")
def scanned():
    return simulate_frame(landscape(160, 240, 1), KINDS["leaky_slide"], seed=3)


@pytest.fixture(autouse=True)
def station(tmp_path, monkeypatch):
    for variable in ("STATE_DIRECTORY", "CONFIGURATION_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FILMSCAND_STATION", str(tmp_path / "station"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "station"


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["filmscand", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run


def rgbi(file, scanned):
    plane = np.dstack([scanned.rgb, scanned.infrared])
    tifffile.imwrite(
        file, plane, photometric="rgb", extrasamples=[0], metadata=None, software="VueScan 9 x64 (9.8.26.08)"
    )
    return file


def pair(folder, scanned, name="pair"):
    picture, infrared = folder / f"{name}.tif", folder / f"{name}_ir.tif"
    tifffile.imwrite(picture, scanned.rgb, photometric="rgb", metadata=None)
    tifffile.imwrite(infrared, scanned.infrared, photometric="minisblack", metadata=None)
    return picture, infrared


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_cleaning_writes_picture_mask_and_report(command, tmp_path, scanned):
    out = tmp_path / "out"
    status, text, _ = command("clean", rgbi(tmp_path / "a.tif", scanned), "--output", out)
    assert status == 0
    assert names(out) == ["a.json", "a_clean.tif", "a_mask.png"]
    cleaned = clean_frame(scanned.rgb, scanned.infrared, CleanOptions())
    assert (tifffile.imread(out / "a_clean.tif") == cleaned.rgb).all()
    with Image.open(out / "a_mask.png") as mask:
        assert (np.asarray(mask) == np.where(cleaned.defect_mask, 255, 0)).all()
    assert "a.tif" in text


def test_the_report_of_a_file_is_the_answer_in_json(command, tmp_path, scanned):
    source = rgbi(tmp_path / "a.tif", scanned)
    status, text, _ = command("clean", source, "--output", tmp_path / "out", "--sensitivity", "0.8", "--json")
    (frame,) = json.loads(text)["frames"]
    assert status == 0
    assert (frame["picture"], frame["error"]) == (str(source), None)
    assert frame["report"] == json.loads((tmp_path / "out" / "a.json").read_text())
    models = {"detector": "auto", "detector_model": None, "inpainting_model": None}
    assert frame["report"]["options"] == {"sensitivity": 0.8, **models}
    assert frame["report"]["engine_version"] == VERSION
    assert frame["report"]["seconds"].keys() == {"read", "clean", "write"}
    assert frame["report"]["files"].keys() == {"a_clean.tif", "a_mask.png"}


@pytest.mark.parametrize("named", ["picture", "infrared", "both", "twice"])
def test_a_pair_is_one_frame_however_it_is_named(command, tmp_path, scanned, named):
    picture, infrared = pair(tmp_path, scanned)
    files = {"picture": [picture], "infrared": [infrared], "both": [infrared, picture], "twice": [picture, picture]}
    status, text, _ = command("clean", *files[named], "--output", tmp_path / "out", "--json")
    (frame,) = json.loads(text)["frames"]
    assert status == 0
    assert frame["report"]["infrared"] == str(infrared)
    assert names(tmp_path / "out") == ["pair.json", "pair_clean.tif", "pair_mask.png"]


def test_one_bad_file_does_not_stop_the_rest(command, tmp_path, scanned):
    (tmp_path / "bad.tif").write_bytes(b"II*\x00 no scan")
    good = rgbi(tmp_path / "good.tif", scanned)
    status, _, errors = command(
        "clean", tmp_path / "bad.tif", tmp_path / "gone.tif", good, "--output", tmp_path / "out"
    )
    assert status == 3
    assert "bad.tif" in errors
    assert "gone.tif" in errors
    assert names(tmp_path / "out") == ["good.json", "good_clean.tif", "good_mask.png"]


def test_nothing_but_bad_files_is_a_failure(command, tmp_path):
    status, text, _ = command("clean", tmp_path / "gone.tif", "--output", tmp_path / "out", "--json")
    assert status == 1
    assert json.loads(text)["frames"][0]["error"]
    assert not (tmp_path / "out").exists()


def test_an_input_is_never_replaced_by_a_result(command, tmp_path, scanned):
    source = rgbi(tmp_path / "a_clean.tif", scanned)
    before = source.read_bytes()
    status, _, _ = command("clean", source, "--output", tmp_path)
    assert status == 0
    plain = rgbi(tmp_path / "a.tif", scanned)
    source_is_result = command("clean", source, plain, "--output", tmp_path)
    assert source.read_bytes() == before
    assert source_is_result[0] == 3
    assert "a_clean.tif" in source_is_result[2]


def test_two_files_of_one_name_do_not_replace_each_others_results(command, tmp_path, scanned):
    (tmp_path / "x").mkdir()
    first, second = rgbi(tmp_path / "a.tif", scanned), rgbi(tmp_path / "x" / "a.tif", scanned)
    status, _, errors = command("clean", first, second, "--output", tmp_path / "out")
    assert status == 3
    assert f"{second}: expected another name than {first}" in errors


def test_two_infrared_files_for_one_picture_fail_that_frame_alone(command, tmp_path, scanned):
    picture, infrared = pair(tmp_path, scanned)
    (tmp_path / "pair-ir.tif").write_bytes(infrared.read_bytes())
    good = rgbi(tmp_path / "good.tif", scanned)
    status, _, errors = command("clean", infrared, good, "--output", tmp_path / "out")
    assert status == 3
    assert str(picture.name) in errors


@pytest.mark.parametrize(
    "arguments",
    [["clean"], ["clean", "a.tif"], ["clean", "a.tif", "--output", "o", "--sensitivity", "2"], ["nonsense"]],
)
def test_wrong_usage_is_told_as_such(command, arguments):
    assert command(*arguments)[0] == 2


def test_progress_is_for_terminals_only(tmp_path, scanned):
    source = rgbi(tmp_path / "a.tif", scanned)
    line = [
        sys.executable,
        "-m",
        "filmscand.daemon.cli",
        "clean",
        str(source),
        "--output",
        str(tmp_path / "out"),
        "--json",
    ]
    piped = subprocess.run(line, capture_output=True, check=True)
    assert piped.stderr == b""
    terminal, other_end = pty.openpty()
    shown = subprocess.run(line, stdout=subprocess.PIPE, stderr=other_end, check=True)
    os.close(other_end)
    assert os.read(terminal, 100_000) != b""
    os.close(terminal)
    assert json.loads(shown.stdout)["frames"]


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


def test_a_wrong_configuration_stops_every_command_with_the_line(command, tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text("a: 1\n")
    for name in ("run", "status", "doctor", "verify"):
        status, _, errors = command(name, "--config", file)
        assert status == 1
        assert f"{file}:1: a: unknown key" in errors


def archived(station, tmp_path, scanned):
    archive, frame = Archive(station / "archive"), FrameId("c", "b", "r", 1)
    original = archive.copy_original(frame, rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    clean_into_archive(archive, frame, CleanRequest(originals=(original,)))
    return archive.folder(frame)


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


def test_status_of_a_station_that_never_ran(command):
    status, text, _ = command("status")
    assert status == 0
    assert "not running" in text
    assert json.loads(command("status", "--json")[1])["service"]["running"] is False


def test_a_picture_without_infrared_is_cleaned_by_its_colours_by_the_model_that_is_named(command, tmp_path, scanned):
    tifffile.imwrite(tmp_path / "a.tif", scanned.rgb, photometric="rgb")
    own = save_detector(tmp_path / "own.onnx")
    for options, method in ((("--detector-model", own), "detector"), (("--detector", "off"), "none")):
        status, text, _ = command("clean", tmp_path / "a.tif", "--output", tmp_path / "out", "--json", *options)
        report = json.loads(text)["frames"][0]["report"]
        assert status == 0
        assert report["report"]["method"] == method
        assert report["warnings"][0] == "no_infrared"
    assert (
        command("clean", tmp_path / "a.tif", "--output", tmp_path / "out", "--detector-model", tmp_path / "no")[0] == 2
    )
