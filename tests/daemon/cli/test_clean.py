"""`filmscand clean`: which files it cleans, what it writes, and what it says about files that fail."""

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

from filmscand.ir import CleanOptions, clean_frame, engine_identity
from support.film_scans import pair, rgbi
from support.onnx_models import save_detector

pytestmark = pytest.mark.usefixtures("station")


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
    assert frame["report"]["engine_version"] == engine_identity().version
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


def test_a_folder_stands_for_the_film_files_in_it_but_not_for_earlier_results(command, tmp_path, scanned):
    scans = tmp_path / "scans"
    scans.mkdir()
    pair(scans, scanned)
    rgbi(scans / "B.TIF", scanned)
    (scans / "notes.txt").write_text("no film")
    (scans / "._B.TIF").write_bytes(b"what macOS leaves")
    for _ in range(2):
        status, text, _ = command("clean", scans, "-o", scans, "--json")
        assert status == 0
        assert [frame["picture"] for frame in json.loads(text)["frames"]] == [
            str(scans / "B.TIF"),
            str(scans / "pair.tif"),
        ]


def test_a_folder_without_film_files_and_a_file_that_is_missing_are_told_without_an_error_number(command, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, errors = command("clean", tmp_path / "empty", "-o", tmp_path / "out")
    assert status == 1
    assert f"{tmp_path / 'empty'}: expected film files (" in errors
    status, _, errors = command("clean", tmp_path / "none", "-o", tmp_path / "out")
    assert status == 1
    assert f"{tmp_path / 'none'}: expected a film file or a folder of them, found nothing" in errors
    assert "Errno" not in errors
    assert "None" not in errors


def test_a_folder_without_film_files_does_not_stop_the_rest(command, tmp_path, scanned):
    picture, empty = rgbi(tmp_path / "scan.tif", scanned), tmp_path / "folder.tif"
    empty.mkdir()
    status, text, _ = command("clean", empty, picture, "--output", tmp_path / "out", "--json")
    assert status == 3
    failed, cleaned = json.loads(text)["frames"]
    assert f"{empty}: expected film files" in failed["error"]
    assert cleaned["error"] is None
    assert (tmp_path / "out" / "scan_clean.tif").exists()


def test_names_with_escape_sequences_are_shown_and_not_obeyed(command, tmp_path, scanned):
    bad = tmp_path / "x\x1b]0;owned\x07\x1b[2J.tif"
    bad.write_text("no tiff at all\n")
    good = rgbi(tmp_path / "y\u202egnp.tif", scanned)
    status, text, errors = command("clean", bad, good, "-o", tmp_path / "out")
    assert status == 3
    assert r"x\x1b]0;owned\x07\x1b[2J.tif" in errors
    assert r"y\u202egnp.tif" in text
    assert not {"\x1b", "\x07", "\u202e"} & {*text, *errors}
    frames = json.loads(command("clean", bad, "-o", tmp_path / "out", "--json")[1])["frames"]
    assert frames[0]["picture"] == str(bad)


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


def test_a_picture_in_colours_is_cleaned_by_itself_though_it_is_named_like_an_infrared(command, tmp_path, scanned):
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("pier.tif", "pier_ir.tif"):
        tifffile.imwrite(folder / name, scanned.rgb, photometric="rgb", metadata=None)
    status, text, _ = command("clean", folder, "--output", tmp_path / "out", "--json")
    frames = json.loads(text)["frames"]
    assert status == 0
    assert [frame["picture"] for frame in frames] == [str(folder / "pier.tif"), str(folder / "pier_ir.tif")]
    assert [frame["report"]["infrared"] for frame in frames] == [None, None]


@pytest.mark.parametrize("named", ["config", "station"])
def test_a_frame_may_take_as_much_memory_as_on_the_station_that_is_named(command, tmp_path, station, named):
    large = tmp_path / "large.tif"
    tifffile.imwrite(large, np.zeros((5000, 5000, 3), np.uint16), photometric="rgb", compression="zlib")
    config = (station if named == "station" else tmp_path) / "station.yaml"
    config.parent.mkdir(exist_ok=True)
    config.write_text("workers:\n  memory_limit_mib: 256\n")
    words = ["--config", config] if named == "config" else []
    status, text, _ = command("clean", large, "--output", tmp_path / "out", "--json", *words)
    assert status == 1
    assert "the limit is 256 MiB" in json.loads(text)["frames"][0]["error"]
