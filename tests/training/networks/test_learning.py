"""What a step learns from: crops that cost much come more often and weigh less, and in the end nothing of the batch."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from training.networks.learning import Attention, Batch, Learner, costs_of, distillation_loss, loss_of
from training.networks.network import DefectNetwork
from training.networks.shelf import Crops


def batch(seed=1, crops=2, size_px=32):
    rng = torch.Generator().manual_seed(seed)
    density = torch.rand((crops, 3, size_px, size_px), generator=rng).contiguous(memory_format=torch.channels_last)
    defect = (torch.rand((crops, 1, size_px, size_px), generator=rng) < 0.1).float()
    return Batch(np.arange(crops), Crops(density, density, defect, torch.ones_like(defect)), torch.ones(crops))


def said_of(network, known):
    return network(known.crops.density, known.crops.infrared)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
@settings(max_examples=20, deadline=None)
def test_however_often_sheets_are_drawn_their_mean_is_that_of_all(seed, sheets):
    rng = np.random.default_rng(seed)
    costs = rng.exponential(1, sheets)
    attention = Attention()
    attention.learn(np.arange(sheets), costs.tolist())
    places, shares = attention.draw(rng, sheets, 40_000)
    assert np.mean(costs[places] * shares) == pytest.approx(costs.mean(), rel=0.05)
    assert np.mean(shares) == pytest.approx(1, rel=0.05)


def test_what_costs_much_is_drawn_more_often_and_what_is_not_known_as_often_as_the_usual():
    attention = Attention()
    attention.learn(np.arange(3), [0.0, 1.0, 5.0])
    places, shares = attention.draw(np.random.default_rng(1), 4, 40_000)
    drawn = np.bincount(places) / len(places)
    assert drawn == pytest.approx(np.array([0.4, 0.7, 1.9, 1.0]) / 4, abs=0.01)
    assert sorted(set(shares)) == pytest.approx([1 / 1.9, 1.0, 1 / 0.7, 1 / 0.4])


def test_of_a_cost_half_is_kept():
    attention = Attention()
    for cost in (1.0, 3.0):
        attention.learn(np.array([1]), [cost])
    attention.learn(np.array([0]), [2.0])
    _, shares = attention.draw(np.random.default_rng(1), 2, 10)
    assert shares == [1.0] * 10


def test_the_cost_of_a_crop_is_its_own_and_not_that_of_its_weight():
    known = batch()
    log_odds = torch.randn(known.weight.shape, generator=torch.Generator().manual_seed(3))
    twice = replace(known, share=torch.tensor([2.0, 0.5]))
    costs = costs_of(log_odds, known)
    assert costs[0] != pytest.approx(costs[1])
    assert costs_of(log_odds, twice) == pytest.approx(costs)
    assert loss_of(log_odds, twice) != pytest.approx(loss_of(log_odds, known))


def test_a_frozen_network_learns_as_it_will_be_asked():
    learner = Learner(DefectNetwork((8, 8, 8, 8), (1, 1, 1)))
    for seed in range(3):
        learner.step(batch(seed), 1e-3, bfloat16=False)
    learner.freeze()
    mean = learner.averaged.network.state_dict()
    statistics = {name: value.clone() for name, value in mean.items() if "running_" in name}
    log_odds = said_of(learner.network.eval(), batch(7)).detach()
    loss, _ = learner.step(batch(7), 1e-3, bfloat16=False)
    assert loss == pytest.approx(float(loss_of(log_odds, batch(7))), rel=1e-5)
    after = learner.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in statistics.items())
    assert not torch.equal(said_of(learner.network.eval(), batch(7)), log_odds)


def test_parting_from_another_network_costs_something_only_where_that_is_right():
    known = batch()
    said = torch.randn(known.weight.shape, generator=torch.Generator().manual_seed(3))
    right = (said > 0) == (known.crops.defect > 0)
    log_odds = said.clone().requires_grad_()
    distillation_loss(log_odds, said, known).backward()
    assert log_odds.grad.abs().max() < 1e-8
    parted = (said + 1).requires_grad_()
    distillation_loss(parted, said, known).backward()
    assert torch.equal(parted.grad != 0, right)
    none_right = replace(known, crops=replace(known.crops, defect=(said <= 0).float()))
    assert float(distillation_loss(said, said, none_right)) == 0


def test_a_network_that_is_held_goes_on_saying_what_it_said():
    spotless = batch(7)
    spotless = replace(spotless, crops=replace(spotless.crops, defect=torch.zeros_like(spotless.crops.defect)))
    parted = {}
    for hold in (0.0, 20.0):
        torch.manual_seed(5)
        network = DefectNetwork((8, 8, 8, 8), (1, 1, 1)).eval()
        # Not sure, and right all the same.
        torch.nn.init.constant_(network.head[-1].bias, -1.0)
        said = said_of(network, spotless).detach()
        learner = Learner(network, reference=copy.deepcopy(network), hold=hold)
        learner.freeze()
        for _ in range(15):
            learner.step(spotless, 1e-2, bfloat16=False)
        parted[hold] = float((said_of(network, spotless).detach() - said).abs().mean())
    assert parted[20.0] < 0.3 * parted[0.0]
