"""One step of learning: a batch of crops, its loss, and the average of the weights over the steps."""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from training.networks.network import with_memory_format
from training.networks.optimizing import Optimizer
from training.networks.shelf import Crops, Shelf, draw_view

CPU = torch.device("cpu")
# Weight of the Dice loss beside the cross entropy.
DICE_SHARE = 0.5
# Share of the average that each step keeps.
EMA_KEEP = 0.998
WARM_UP_STEPS = 150
# Share of a sheet's probability of being drawn that does not depend on its loss.
EVEN_SHARE = 0.4
# Share of a sheet's last loss that is kept when the next is known.
COST_KEEP = 0.5


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of crops.

    Parameters
    ----------
    places : (n,) ndarray of int64
        Number of each crop's sheet in the pool.
    crops : Crops
        The crops.
    share : (n,) Tensor
        Weight of each crop, 1 in the mean.
    """

    places: npt.NDArray[np.int64]
    crops: Crops
    share: Tensor

    @property
    def weight(self) -> Tensor:
        """Weight of each pixel, (n, 1, size, size)."""
        return self.crops.weight * self.share[:, None, None, None]


class Attention:
    """Draws sheets by their last loss: sheets with a high loss more often, with a weight that is lower in proportion.

    The gradient has the same mean and less noise (importance sampling, Katharopoulos and Fleuret 2018,
    arXiv:1803.00942).
    """

    def __init__(self) -> None:
        self._costs = np.empty(0)

    def draw(self, rng: np.random.Generator, sheets: int, crops: int) -> tuple[npt.NDArray[np.int64], list[float]]:
        """Return places of sheets to crop, and the weight of each crop.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the choice.
        sheets : int
            Sheets to choose from, the first ones of the pool.
        crops : int
            Crops to draw.
        """
        self._make_room(sheets)
        costs = self._costs[:sheets]
        chance = np.ones(sheets)
        known = np.isfinite(costs)
        if known.any():
            chance[known] = EVEN_SHARE + (1 - EVEN_SHARE) * costs[known] / costs[known].mean()
        places = rng.choice(sheets, crops, p=chance / chance.sum())
        return places, [float(chance.mean() / chance[place]) for place in places]

    def learn(self, places: npt.NDArray[np.int64], costs: Sequence[float]) -> None:
        """Store the loss of each crop, to draw its sheet by."""
        self._make_room(int(places.max()) + 1)
        for place, cost in zip(places.tolist(), costs, strict=True):
            before = self._costs[place]
            self._costs[place] = cost if np.isnan(before) else COST_KEEP * before + (1 - COST_KEEP) * cost

    def _make_room(self, sheets: int) -> None:
        if sheets > len(self._costs):
            self._costs = np.concatenate([self._costs, np.full(sheets - len(self._costs), np.nan)])


def draw_batch(
    rng: np.random.Generator, shelf: Shelf, crops: int, size_px: int, attention: Attention | None = None
) -> Batch:
    """Draw crops of sheets, each turned, mirrored and changed in contrast.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all choices.
    shelf : Shelf
        The sheets; sheets drawn meanwhile are copied first.
    crops : int
        Crops in the batch.
    size_px : int
        Rows and columns of a crop, a multiple of 16.
    attention : Attention, optional
        Chooses the sheets; without it all have the same probability.
    """
    shelf.update()
    places, shares = rng.integers(shelf.sheets, size=crops), [1.0] * crops
    if attention is not None:
        places, shares = attention.draw(rng, shelf.sheets, crops)
    views = [draw_view(rng, place, shelf.size_px - size_px, shelf.blind_share) for place in places.tolist()]
    cut = shelf.cut(views, size_px)
    return Batch(places, cut, torch.tensor(shares, dtype=torch.float32).to(cut.weight.device))


def loss_of(log_odds: Tensor, batch: Batch) -> Tensor:
    """Return the weighted cross entropy plus half the soft Dice loss of a batch.

    The cross entropy gives probabilities and punishes false alarms in spotless crops; the Dice loss follows F1.

    Parameters
    ----------
    log_odds : Tensor, shape (n, 1, size, size)
        Output of the network.
    batch : Batch
        The crops that it is the output for.
    """
    defect, weight = batch.crops.defect, batch.weight
    entropy = functional.binary_cross_entropy_with_logits(log_odds, defect, weight, reduction="sum")
    probability = torch.sigmoid(log_odds)
    both = (weight * probability * defect).sum()
    either = (weight * (probability + defect)).sum()
    dice = 1 - (2 * both + 50) / (either + 50)
    # Defects are a few hundredths of the pixels; Dice sums over defects only and so weighs them against sound film.
    total: Tensor = 4 * entropy / weight.sum() + DICE_SHARE * dice
    return total


def distillation_loss(log_odds: Tensor, reference_log_odds: Tensor, batch: Batch) -> Tensor:
    """Return the cross entropy against a reference network, over the pixels where the reference is right.

    A network with this loss learns something new and keeps what the reference knows (learning without forgetting, Li
    and Hoiem 2016, arXiv:1606.09282).

    Parameters
    ----------
    log_odds, reference_log_odds : Tensor, shape (n, 1, size, size)
        Outputs of the network and of the reference.
    batch : Batch
        The crops that they are the outputs for.

    Returns
    -------
    Tensor
        A scalar in units of `loss_of`.
    """
    probability = torch.sigmoid(reference_log_odds)
    right = (probability > 0.5) == (batch.crops.defect > 0.5)
    weight = batch.weight
    entropy = functional.binary_cross_entropy_with_logits(log_odds, probability, weight * right, reduction="sum")
    mean: Tensor = 4 * entropy / weight.sum()
    return mean


@torch.no_grad()
def costs_of(log_odds: Tensor, batch: Batch) -> list[float]:
    """Return the mean cross entropy of each crop, weighted by pixel."""
    weight = batch.weight
    entropy = functional.binary_cross_entropy_with_logits(log_odds, batch.crops.defect, weight, reduction="none")
    over = (1, 2, 3)
    costs: list[float] = (entropy.sum(over) / weight.sum(over).clamp_min(1)).tolist()
    return costs


class Averaged:
    """The network with its weights averaged over the last steps; this one is validated and exported."""

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval()
        self._steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Add the network's weights after one more step to the average."""
        self._steps += 1
        keep = min(EMA_KEEP, self._steps / (self._steps + 9))
        means, values = (list(each.state_dict().values()) for each in (self.network, network))
        numbers = [at for at, mean in enumerate(means) if mean.dtype.is_floating_point]
        average: Any = get_ema_multi_avg_fn
        average(keep)([means[at] for at in numbers], [values[at] for at in numbers], self._steps)
        for mean, value in zip(means, values, strict=True):
            if not mean.dtype.is_floating_point:
                mean.copy_(value)


class Learner:
    """A network that learns, its optimizer, and the average of its weights.

    Parameters
    ----------
    network : nn.Module
        From densities and infrared to log odds.
    device : torch.device, optional
        Device to learn on.
    reference : nn.Module, optional
        Network to hold to, in evaluation mode.
    hold : float
        Weight of `distillation_loss` against the reference, beside `loss_of`.
    """

    def __init__(
        self, network: nn.Module, device: torch.device = CPU, reference: nn.Module | None = None, hold: float = 0.0
    ) -> None:
        self.device = device
        self.network = with_memory_format(network.to(device), torch.channels_last)
        self.averaged = Averaged(self.network)
        self.optimizer = Optimizer(self.network)
        self.frozen = False
        self._reference = None
        if reference is not None:
            self._reference = with_memory_format(reference.to(device), torch.channels_last)
        self._hold = hold

    def freeze(self) -> None:
        """Normalise by the mean statistics of the steps so far from now on, as the exported network does.

        Else the network would learn to rely on the statistics of each batch of a few crops.
        """
        mean = self.averaged.network.state_dict()
        statistics = {name: value for name, value in mean.items() if "running_" in name}
        self.network.load_state_dict(statistics, strict=False)
        self.frozen = True

    def step(
        self, batch: Batch, rate: float, *, bfloat16: bool, most_gradient: float | None = None
    ) -> tuple[float, Tensor]:
        """Take one optimizer step.

        Parameters
        ----------
        batch : Batch
            Crops to learn from.
        rate : float
            Learning rate.
        bfloat16 : bool
            Whether the network computes in bfloat16.
        most_gradient : float, optional
            Largest norm of the gradient; a larger one is scaled down.

        Returns
        -------
        tuple
            The loss, and the log odds before the step, (n, 1, size, size).
        """
        self.network.train(not self.frozen)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            log_odds = self.network(batch.crops.density, batch.crops.infrared)
        loss = loss_of(log_odds.float(), batch)
        if self._reference is not None:
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
                reference = self._reference(batch.crops.density, batch.crops.infrared)
            loss = loss + self._hold * distillation_loss(log_odds.float(), reference.float(), batch)
        self.network.zero_grad()
        torch.autograd.backward(loss)
        if most_gradient is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), most_gradient)
        self.optimizer.step(rate)
        self.averaged.update(self.network)
        return float(loss.detach()), log_odds.detach().float()


def add_options(parser: argparse.ArgumentParser, *, sheets: int) -> None:
    """Add the options that all trainings share to a command line; `sheets` is the default of `--sheets`."""
    parser.add_argument("--steps", type=int, default=10**9, help="largest number of steps")
    parser.add_argument("--crops", type=int, default=8, help="crops a step")
    parser.add_argument("--crop-px", type=int, default=256, help="size of a crop, a multiple of 16")
    parser.add_argument("--sheets", type=int, default=sheets, help="sheets in the pool")
    parser.add_argument("--sheet-px", type=int, default=512, help="size of a sheet")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="for processors that have instructions for it")


def learning_rate(step: int, progress: float, highest: float) -> float:
    """Return the learning rate: a warm-up of `WARM_UP_STEPS`, times half a cosine down to 1 % of the highest rate.

    Parameters
    ----------
    step : int
        Steps taken so far.
    progress : float
        Part of the hours that is over, 0..1.
    highest : float
        Rate at the beginning of the cosine.
    """
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return highest * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
