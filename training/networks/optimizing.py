"""The optimizer: Muon for the kernels of convolutions, AdamW for all other weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

WEIGHT_DECAY = 0.01
MOMENTUM = 0.95
# Coefficients and number of the Newton-Schulz steps (Jordan 2024).
NEWTON_SCHULZ, NEWTON_SCHULZ_STEPS = (3.4445, -4.775, 2.0315), 5
# A kernel with fewer outputs is the last layer. Each of its outputs has a meaning of its own: AdamW moves it.
FEWEST_OUTPUTS = 8


class Muon(torch.optim.Optimizer):
    """Muon in 32 bits: PyTorch's computes in bfloat16, which took a quarter of a step on a processor without it.

    Parameters
    ----------
    matrices : sequence of nn.Parameter
        Matrices to move.
    rate : float
        Learning rate; each group's "lr" replaces it.
    """

    def __init__(self, matrices: Sequence[nn.Parameter], rate: float = 1e-3) -> None:
        super().__init__(matrices, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Take one step with the gradients that lie in the matrices, with Nesterov's momentum."""
        del closure
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                buffer = self.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix))
                buffer.lerp_(matrix.grad, 1 - MOMENTUM)
                update = orthogonal(matrix.grad.lerp(buffer, MOMENTUM))
                matrix.mul_(1 - group["lr"] * WEIGHT_DECAY)
                matrix.add_(update, alpha=-0.2 * math.sqrt(max(matrix.shape)) * group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix with the same singular vectors, and singular values near 1 (five Newton-Schulz steps)."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp_min(1e-7)
    first, second, third = NEWTON_SCHULZ
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=second, alpha=third), wide, beta=first)
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


class Optimizer:
    """Takes optimizer steps for a network.

    Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon) makes the update of a matrix orthogonal, so that all
    directions of the gradient count the same. A kernel is a matrix here: outputs by (rows, columns, inputs). Its steps
    are scaled to the size of AdamW's (Liu and others 2025, arXiv:2502.16982), so that one learning rate serves both.

    Parameters
    ----------
    network : nn.Module
        The network, its kernels in `torch.channels_last`. Its weights must not be moved in memory afterwards.

    Raises
    ------
    ValueError
        A kernel has another memory layout: Muon would move a copy of it.
    """

    def __init__(self, network: nn.Module) -> None:
        weights = list(network.parameters())
        self._kernels = [weight for weight in weights if _is_kernel(weight)]
        self._flat = [nn.Parameter(_as_matrix(kernel.data)) for kernel in self._kernels]
        pairs = zip(self._flat, self._kernels, strict=True)
        if any(flat.data_ptr() != kernel.data_ptr() for flat, kernel in pairs):
            raise ValueError("expected kernels in torch.channels_last, found another layout: copies would be moved")
        others = [weight for weight in weights if not _is_kernel(weight)]
        self._parts: dict[str, torch.optim.Optimizer] = {
            "muon": Muon(self._flat),
            "adamw": torch.optim.AdamW(others, weight_decay=WEIGHT_DECAY),
        }

    def step(self, rate: float) -> None:
        """Take one step at a learning rate, with the gradients that lie in the network's weights."""
        for flat, kernel in zip(self._flat, self._kernels, strict=True):
            flat.grad = None if kernel.grad is None else _as_matrix(kernel.grad)
        for part in self._parts.values():
            for group in part.param_groups:
                group["lr"] = rate
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both optimizers, for a checkpoint."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Raises
        ------
        ValueError
            It is the state of another optimizer.
        """
        if set(state) != set(self._parts):
            raise ValueError(
                f"expected the state of {sorted(self._parts)}, found {sorted(state)}: another optimizer's; a new run "
                "can begin from the weights of its checkpoint with --start"
            )
        for name, part in self._parts.items():
            part.load_state_dict(state[name])


def _is_kernel(weight: Tensor) -> bool:
    return bool(weight.dim() == 4 and weight.shape[0] >= FEWEST_OUTPUTS)


def _as_matrix(kernel: Tensor) -> Tensor:
    return kernel.permute(0, 2, 3, 1).reshape(kernel.shape[0], -1)
