"""A checkpoint is exported, alone or mixed with an earlier network."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

from support.trainings import options
from training import export
from training.train import train


def rng(seed=1):
    return np.random.default_rng(seed)


def test_a_checkpoint_alone_is_exported_elsewhere_with_the_command_that_made_it(trained, tmp_path, monkeypatch):
    folder, start = tmp_path / "learnt", tmp_path / "start.onnx"
    shutil.copy(trained / "defects.onnx", start)
    held = ("--start", str(start), "--hold", "1")
    many = options(folder, "--drawers", "2", *held, "--steps", "2", "--checkpoint-only")
    train(many)
    assert not (folder / "defects.onnx").exists()
    shutil.rmtree(folder / "pool")
    start.unlink()
    monkeypatch.setattr(
        "sys.argv", ["export", "--checkpoint", str(folder / "checkpoint.pt"), "--output", str(tmp_path)]
    )
    export.main()
    card = json.loads((tmp_path / "defects.json").read_text())
    assert (card["command"], card["steps"], card["crops"]) == (many.command, 2, 2)
    assert card["data"]["sheets"] >= 4
    onnxruntime.InferenceSession(str(tmp_path / "defects.onnx"), providers=["CPUExecutionProvider"])


def test_what_is_exported_may_lie_between_a_network_and_the_one_before(trained, tmp_path, monkeypatch):
    before, folder = trained / "defects.onnx", tmp_path / "learnt"
    train(options(folder, "--start", str(before), "--hold", "1", "--rate", "0.1", "--steps", "3", "--checkpoint-only"))
    density = rng().normal(0.5, 0.2, (1, 3, 64, 64)).astype(np.float32)
    planes, said = {"density": density, "infrared": np.zeros_like(density)}, {}
    for share in ("0", "0.5", "1"):
        out = tmp_path / share
        command = f"export --checkpoint {folder}/checkpoint.pt --output {out} --before {before} --before-share {share}"
        monkeypatch.setattr("sys.argv", command.split())
        export.main()
        assert json.loads((out / "defects.json").read_text())["part_of_the_weights_before"] == float(share)
        said[share] = onnxruntime.InferenceSession(str(out / "defects.onnx")).run(None, planes)[0]
    expected = onnxruntime.InferenceSession(str(before)).run(None, planes)[0]
    assert said["1"] == pytest.approx(expected, abs=1e-4)
    apart = np.abs(said["0"] - said["1"]).mean()
    assert np.abs(said["0.5"] - said["1"]).mean() < apart
    assert np.abs(said["0.5"] - said["0"]).mean() < apart


def test_a_share_of_no_network_is_refused(tmp_path, monkeypatch, capsys):
    command = f"export --checkpoint {tmp_path}/checkpoint.pt --output {tmp_path} --before-share 0.5"
    monkeypatch.setattr("sys.argv", command.split())
    with pytest.raises(SystemExit):
        export.main()
    assert "--before-share: expected --before" in capsys.readouterr().err
