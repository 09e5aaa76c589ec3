"""`filmscand evaluate`: the table, the JSON, and what it says about pairs that cannot be measured."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys

import pytest

from filmscand.daemon.cli import main
from filmscand.daemon.evaluation.metrics import psnr_db
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from support.picture_pairs import mask_of, write_mask, write_pair, write_png

LPIPS = importlib.util.find_spec("lpips") is not None


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(landscape(160, 240, 5), KINDS["leaky_slide"], seed=8)


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setenv("COLUMNS", "240")
        monkeypatch.setattr(sys, "argv", ["filmscand", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run


def test_the_command_prints_a_table_with_means(tmp_path, frame, command):
    write_pair(tmp_path, frame, "first")
    write_pair(tmp_path, frame, "second")
    status, out, err = command(tmp_path)
    assert (status, err) == (0, "")
    assert [word for word in ("first", "second", "mean", "PSNR dB", "EMD place") if word not in out] == []
    assert LPIPS or "not installed" in out


def test_a_pair_that_cannot_be_measured_is_told_and_the_others_go_on(tmp_path, frame, command):
    write_pair(tmp_path, frame, "good")
    write_pair(tmp_path, frame, "other-size")
    write_png(tmp_path / "other-size_restored.png", frame.clean_rgb[:-1])
    write_png(tmp_path / "alone.png", frame.rgb)
    write_png(tmp_path / "lost_restored.png", frame.rgb)
    status, out, _ = command(tmp_path, "--json")
    answer = json.loads(out)
    errors = {pair["name"]: pair["error"] for pair in answer["pairs"]}
    assert status == 3
    assert errors["good"] is None
    assert (
        "other-size_restored.png: expected 240 x 160 as other-size_damaged.png, found 240 x 159" in errors["other-size"]
    )
    assert "alone.png: expected alone_restored.* to go with it, found none" in errors["alone"]
    assert "lost_restored.png: expected lost_damaged.* or lost.* to go with it, found none" in errors["lost"]
    assert answer["mean"]["psnr_before_db"] == pytest.approx(psnr_db(frame.rgb, frame.clean_rgb))
    assert (answer["mean"]["lpips"] is None) == (not answer["lpips_installed"])


def test_where_no_pair_can_be_measured_the_command_fails(tmp_path, frame, command):
    write_png(tmp_path / "lost_restored.png", frame.rgb)
    status, out, err = command(tmp_path)
    assert (status, out) == (1, "")
    assert "lost_damaged.*" in err


def test_a_folder_without_pairs_fails_with_the_layouts_that_are_read(tmp_path, command):
    status, _, err = command(tmp_path)
    assert status == 1
    assert f"{tmp_path}: expected damaged/NAME.* with restored/NAME.*" in err


def test_a_mask_of_another_size_is_told(tmp_path, frame, command):
    write_pair(tmp_path, frame)
    write_mask(tmp_path / "a_mask.png", mask_of())
    status, _, err = command(tmp_path)
    assert status == 1
    assert "a_mask.png: expected 240 x 160 as a_damaged.png, found 30 x 20" in err


def test_a_cleaned_picture_that_is_missing_is_told(tmp_path, frame, command):
    write_pair(tmp_path / "pairs", frame)
    (tmp_path / "theirs").mkdir()
    status, _, err = command(tmp_path / "pairs", "--cleaned", tmp_path / "theirs")
    assert status == 1
    assert "expected one of a_clean, a_cleaned, a," in err
    shutil.copy(tmp_path / "pairs" / "a_restored.png", tmp_path / "theirs" / "a_clean.png")
    assert command(tmp_path / "pairs", "--cleaned", tmp_path / "theirs")[0] == 0
