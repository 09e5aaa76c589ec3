"""Steps of learning: of kernels by Muon, of all else by AdamW."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from training.networks.optimizing import MOMENTUM, WEIGHT_DECAY, Optimizer

RATE = 0.01
# Muon's five rounds bring what the gradient has of a direction to between these parts of 1.
LEAST_TURNED, MOST_TURNED = 0.65, 1.25


def a_network():
    torch.manual_seed(1)
    layers = torch.nn.Conv2d(16, 24, 3), torch.nn.BatchNorm2d(24), torch.nn.Conv2d(24, 4, 3)
    return torch.nn.Sequential(*layers).to(memory_format=torch.channels_last)


def with_gradients(network, seed=2):
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        weight.grad = torch.randn(weight.shape, generator=generator)
    return network


def moved(network, optimizer, rate=RATE):
    before = [weight.detach().clone() for weight in network.parameters()]
    optimizer.step(rate)
    return [weight.detach() - old for weight, old in zip(network.parameters(), before, strict=True)]


def test_a_kernel_goes_as_far_in_every_direction_that_its_gradient_has():
    network = with_gradients(a_network())
    # One direction has thirty times the others' gradient.
    strong = torch.outer(torch.ones(24), torch.ones(16 * 9)).reshape(24, 16, 3, 3)
    network[0].weight.grad += 10 * strong
    step = moved(network, Optimizer(network))[0]
    lengths = np.linalg.svd(step.reshape(24, -1).numpy(), compute_uv=False)
    # As long as AdamW's steps are in the mean: a fifth of the rate (Liu and others 2025).
    usual = 0.2 * RATE * np.sqrt(16 * 9)
    assert lengths.min() > LEAST_TURNED * usual
    assert lengths.max() < MOST_TURNED * usual


def test_a_kernel_goes_down_its_gradient():
    network = with_gradients(a_network())
    step = moved(network, Optimizer(network))[0]
    assert (step * network[0].weight.grad).sum() < 0


def test_the_last_layer_and_what_is_no_kernel_go_as_adamw_takes_them():
    network = with_gradients(a_network())
    alone = copy.deepcopy(network)
    others = [weight for weight in alone.parameters() if weight.dim() == 1] + [alone[2].weight]
    with_gradients(alone)
    steps = moved(network, Optimizer(network))
    torch.optim.AdamW(others, lr=RATE, weight_decay=WEIGHT_DECAY).step()
    for weight, other, step in zip(network.parameters(), alone.parameters(), steps, strict=True):
        assert step.abs().max() > 0
        assert torch.equal(weight, other) == (weight.shape != network[0].weight.shape)


def test_earlier_gradients_go_on_moving_a_kernel():
    network = with_gradients(a_network())
    optimizer = Optimizer(network)
    first = moved(network, optimizer)[0]
    network[0].weight.grad *= 1e-3 * MOMENTUM
    second = moved(network, optimizer)[0]
    assert torch.nn.functional.cosine_similarity(first.flatten(), second.flatten(), dim=0) > 0.95


def test_an_optimizer_goes_on_where_another_was_laid_aside():
    network = with_gradients(a_network())
    optimizer = Optimizer(network)
    optimizer.step(RATE)
    later = copy.deepcopy(network)
    again = Optimizer(later)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, its in ((network, optimizer), (later, again)):
        with_gradients(each, seed=3)
        its.step(RATE)
    for weight, other in zip(network.parameters(), later.parameters(), strict=True):
        assert torch.equal(weight, other)


def test_a_checkpoint_of_another_optimizer_is_refused_with_what_to_do():
    other = torch.optim.AdamW(a_network().parameters())
    with pytest.raises(ValueError, match=r"another optimizer's; a new run can begin .* with --start"):
        Optimizer(a_network()).load_state_dict(other.state_dict())


def test_a_network_whose_kernels_would_not_be_moved_is_refused():
    with pytest.raises(ValueError, match="channels_last"):
        Optimizer(a_network().to(memory_format=torch.contiguous_format))
