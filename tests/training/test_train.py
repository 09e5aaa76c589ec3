"""Networks that learn a few steps, are exported, run, laid aside and gone on from."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import onnxruntime
import pytest

from support.onnx_models import save_detector

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from training import export
from training.export import write_onnx
from training.network import DefectNetwork
from training.train import Trainer, detector, held_to, parse, train


def rng(seed=1):
    return np.random.default_rng(seed)


def options(folder, *more):
    tiny = "--sheets 4 --sheet-px 96 --crops 2 --crop-px 64 --frame-rows 64 --hours 1"
    return parse([*tiny.split(), "--output", str(folder), *more])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(options(folder, "--steps", "3"))
    return folder


@pytest.fixture(scope="module")
def by_both(trained):
    """A network that sees the infrared, begun from one that does not."""
    folder = trained / "both"
    train(options(folder, "--infrared", "--start", str(trained / "defects.onnx"), "--steps", "3"))
    return folder


def test_a_network_trained_for_a_few_steps_runs_in_onnxruntime_at_any_size(trained):
    session = onnxruntime.InferenceSession(str(trained / "defects.onnx"), providers=["CPUExecutionProvider"])
    for rows, cols in ((64, 96), (32, 160)):
        density = rng().normal(0.5, 0.2, (1, 3, rows, cols)).astype(np.float32)
        (probability,) = session.run(["probability"], {"density": density})
        assert probability.shape == (1, 1, rows, cols)
        assert 0 <= probability.min() < probability.max() <= 1


def test_the_exported_network_says_what_the_trained_one_says(by_both):
    model = str(by_both / "defects-infrared.onnx")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    density = rng().normal(0.5, 0.2, (3, 64, 64)).astype(np.float32)
    planes = {"density": density, "infrared": rng(2).normal(0, 3, (3, 64, 64)).astype(np.float32)}
    (probability,) = session.run(["probability"], {name: plane[None] for name, plane in planes.items()})
    network = Trainer(options(by_both, "--infrared")).averaged.network
    assert probability[0, 0] == pytest.approx(detector(network)(*planes.values()), abs=1e-4)


def test_training_goes_on_from_an_exported_model_with_what_it_says(trained, tmp_path):
    model = trained / "defects.onnx"
    trainer = Trainer(options(tmp_path / "on", "--infrared", "--start", str(model)))
    planes = [rng(seed).normal(0.5, 0.2, (3, 64, 64)).astype(np.float32) for seed in (1, 2)]
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    # What it has not learnt yet of the infrared counts nothing.
    (expected,) = session.run(None, {"density": planes[0][None]})
    assert detector(trainer.averaged.network)(*planes) == pytest.approx(expected[0, 0], abs=1e-4)
    assert trainer.history[-1]["command"] == json.loads(model.with_suffix(".json").read_text())["command"]
    with pytest.raises(ValueError, match="or a smaller one, found others"):
        Trainer(options(tmp_path / "shallow", "--blocks", "1", "--start", str(model)))
    other = save_detector(tmp_path / "other.onnx")
    with pytest.raises(ValueError, match=r"other\.json: expected the card of a training, found none of its key"):
        Trainer(options(tmp_path / "other", "--start", str(other)))
    other.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match="expected the 25 convolutions of this network, found"):
        Trainer(options(tmp_path / "other", "--start", str(other)))


def test_what_a_network_learns_on_from_has_the_statistics_of_what_it_sees(trained, tmp_path):
    trainer = Trainer(options(tmp_path / "on", "--infrared", "--start", str(trained / "defects.onnx")))
    network, planes = trainer.learner.network, [torch.randn(2, 3, 64, 64) * 0.2 + 0.5 for _ in range(2)]
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all((norm.running_var > 0).all() for norm in norms)
    with torch.no_grad():
        trained_mode, asked = (network.train(mode)(*planes) for mode in (True, False))
    assert np.isfinite(trained_mode.numpy()).all()
    assert np.isfinite(asked.numpy()).all()


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
    density, said = rng().normal(0.5, 0.2, (1, 3, 64, 64)).astype(np.float32), {}
    for share in ("0", "0.5", "1"):
        out = tmp_path / share
        command = f"export --checkpoint {folder}/checkpoint.pt --output {out} --before {before} --before-share {share}"
        monkeypatch.setattr("sys.argv", command.split())
        export.main()
        assert json.loads((out / "defects.json").read_text())["part_of_the_weights_before"] == float(share)
        said[share] = onnxruntime.InferenceSession(str(out / "defects.onnx")).run(None, {"density": density})[0]
    expected = onnxruntime.InferenceSession(str(before)).run(None, {"density": density})[0]
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


def test_the_card_names_the_file_and_how_it_was_made(trained):
    card = json.loads((trained / "defects.json").read_text())
    assert card["sha256"] == hashlib.sha256((trained / "defects.onnx").read_bytes()).hexdigest()
    assert card["steps"] == 3
    assert card["data"]["photos"] == []
    assert card["probabilities"]["0.5"]["grow"] <= card["probabilities"]["0.5"]["seed"]


def test_training_goes_on_where_it_was_laid_aside(trained):
    before = len((trained / "curve.jsonl").read_text().splitlines())
    train(options(trained, "--steps", "5"))
    assert json.loads((trained / "defects.json").read_text())["steps"] == 5
    assert len((trained / "curve.jsonl").read_text().splitlines()) > before


def test_a_network_holds_to_what_it_began_with_or_to_another(trained, tmp_path):
    start = ("--start", str(trained / "defects.onnx"), "--hold", "1")
    density = rng().normal(0.5, 0.2, (3, 64, 64)).astype(np.float32)
    train(options(tmp_path, *start, "--steps", "12", "--checkpoint-only"))
    began = Trainer(options(tmp_path / "none", *start))
    said = detector(began.averaged.network)(density)
    # Also when it is taken up.
    assert detector(held_to(options(tmp_path, *start)))(density) == pytest.approx(said, abs=1e-6)
    learnt = Trainer(options(tmp_path, *start))
    assert learnt.step == 12
    assert np.abs(detector(learnt.averaged.network)(density) - said).max() > 1e-4
    other = ("--hold-to", str(tmp_path / "checkpoint.pt"))
    assert detector(held_to(options(tmp_path / "none", *start, *other)))(density) == pytest.approx(
        detector(learnt.averaged.network)(density), abs=1e-6
    )


def test_who_is_to_hold_has_to_say_to_what(tmp_path, capsys):
    with pytest.raises(SystemExit):
        options(tmp_path, "--hold", "1")
    assert "--hold: expected --hold-to or --start with the network to hold to, found neither" in capsys.readouterr().err


def test_a_deeper_network_begins_by_saying_what_the_shallower_one_says(trained, tmp_path):
    shallow = Trainer(options(tmp_path / "shallow", "--blocks", "1"))
    (tmp_path / "shallow").mkdir()
    shallow.save()
    start = ("--start", str(tmp_path / "shallow" / "checkpoint.pt"))
    deep = Trainer(options(tmp_path / "deep", *start))
    density = rng().normal(0.5, 0.2, (3, 64, 64)).astype(np.float32)
    said, expected = (detector(trainer.averaged.network)(density) for trainer in (deep, shallow))
    assert said == pytest.approx(expected, abs=1e-6)
    assert sum(p.numel() for p in deep.learner.network.parameters()) > 700_000
    with pytest.raises(ValueError, match=r"or a smaller one, found others: \['blocks\.0\.1"):
        Trainer(options(tmp_path / "shallower", "--blocks", "1", "--start", str(_saved(deep, tmp_path / "deep"))))


def test_a_deeper_network_begins_by_saying_what_an_exported_shallower_one_says(trained, tmp_path):
    start = ("--start", str(trained / "defects.onnx"))
    same = Trainer(options(tmp_path / "same", *start))
    deep = Trainer(options(tmp_path / "deep", *start, "--blocks", "2", "3", "3"))
    density = rng().normal(0.5, 0.2, (3, 64, 64)).astype(np.float32)
    said, expected = (detector(trainer.averaged.network)(density) for trainer in (deep, same))
    assert said == pytest.approx(expected, abs=1e-6)
    assert sum(p.numel() for p in deep.learner.network.parameters()) > 950_000


@pytest.mark.parametrize("as_model", [False, True], ids=["checkpoint", "exported model"])
def test_a_wider_network_begins_by_saying_what_the_narrower_one_says(as_model, tmp_path):
    torch.manual_seed(3)
    widths, blocks = (16, 24, 40, 56), (1, 1, 2)
    narrow = DefectNetwork(widths, blocks).eval()
    for norm in (module for module in narrow.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        torch.nn.init.normal_(norm.bias, std=0.1)
    past = {"command": "python -m training.train", "steps": 3, "hours": 0.1}
    if as_model:
        start = tmp_path / "narrow.onnx"
        write_onnx(narrow, start)
        card = {"network": {"widths": widths, "blocks": blocks}, "went_on_from": [], **past}
        start.with_suffix(".json").write_text(json.dumps(card))
    else:
        start = tmp_path / "checkpoint.pt"
        state = {"averaged": narrow.state_dict(), "step": 3, "seconds": 360.0, "history": []}
        torch.save({**state, "command": past["command"]}, start)
    wide = Trainer(options(tmp_path / "wide", "--start", str(start)))
    density = rng().normal(0.5, 0.2, (3, 64, 64)).astype(np.float32)
    said, expected = (detector(network)(density) for network in (wide.averaged.network, narrow))
    assert said == pytest.approx(expected, abs=1e-5)
    assert wide.history == [past]
    assert sum(p.numel() for p in wide.learner.network.parameters()) > 1_000_000


def _saved(trainer, folder):
    folder.mkdir()
    trainer.save()
    return folder / "checkpoint.pt"
