"""A training is resumed where it was stopped."""

from __future__ import annotations

import json
import shutil

import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

from support.trainings import options
from training.train import train


def test_training_goes_on_where_it_was_stopped(trained, tmp_path):
    folder = tmp_path / "resumed"
    shutil.copytree(trained, folder)
    before = len((folder / "curve.jsonl").read_text().splitlines())
    train(options(folder, "--steps", "5"))
    assert json.loads((folder / "defects.json").read_text())["steps"] == 5
    assert len((folder / "curve.jsonl").read_text().splitlines()) > before


def test_who_is_to_hold_has_to_say_to_what(tmp_path, capsys):
    with pytest.raises(SystemExit):
        options(tmp_path, "--hold", "1")
    assert "--hold: expected --hold-to or --start with the network to hold to, found neither" in capsys.readouterr().err
