"""Train the detector: `python -m training.train --hours H --photos DIR --artefacts DIR --output DIR`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.export import Run, export
from training.exported import load_exported
from training.learning import CPU, Attention, Averaged, Learner, add_options, costs_of, draw_batch, learning_rate
from training.network import BLOCKS, MULTIPLE_PX, DefectNetwork
from training.pool import Pool, PoolPlan, filled
from training.shelf import Shelf
from training.sources import load_sources
from training.synthesizer import draw_sheet
from training.validation import Case, Figures, Limits, held_out_cases, operating_points, validate

LEAST_SHEETS = 300
SAMPLE_SHEETS = 32
LOG_EVERY_STEPS = 50
MOST_GRADIENT = 2.0
# The second half of the hours is learnt with the statistics that the exported network normalises by.
FROZEN_FROM = 0.5


class Trainer:
    """A network on its way, which can be laid aside and taken up again.

    Parameters
    ----------
    options : argparse.Namespace
        As `parse` returns them.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        network = DefectNetwork(blocks=tuple(options.blocks), infrared=options.infrared)
        self.attention = Attention()
        self.step, self.seconds, self.sheets = 0, 0.0, 0
        self.history: list[dict[str, Any]] = []
        resumed = self._checkpoint.exists()
        if options.start is not None and not resumed:
            weights, self.history = _weights_and_history(options, options.start)
            _begin_from_smaller(network, weights)
        before = held_to(options) if options.hold else None
        self.learner = Learner(network, torch.device(options.device), before, options.hold)
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
        """Write the checkpoint, whole or not at all."""
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
        """Take one step and return its loss."""
        started_s = time.monotonic()
        rng = np.random.default_rng([self.options.seed, 7, self.step])
        batch = draw_batch(rng, shelf, self.options.crops, self.options.crop_px, self.attention)
        # With other statistics it would say something else than what it is to hold to.
        if not self.learner.frozen and (self.options.hold or self._part_done() >= FROZEN_FROM):
            self.learner.freeze()
        rate = learning_rate(self.step, self._part_done(), self.options.rate)
        loss, log_odds = self.learner.step(batch, rate, bfloat16=self.options.bfloat16, most_gradient=MOST_GRADIENT)
        self.attention.learn(batch.places, costs_of(log_odds, batch))
        self.step += 1
        self.seconds += time.monotonic() - started_s
        return loss

    def _part_done(self) -> float:
        return self.seconds / (3600 * self.options.hours)

    def validate(self, cases: Sequence[Case]) -> dict[Limits, Figures]:
        """Return the figures of the averaged network."""
        return validate(detector(self.averaged.network), cases)

    def run(self) -> Run:
        """Return how the network came about."""
        return Run(self.options.command, tuple(self.history), self.options, self.step, self.seconds, self.sheets)

    def finished(self) -> bool:
        """Tell whether the hours or the steps are over."""
        return self.seconds >= 3600 * self.options.hours or self.step >= self.options.steps


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `Trainer.save` wrote, wherever the network learnt."""
    state: dict[str, Any] = torch.load(path, map_location=CPU, weights_only=True)
    return state


def _samples(options: argparse.Namespace) -> list[tuple[Tensor, Tensor]]:
    """Draw sheets to measure a network on before it learns."""
    sources = load_sources(options.photos, options.artefacts, held_out=False)
    rngs = (np.random.default_rng([options.seed, 11, number]) for number in range(SAMPLE_SHEETS))
    sheets = [draw_sheet(rng, options.sheet_px, sources, infrared=options.infrared) for rng in rngs]
    return [tuple(torch.from_numpy(plane)[None] for plane in (sheet.density, sheet.infrared)) for sheet in sheets]


def held_to(options: argparse.Namespace) -> DefectNetwork:
    """Return the network that a run is to hold to."""
    network = DefectNetwork(blocks=tuple(options.blocks), infrared=options.infrared)
    _begin_from_smaller(network, _weights_and_history(options, options.hold_to or options.start)[0])
    return network.eval()


def _weights_and_history(options: argparse.Namespace, path: Path) -> tuple[Mapping[str, Tensor], list[dict[str, Any]]]:
    """Return the weights of a checkpoint or a model, and the runs that they came about by."""
    if path.suffix == ".onnx":
        smaller, history = _network_and_history(options, path)
        return load_exported(path, smaller, _samples(options)).state_dict(), history
    state = read_checkpoint(path)
    done = {"command": state["command"], "steps": state["step"], "hours": round(state["seconds"] / 3600, 3)}
    return state["averaged"], [*state["history"], done]


def _network_and_history(options: argparse.Namespace, path: Path) -> tuple[DefectNetwork, list[dict[str, Any]]]:
    """Return a network as large as an exported model's and the runs that it came about by, from its card.

    One without a card is as large as is asked for, and has no history.
    """
    file = path.with_suffix(".json")
    if not file.exists():
        return DefectNetwork(blocks=tuple(options.blocks), infrared=options.infrared), []
    card = json.loads(file.read_text())
    try:
        done = {name: card[name] for name in ("command", "steps", "hours")}
        widths, blocks = (tuple(card["network"][name]) for name in ("widths", "blocks"))
        return DefectNetwork(widths, blocks, infrared=options.infrared), [*card["went_on_from"], done]
    except KeyError as error:
        raise ValueError(f"{file}: expected the card of a training, found none of its key {error}") from error


def _begin_from_smaller(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Take over weights of as many blocks and channels, or of fewer: what goes beyond them begins as doing nothing.

    Further channels do something, as they were drawn, but nothing of the smaller network listens to them yet.
    """
    own = network.state_dict()
    unlike = [name for name in own if name not in weights and not name.startswith("blocks.")]
    unlike += [name for name, weight in weights.items() if name not in own or not _holds(own[name], weight)]
    if unlike:
        raise ValueError(
            f"--start, --hold-to: expected weights of this network or a smaller one, found others: {unlike[:3]}"
        )
    for name, weight in weights.items():
        into = own[name]
        if weight.dim() > 1:
            into[: weight.shape[0]] = 0
        into[tuple(slice(length) for length in weight.shape)] = weight


def _holds(own: Tensor, weight: Tensor) -> bool:
    same = own.dim() == weight.dim() and own.shape[2:] == weight.shape[2:]
    return same and all(have >= wanted for have, wanted in zip(own.shape, weight.shape, strict=True))


def detector(network: nn.Module) -> Any:
    """Return the network as a function from densities and infrared to probabilities, for `training.validation`."""

    device = next(network.parameters()).device

    @torch.no_grad()
    def detect(*planes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        rows, cols = planes[0].shape[1:]
        pad = ((0, 0), (0, -rows % MULTIPLE_PX), (0, -cols % MULTIPLE_PX))
        batches = (torch.from_numpy(np.pad(plane, pad, mode="edge")).unsqueeze(0).to(device) for plane in planes)
        log_odds = network(*(batch.contiguous(memory_format=torch.channels_last) for batch in batches))
        probability = torch.sigmoid(log_odds)
        return probability[0, 0, :rows, :cols].cpu().numpy()

    return detect


def train(options: argparse.Namespace) -> None:
    """Train until the hours are over, then export the network with its card."""
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    # Crops have one size: the fastest way of each convolution is sought once.
    torch.backends.cudnn.benchmark = True
    cases = [] if options.checkpoint_only else cases_for(options)
    trainer = Trainer(options)
    with filled(_plan(options), LEAST_SHEETS) as pool, (output / "curve.jsonl").open("a") as curve:
        _learn(trainer, pool, cases, curve)
        trainer.save()
        if options.checkpoint_only:
            return
        figures = trainer.validate(cases)
        _log(curve, trainer, _report(figures))
    export(trainer.averaged.network, trainer.run(), figures, output)


def _plan(options: argparse.Namespace) -> PoolPlan:
    return PoolPlan(
        Path(options.output) / "pool",
        options.photos,
        options.artefacts,
        options.sheets,
        options.sheet_px,
        options.seed,
        infrared=options.infrared,
        drawers=options.drawers,
    )


def cases_for(options: argparse.Namespace) -> list[Case]:
    """Simulate the frames that a training is validated on."""
    sources = load_sources(options.photos, options.artefacts, held_out=True)
    return list(held_out_cases(sources, options.frame_rows, infrared=options.infrared))


def _learn(trainer: Trainer, pool: Pool, cases: Sequence[Case], curve: Any) -> None:
    options = trainer.options
    shelf = Shelf(pool, None if options.device == "cpu" else torch.device(options.device))
    before, saved_s = trainer.sheets, trainer.seconds
    losses: list[float] = []
    while not trainer.finished():
        losses.append(trainer.learn(shelf))
        trainer.sheets = max(before, pool.drawn)
        if trainer.step % LOG_EVERY_STEPS == 0:
            _log(curve, trainer, {"loss": round(float(np.mean(losses)), 5), "sheets": pool.drawn})
            losses.clear()
        if trainer.seconds - saved_s > 60 * options.validate_minutes:
            saved_s = trainer.seconds
            trainer.save()
            if cases:
                _log(curve, trainer, _report(trainer.validate(cases)))


def _report(figures: Mapping[Limits, Figures]) -> dict[str, Any]:
    limits = operating_points(figures)["0.5"]
    return {"limits": limits, **asdict(figures[limits])}


def _log(curve: Any, trainer: Trainer, what: dict[str, Any]) -> None:
    line = json.dumps({"step": trainer.step, "seconds": round(trainer.seconds), **what})
    curve.write(line + "\n")
    curve.flush()
    print(line, flush=True)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--hours", type=float, default=1.5, help="time to learn, drawing and validation apart")
    parser.add_argument("--photos", type=Path, help="folder of photographs (*.jpg)")
    parser.add_argument("--artefacts", type=Path, help="folder with outlines.json and drawn/")
    parser.add_argument("--output", type=Path, required=True, help="folder for the checkpoint, the curve and the model")
    _add_earlier_networks(parser)
    parser.add_argument(
        "--infrared", action="store_true", help="train a network that sees the infrared beside the colours"
    )
    parser.add_argument(
        "--blocks", type=int, nargs="+", default=BLOCKS, help="residual blocks: one number, or one for each resolution"
    )
    add_options(parser, sheets=3000)
    parser.add_argument("--device", default="cpu", help="where the network learns, as PyTorch names it: cpu, cuda")
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw sheets")
    parser.add_argument(
        "--checkpoint-only",
        action="store_true",
        help="validate and export nothing: training.export does it from the checkpoint, elsewhere if need be",
    )
    parser.add_argument("--validate-minutes", type=float, default=8.0, help="save, and validate, as often")
    parser.add_argument("--frame-rows", type=int, default=640, help="height of the frames to validate on")
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    if options.hold and options.hold_to is None and options.start is None:
        parser.error("--hold: expected --hold-to or --start with the network to hold to, found neither")
    if len(options.blocks) == 1:
        options.blocks = options.blocks * len(BLOCKS)
    options.command = shlex.join(["python", "-m", "training.train", *arguments])
    return options


def _add_earlier_networks(parser: argparse.ArgumentParser) -> None:
    """Add the options that name networks of earlier runs."""
    parser.add_argument(
        "--start",
        type=Path,
        help="weights to begin with, of this network or one with fewer blocks or channels: a checkpoint or a model",
    )
    parser.add_argument(
        "--hold",
        type=float,
        default=0.0,
        help="what it counts, beside the loss, to part from what another network says where that is right",
    )
    parser.add_argument(
        "--hold-to", type=Path, help="that network, a checkpoint or a model; without, the one of --start"
    )


if __name__ == "__main__":
    train(parse())
