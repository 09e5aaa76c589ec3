"""The network: log odds of any size, at first those of a rare defect, from colours and infrared."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from training.networks.network import DefectNetwork

WIDTHS, BLOCKS = (8, 8, 8, 8), (1, 1, 1)


def planes(seed, rows=64, cols=96):
    return torch.rand((2, 3, rows, cols), generator=torch.Generator().manual_seed(seed))


def test_there_are_log_odds_for_every_pixel_and_at_first_those_of_a_rare_defect():
    torch.manual_seed(1)
    log_odds = DefectNetwork(WIDTHS, BLOCKS)(planes(1), planes(2)).detach()
    assert log_odds.shape == (2, 1, 64, 96)
    assert 0.005 < torch.sigmoid(log_odds).mean() < 0.2


def test_colours_and_infrared_both_count():
    network = DefectNetwork(WIDTHS, BLOCKS).eval()
    assert not torch.equal(network(planes(1), planes(2)), network(planes(1), planes(3)))
    assert not torch.equal(network(planes(1), planes(2)), network(planes(3), planes(2)))


def test_blocks_after_the_first_begin_as_the_identity():
    network = DefectNetwork(WIDTHS, (2, 2, 2)).eval()
    features = planes(4).repeat(1, 3, 1, 1)[:, :8]
    assert torch.equal(network.blocks[0][1](features), features)
    assert not torch.equal(network.blocks[0][0](features), features)
