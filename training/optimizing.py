"""One step down the gradient: Muon for the kernels of convolutions, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

WEIGHT_DECAY = 0.01
MOMENTUM = 0.95
# Kernels with fewer outputs are the last layer, whose outputs mean something each.
FEWEST_OUTPUTS = 8


class Optimizer:
    """Takes steps for a network: of kernels every direction that the gradient has counts the same.

    Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon) makes the update of a matrix orthogonal; a kernel is
    the matrix of its outputs by what each of them sees. Its steps are scaled to the size of AdamW's (Liu and others
    2025, arXiv:2502.16982), so that one learning rate serves both.

    Parameters
    ----------
    network : nn.Module
        Its kernels in `torch.channels_last`; it must stay where it is in memory.
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
            "muon": torch.optim.Muon(
                self._flat, weight_decay=WEIGHT_DECAY, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw"
            ),
            "adamw": torch.optim.AdamW(others, weight_decay=WEIGHT_DECAY),
        }

    def step(self, rate: float) -> None:
        """Take one step along the gradients that the network has, at a learning rate."""
        for flat, kernel in zip(self._flat, self._kernels, strict=True):
            flat.grad = None if kernel.grad is None else _as_matrix(kernel.grad)
        for part in self._parts.values():
            for group in part.param_groups:
                group["lr"] = rate
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Return what to keep in a checkpoint."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned.

        Raises
        ------
        ValueError
            It is another optimizer's.
        """
        if set(state) != set(self._parts):
            raise ValueError(
                f"expected the state of {sorted(self._parts)}, found {sorted(state)}: another optimizer's; a new run "
                "can begin from the weights of its checkpoint with --start"
            )
        for name, part in self._parts.items():
            part.load_state_dict(state[name])


def _is_kernel(weight: Tensor) -> bool:
    return weight.dim() == 4 and weight.shape[0] >= FEWEST_OUTPUTS


def _as_matrix(kernel: Tensor) -> Tensor:
    return kernel.permute(0, 2, 3, 1).reshape(kernel.shape[0], -1)
