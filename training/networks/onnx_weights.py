"""Weights of an exported model for a network that learns on: the inverse of `training.networks.onnx_export`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from training.networks.network import MULTIPLE_PX, DefectNetwork


def load_exported(path: Path, network: DefectNetwork, samples: Iterable[tuple[Tensor, Tensor]]) -> DefectNetwork:
    """Give a network the weights of an exported model and undo the export's folding of the normalisation.

    The export folds each batch normalisation into the convolution before it. Such folded weights hardly learn: even at
    a twentieth of the rate the loss rises. Here each normalisation gets mean and variance of its convolution's output
    on the samples, and its scale and offset undo them, so that the network says the same as the model and learns as
    before.

    Parameters
    ----------
    path : Path
        A file that `training.networks.onnx_export` wrote.
    network : DefectNetwork
        A new network; changed in place. Its inputs of infrared get zero weight where the model has none.
    samples : iterable of (Tensor, Tensor)
        Densities and infrared, (n, 3, rows, cols) each.

    Returns
    -------
    DefectNetwork
        The same network, in evaluation mode.

    Raises
    ------
    ValueError
        The model's convolutions do not fit this network.
    """
    network.eval()
    convolutions, weights = _in_order(network), _weights(path)
    fits = len(convolutions) == len(weights) and all(
        _fits(own, weight) for (own, _), (weight, _) in zip(convolutions, weights, strict=True)
    )
    if not fits:
        raise ValueError(f"{path}: expected the {len(convolutions)} convolutions of this network, found {len(weights)}")
    with torch.no_grad():
        for (own, norm), (weight, bias) in zip(convolutions, weights, strict=True):
            _copy(own, norm, weight, bias)
        _normalise([(own, norm) for own, norm in convolutions if norm is not None], network, samples)
    return network


def _copy(own: nn.Conv2d, norm: nn.BatchNorm2d | None, weight: Tensor, bias: Tensor) -> None:
    """Copy weight and bias of a model's convolution; the bias goes to the normalisation, which is left the identity."""
    own.weight.zero_()
    own.weight[:, : weight.shape[1]] = weight
    if norm is None:
        if own.bias is not None:
            own.bias.copy_(bias)
        return
    # With variance 1 - epsilon and mean 0 the normalisation is the identity.
    assert norm.running_var is not None
    norm.running_var.fill_(1 - norm.eps)
    norm.bias.copy_(bias)


def _normalise(
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]], network: DefectNetwork, samples: Iterable[tuple[Tensor, Tensor]]
) -> None:
    """Measure mean and variance of each convolution's output, and rescale its weights to the size of random ones."""
    sums = {own: torch.zeros(3, own.out_channels, dtype=torch.float64) for own, _ in pairs}

    def add(module: nn.Conv2d, _: object, output: Tensor) -> None:
        values = output.double().movedim(1, 0).flatten(1)
        count = torch.full_like(values[:, 0], values.shape[1])
        sums[module] += torch.stack([count, values.sum(1), values.square().sum(1)])

    hooks = [own.register_forward_hook(add) for own, _ in pairs]
    for density, infrared in samples:
        network(density, infrared)
    for hook in hooks:
        hook.remove()
    for own, norm in pairs:
        count, total, squares = sums[own]
        assert norm.running_mean is not None and norm.running_var is not None
        mean = total / count
        variance = (squares / count - mean**2).clamp_min(1e-8)
        scale = (own.weight[0].numel() ** -0.5 / own.weight.flatten(1).std(dim=1).clamp_min(1e-8)).double()
        own.weight.mul_(scale.float()[:, None, None, None])
        norm.running_mean.copy_(mean * scale)
        norm.running_var.copy_(variance * scale**2)
        norm.weight.copy_((variance + norm.eps / scale**2).sqrt())
        norm.bias.add_(mean.float())


def _in_order(network: DefectNetwork) -> list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Return the convolutions in the order of execution, each with the normalisation after it."""
    order: list[nn.Conv2d] = []
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hooks = [each.register_forward_hook(lambda module, _, __: order.append(module)) for each in convolutions]
    planes = torch.zeros(1, 3, 4 * MULTIPLE_PX, 4 * MULTIPLE_PX)
    with torch.no_grad():
        network(planes, planes)
    for hook in hooks:
        hook.remove()
    return [(each, _normalisation_after(each, network)) for each in order]


def _normalisation_after(convolution: nn.Conv2d, network: DefectNetwork) -> nn.BatchNorm2d | None:
    for module in network.modules():
        if isinstance(module, nn.Sequential) and convolution in module:
            after = list(module)[list(module).index(convolution) + 1 :]
            return after[0] if after and isinstance(after[0], nn.BatchNorm2d) else None
    return None


def _weights(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Return weight and bias of each convolution of a model, in the order of execution; a missing bias is zero."""
    graph = onnx.load(str(path)).graph
    values = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            weight = values[node.input[1]]
            found.append((weight, values[node.input[2]] if len(node.input) > 2 else torch.zeros(len(weight))))
    return found


def _fits(own: nn.Conv2d, weight: Tensor) -> bool:
    """Whether a model's weight has the outputs and kernel size of an own one, and at most as many inputs."""
    outputs, inputs = weight.shape[:2]
    if own.weight.shape[0] != outputs or own.weight.shape[2:] != weight.shape[2:]:
        return False
    return bool(own.weight.shape[1] >= inputs)
