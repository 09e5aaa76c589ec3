"""An exported model says what the network says, and its card tells how it was trained."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from support.trainings import options
from training.networks.onnx_export import INPUTS, mix
from training.networks.trainer import Trainer, detector


def rng(seed=1):
    return np.random.default_rng(seed)


def test_a_network_trained_for_a_few_steps_runs_in_onnxruntime_at_any_size(trained):
    session = onnxruntime.InferenceSession(str(trained / "defects.onnx"), providers=["CPUExecutionProvider"])
    for rows, cols in ((64, 96), (32, 160)):
        drawn = rng().normal(0.5, 0.2, (2, 1, 3, rows, cols)).astype(np.float32)
        (probability,) = session.run(["probability"], dict(zip(INPUTS, drawn, strict=True)))
        assert probability.shape == (1, 1, rows, cols)
        assert 0 <= probability.min() < probability.max() <= 1


def test_the_exported_network_says_what_the_trained_one_says(trained):
    model = str(trained / "defects.onnx")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    density = rng().normal(0.5, 0.2, (3, 64, 64)).astype(np.float32)
    planes = {"density": density, "infrared": rng(2).normal(0, 3, (3, 64, 64)).astype(np.float32)}
    (probability,) = session.run(["probability"], {name: plane[None] for name, plane in planes.items()})
    network = Trainer(options(trained)).averaged.network
    assert probability[0, 0] == pytest.approx(detector(network)(*planes.values()), abs=1e-4)


def test_the_card_names_the_file_and_how_it_was_made(trained):
    card = json.loads((trained / "defects.json").read_text())
    assert card["sha256"] == hashlib.sha256((trained / "defects.onnx").read_bytes()).hexdigest()
    assert card["steps"] == 3
    assert card["data"]["photos"] == []
    assert card["probabilities"]["0.5"]["grow"] <= card["probabilities"]["0.5"]["seed"]


def test_of_what_the_earlier_network_had_not_learnt_the_later_ones_weights_stay():
    later, earlier = (torch.nn.Conv2d(4, 2, 1) for _ in range(2))
    with torch.no_grad():
        for network, value in ((later, 1.0), (earlier, 3.0)):
            network.weight.fill_(value)
        earlier.weight[:, 2:] = 0
    mix(later, earlier, 0.25)
    assert later.weight[0, :, 0, 0].tolist() == [1.5, 1.5, 1, 1]
