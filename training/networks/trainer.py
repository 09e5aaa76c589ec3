"""A network in training, which can be saved and resumed, and the network as a detector to validate."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.networks.learning import Attention, Averaged, Learner, costs_of, draw_batch, learning_rate
from training.networks.network import MULTIPLE_PX, DefectNetwork
from training.networks.onnx_export import TrainingRun
from training.networks.shelf import Shelf
from training.networks.starting_weights import copy_smaller, read_checkpoint, reference_network, weights_and_history
from training.networks.validation import Case, Detect, Figures, Limits, validate

# Largest norm of the gradient of a step.
MOST_GRADIENT = 2.0
# From this part of the hours on, the network normalises by the mean statistics, as the exported network does.
FROZEN_FROM = 0.5


class Trainer:
    """A network in training; it resumes from `checkpoint.pt` in the output folder if that exists.

    Parameters
    ----------
    options : argparse.Namespace
        As `training.train.parse` returns them.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        network = DefectNetwork(blocks=tuple(options.blocks))
        self.attention = Attention()
        self.step, self.seconds, self.sheets = 0, 0.0, 0
        self.history: list[dict[str, Any]] = []
        resumed = self._checkpoint.exists()
        if options.start is not None and not resumed:
            weights, self.history = weights_and_history(options, options.start)
            copy_smaller(network, weights)
        reference = reference_network(options) if options.hold else None
        self.learner = Learner(network, torch.device(options.device), reference, options.hold)
        if resumed:
            self._resume(self._checkpoint)

    @property
    def averaged(self) -> Averaged:
        """The network with its weights averaged over the steps."""
        return self.learner.averaged

    @property
    def _checkpoint(self) -> Path:
        return Path(self.options.output) / "checkpoint.pt"

    def _resume(self, path: Path) -> None:
        state = read_checkpoint(path)
        self.learner.network.load_state_dict(state["network"])
        self.learner.averaged.network.load_state_dict(state["averaged"])
        self.learner.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]
        self.sheets = state.get("sheets", 0)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "network": self.learner.network.state_dict(),
            "averaged": self.learner.averaged.network.state_dict(),
            "optimizer": self.learner.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "sheets": self.sheets,
            "command": self.options.command,
            "history": self.history,
        }
        fresh = self._checkpoint.with_suffix(".part")
        torch.save(state, fresh)
        fresh.replace(self._checkpoint)

    def learn(self, shelf: Shelf) -> float:
        """Take one step on crops of a shelf's sheets and return its loss."""
        started_s = time.monotonic()
        rng = np.random.default_rng([self.options.seed, 7, self.step])
        batch = draw_batch(rng, shelf, self.options.crops, self.options.crop_px, self.attention)
        # The reference network normalises by its mean statistics; with a batch's own, this one would part from it.
        if not self.learner.frozen and (self.options.hold or self._part_done() >= FROZEN_FROM):
            self.learner.freeze()
        rate = learning_rate(self.step, self._part_done(), self.options.rate)
        loss, log_odds = self.learner.step(batch, rate, bfloat16=self.options.bfloat16, most_gradient=MOST_GRADIENT)
        self.attention.learn(batch.places, costs_of(log_odds, batch))
        self.step += 1
        self.seconds += time.monotonic() - started_s
        return loss

    def _part_done(self) -> float:
        return self.seconds / self._limit_s

    @property
    def _limit_s(self) -> float:
        return 3600 * float(self.options.hours)

    def validate(self, cases: Sequence[Case]) -> dict[Limits, Figures]:
        """Return the figures of the averaged network on held-out frames, for each pair of limits."""
        return validate(detector(self.averaged.network), cases)

    def run(self) -> TrainingRun:
        """Return how the network was trained so far."""
        return TrainingRun(
            self.options.command, tuple(self.history), self.options, self.step, self.seconds, self.sheets
        )

    def finished(self) -> bool:
        """Tell whether the hours or the steps are over."""
        return self.seconds >= self._limit_s or self.step >= int(self.options.steps)


def detector(network: nn.Module) -> Detect:
    """Return a network as a function from densities and infrared, (3, rows, cols), to probabilities, (rows, cols)."""
    device = next(network.parameters()).device

    @torch.no_grad()
    def detect(*planes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        rows, cols = planes[0].shape[1:]
        pad = ((0, 0), (0, -rows % MULTIPLE_PX), (0, -cols % MULTIPLE_PX))
        batches = (torch.from_numpy(np.pad(plane, pad, mode="edge")).unsqueeze(0).to(device) for plane in planes)
        log_odds = network(*(batch.contiguous(memory_format=torch.channels_last) for batch in batches))
        probability = torch.sigmoid(log_odds)
        cut: npt.NDArray[np.float32] = probability[0, 0, :rows, :cols].cpu().numpy()
        return cut

    typed: Detect = detect
    return typed
