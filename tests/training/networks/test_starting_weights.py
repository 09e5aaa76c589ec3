"""A network begins with the weights of a checkpoint or a model of its size or smaller, and says the same."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from support.onnx_models import save_detector
from support.trainings import options
from training.networks.network import DefectNetwork
from training.networks.onnx_export import INPUTS, write_onnx
from training.networks.starting_weights import reference_network
from training.networks.trainer import Trainer, detector
from training.train import train


def rng(seed=1):
    return np.random.default_rng(seed)


def planes():
    """Densities and infrared."""
    return [rng(seed).normal(0.5, 0.2, (3, 64, 64)).astype(np.float32) for seed in (1, 2)]


def test_training_goes_on_from_an_exported_model_with_what_it_says(trained, tmp_path):
    model = trained / "defects.onnx"
    trainer = Trainer(options(tmp_path / "on", "--start", str(model)))
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {name: plane[None] for name, plane in zip(INPUTS, planes(), strict=True)})
    assert detector(trainer.averaged.network)(*planes()) == pytest.approx(expected[0, 0], abs=1e-4)
    assert trainer.history[-1]["command"] == json.loads(model.with_suffix(".json").read_text())["command"]
    with pytest.raises(ValueError, match="or a smaller one, found others"):
        Trainer(options(tmp_path / "shallow", "--blocks", "1", "--start", str(model)))
    other = save_detector(tmp_path / "other.onnx")
    with pytest.raises(ValueError, match=r"other\.json: expected the card of a training, found none of its key"):
        Trainer(options(tmp_path / "other", "--start", str(other)))
    other.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match="expected the 25 convolutions of this network, found"):
        Trainer(options(tmp_path / "other", "--start", str(other)))


def test_a_network_holds_to_what_it_began_with_or_to_another(trained, tmp_path):
    start = ("--start", str(trained / "defects.onnx"), "--hold", "1")
    train(options(tmp_path, *start, "--steps", "12", "--checkpoint-only"))
    began = Trainer(options(tmp_path / "none", *start))
    said = detector(began.averaged.network)(*planes())
    # Also when it is taken up.
    assert detector(reference_network(options(tmp_path, *start)))(*planes()) == pytest.approx(said, abs=1e-6)
    learnt = Trainer(options(tmp_path, *start))
    assert learnt.step == 12
    assert np.abs(detector(learnt.averaged.network)(*planes()) - said).max() > 1e-4
    other = ("--hold-to", str(tmp_path / "checkpoint.pt"))
    assert detector(reference_network(options(tmp_path / "none", *start, *other)))(*planes()) == pytest.approx(
        detector(learnt.averaged.network)(*planes()), abs=1e-6
    )


def test_a_deeper_network_begins_by_saying_what_the_shallower_one_says(trained, tmp_path):
    shallow = Trainer(options(tmp_path / "shallow", "--blocks", "1"))
    (tmp_path / "shallow").mkdir()
    shallow.save()
    start = ("--start", str(tmp_path / "shallow" / "checkpoint.pt"))
    deep = Trainer(options(tmp_path / "deep", *start))
    said, expected = (detector(trainer.averaged.network)(*planes()) for trainer in (deep, shallow))
    assert said == pytest.approx(expected, abs=1e-6)
    assert sum(p.numel() for p in deep.learner.network.parameters()) > 700_000
    with pytest.raises(ValueError, match=r"or a smaller one, found others: \['blocks\.0\.1"):
        Trainer(options(tmp_path / "shallower", "--blocks", "1", "--start", str(_saved(deep, tmp_path / "deep"))))


def test_a_deeper_network_begins_by_saying_what_an_exported_shallower_one_says(trained, tmp_path):
    start = ("--start", str(trained / "defects.onnx"))
    same = Trainer(options(tmp_path / "same", *start))
    deep = Trainer(options(tmp_path / "deep", *start, "--blocks", "2", "3", "3"))
    said, expected = (detector(trainer.averaged.network)(*planes()) for trainer in (deep, same))
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
        write_onnx(narrow, start, INPUTS)
        card = {"network": {"widths": widths, "blocks": blocks}, "went_on_from": [], **past}
        start.with_suffix(".json").write_text(json.dumps(card))
    else:
        start = tmp_path / "checkpoint.pt"
        state = {"averaged": narrow.state_dict(), "step": 3, "seconds": 360.0, "history": []}
        torch.save({**state, "command": past["command"]}, start)
    wide = Trainer(options(tmp_path / "wide", "--start", str(start)))
    said, expected = (detector(network)(*planes()) for network in (wide.averaged.network, narrow))
    assert said == pytest.approx(expected, abs=1e-5)
    assert wide.history == [past]
    assert sum(p.numel() for p in wide.learner.network.parameters()) > 1_000_000


def _saved(trainer, folder):
    folder.mkdir()
    trainer.save()
    return folder / "checkpoint.pt"
