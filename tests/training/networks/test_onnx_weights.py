"""A network with an exported model's weights normalises by the statistics of what it sees."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import onnx
import torch
from onnx import numpy_helper

from support.trainings import options
from training.networks.network import COLOUR_INPUTS, DefectNetwork
from training.networks.onnx_export import INPUTS, write_onnx
from training.networks.onnx_weights import load_exported
from training.networks.trainer import Trainer


def test_what_a_network_learns_on_from_has_the_statistics_of_what_it_sees(trained, tmp_path):
    trainer = Trainer(options(tmp_path / "on", "--start", str(trained / "defects.onnx")))
    network, planes = trainer.learner.network, [torch.randn(2, 3, 64, 64) * 0.2 + 0.5 for _ in range(2)]
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all((norm.running_var > 0).all() for norm in norms)
    with torch.no_grad():
        trained_mode, asked = (network.train(mode)(*planes) for mode in (True, False))
    assert np.isfinite(trained_mode.numpy()).all()
    assert np.isfinite(asked.numpy()).all()


def test_a_network_that_begins_with_a_model_of_the_colours_says_the_same_whatever_the_infrared(tmp_path):
    shape = ((8, 8, 8, 8), (1, 1, 1))
    torch.manual_seed(4)
    network = DefectNetwork(*shape).eval()
    network.stem[0][0].weight.data[:, COLOUR_INPUTS:] = 0
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        torch.nn.init.normal_(norm.bias, std=0.1)
    path = tmp_path / "colours.onnx"
    write_onnx(network, path, INPUTS)
    model = onnx.load(str(path))
    first = next(node for node in model.graph.node if node.op_type == "Conv").input[1]
    weight = next(each for each in model.graph.initializer if each.name == first)
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight)[:, :COLOUR_INPUTS], first))
    onnx.save(model, str(path))
    density, some, other = torch.randn(3, 1, 3, 64, 64)
    begun = load_exported(path, DefectNetwork(*shape), [(density, some)])
    with torch.no_grad():
        assert torch.allclose(begun(density, some), network(density, other), atol=1e-3)
        assert torch.equal(begun(density, some), begun(density, other))
