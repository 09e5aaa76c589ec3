"""A network with an exported model's weights normalises by the statistics of what it sees."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from support.trainings import options
from training.networks.trainer import Trainer


def test_what_a_network_learns_on_from_has_the_statistics_of_what_it_sees(trained, tmp_path):
    trainer = Trainer(options(tmp_path / "on", "--infrared", "--start", str(trained / "defects.onnx")))
    network, planes = trainer.learner.network, [torch.randn(2, 3, 64, 64) * 0.2 + 0.5 for _ in range(2)]
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert all((norm.running_var > 0).all() for norm in norms)
    with torch.no_grad():
        trained_mode, asked = (network.train(mode)(*planes) for mode in (True, False))
    assert np.isfinite(trained_mode.numpy()).all()
    assert np.isfinite(asked.numpy()).all()
