"""One step of learning: a batch of crops, what it costs to be wrong, and the weights averaged over the steps."""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from training.optimizing import Optimizer
from training.shelf import Crops, Shelf, draw_look

CPU = torch.device("cpu")
DICE_SHARE = 0.5
EMA_KEEP = 0.998
WARM_UP_STEPS = 150
# Of the chance of a sheet, what does not depend on its cost; and how much of a cost is kept when the next is known.
EVEN_SHARE = 0.4
COST_KEEP = 0.5


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops, the places of their sheets in the pool, and what each crop weighs, (n,)."""

    places: npt.NDArray[np.int64]
    crops: Crops
    share: Tensor

    @property
    def weight(self) -> Tensor:
        """What each pixel counts, (n, 1, size, size)."""
        return self.crops.weight * self.share[:, None, None, None]


class Attention:
    """Which sheets to learn from: what costs much is drawn more often, and weighs so much less.

    The gradient has the same mean and less noise (importance sampling, Katharopoulos and Fleuret 2018,
    arXiv:1803.00942).
    """

    def __init__(self) -> None:
        self._costs = np.empty(0)

    def draw(self, rng: np.random.Generator, sheets: int, crops: int) -> tuple[npt.NDArray[np.int64], list[float]]:
        """Return places of sheets and what a crop of each weighs."""
        self._make_room(sheets)
        costs = self._costs[:sheets]
        chance = np.ones(sheets)
        known = np.isfinite(costs)
        if known.any():
            chance[known] = EVEN_SHARE + (1 - EVEN_SHARE) * costs[known] / costs[known].mean()
        places = rng.choice(sheets, crops, p=chance / chance.sum())
        return places, [float(chance.mean() / chance[place]) for place in places]

    def learn(self, places: npt.NDArray[np.int64], costs: Sequence[float]) -> None:
        """Take note of what crops cost."""
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
    """Draw crops of sheets, each turned, mirrored and shown with another contrast."""
    shelf.take_in()
    places, shares = rng.integers(shelf.sheets, size=crops), [1.0] * crops
    if attention is not None:
        places, shares = attention.draw(rng, shelf.sheets, crops)
    looks = [draw_look(rng, place, shelf.size_px - size_px) for place in places.tolist()]
    cut = shelf.cut(looks, size_px)
    return Batch(places, cut, torch.tensor(shares, dtype=torch.float32).to(cut.weight.device))


def loss_of(log_odds: Tensor, batch: Batch) -> Tensor:
    """Return the weighted cross entropy plus half the soft Dice loss of the batch.

    The first gives probabilities and punishes false alarms in spotless crops; the second is what F1 asks for.
    """
    defect, weight = batch.crops.defect, batch.weight
    entropy = functional.binary_cross_entropy_with_logits(log_odds, defect, weight, reduction="sum")
    probability = torch.sigmoid(log_odds)
    both = (weight * probability * defect).sum()
    either = (weight * (probability + defect)).sum()
    dice = 1 - (2 * both + 50) / (either + 50)
    # Defects are a few parts in a hundred of the pixels: the sum is taken over them, not over the empty film.
    return 4 * entropy / weight.sum() + DICE_SHARE * dice


def parting(log_odds: Tensor, said: Tensor, batch: Batch) -> Tensor:
    """Return what it costs to part from what another network says, where that one is right, in units of `loss_of`.

    So a network learns something more and keeps what it knows (Li and Hoiem 2016, arXiv:1606.09282).
    """
    probability = torch.sigmoid(said)
    right = (probability > 0.5) == (batch.crops.defect > 0.5)
    weight = batch.weight
    entropy = functional.binary_cross_entropy_with_logits(log_odds, probability, weight * right, reduction="sum")
    return 4 * entropy / weight.sum()


@torch.no_grad()
def costs_of(log_odds: Tensor, batch: Batch) -> list[float]:
    """Return the weighted cross entropy of each crop."""
    weight = batch.weight
    entropy = functional.binary_cross_entropy_with_logits(log_odds, batch.crops.defect, weight, reduction="none")
    over = (1, 2, 3)
    return (entropy.sum(over) / weight.sum(over).clamp_min(1)).tolist()


class Averaged:
    """The network with its weights averaged over the last steps, which is what is validated and shipped."""

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval()
        self._steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take one step of the network into the mean."""
        self._steps += 1
        keep = min(EMA_KEEP, self._steps / (self._steps + 9))
        means, values = (list(each.state_dict().values()) for each in (self.network, network))
        numbers = [at for at, mean in enumerate(means) if mean.dtype.is_floating_point]
        get_ema_multi_avg_fn(keep)([means[at] for at in numbers], [values[at] for at in numbers], self._steps)
        for mean, value in zip(means, values, strict=True):
            if not mean.dtype.is_floating_point:
                mean.copy_(value)


class Learner:
    """A network that learns, its optimizer, and the mean of its weights.

    Parameters
    ----------
    network : nn.Module
        From densities and infrared to log odds.
    device : torch.device, optional
        Where it learns.
    before : nn.Module, optional
        Another network, as it is asked (`eval`), and `hold`: what `parting` from it counts beside the loss.
    """

    def __init__(
        self, network: nn.Module, device: torch.device = CPU, before: nn.Module | None = None, hold: float = 0.0
    ) -> None:
        self.device = device
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.averaged = Averaged(self.network)
        self.optimizer = Optimizer(self.network)
        self.frozen = False
        self._before = None if before is None else before.to(device).to(memory_format=torch.channels_last)
        self._hold = hold

    def freeze(self) -> None:
        """From now on normalise by the statistics of the steps so far, as the exported network does.

        A batch of a few crops has statistics of its own, which the network would go on to rely on.
        """
        mean = self.averaged.network.state_dict()
        statistics = {name: value for name, value in mean.items() if "running_" in name}
        self.network.load_state_dict(statistics, strict=False)
        self.frozen = True

    def step(
        self, batch: Batch, rate: float, *, bfloat16: bool, most_gradient: float | None = None
    ) -> tuple[float, Tensor]:
        """Take one step at a learning rate, with the gradient's norm bounded where asked for.

        Returns the loss and the log odds that it was of.
        """
        self.network.train(not self.frozen)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            log_odds = self.network(batch.crops.density, batch.crops.infrared)
        loss = loss_of(log_odds.float(), batch)
        if self._before is not None:
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
                said = self._before(batch.crops.density, batch.crops.infrared)
            loss = loss + self._hold * parting(log_odds.float(), said.float(), batch)
        self.network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if most_gradient is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), most_gradient)
        self.optimizer.step(rate)
        self.averaged.update(self.network)
        return float(loss.detach()), log_odds.detach().float()


def add_options(parser: argparse.ArgumentParser, *, sheets: int) -> None:
    """Add the options of every training to a command line; `sheets` is the default of theirs."""
    parser.add_argument("--steps", type=int, default=10**9, help="end after so many steps at the latest")
    parser.add_argument("--crops", type=int, default=8, help="crops a step")
    parser.add_argument("--crop-px", type=int, default=256, help="size of a crop, a multiple of 16")
    parser.add_argument("--sheets", type=int, default=sheets, help="sheets in the pool")
    parser.add_argument("--sheet-px", type=int, default=512, help="size of a sheet")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="for processors that have instructions for it")


def learning_rate(step: int, progress: float, highest: float) -> float:
    """Return the rate: a short warm-up, then half a cosine over the hours given (`progress` 0..1)."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return highest * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
