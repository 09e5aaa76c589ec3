"""Train the detector: `python -m training.train --hours H --photos DIR --artefacts DIR --output DIR`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from training.networks.learning import add_options
from training.networks.network import BLOCKS
from training.networks.onnx_export import export
from training.networks.shelf import BLIND_SHARE, Shelf
from training.networks.trainer import Trainer
from training.networks.validation import Case, Figures, Limits, held_out_cases, operating_points
from training.sheets.pool import Pool, PoolPlan, WithInfrared, filled
from training.sheets.sources import load_sources

# Sheets that the pool must hold before the first step.
LEAST_SHEETS = 150
LOG_EVERY_STEPS = 50


def train(options: argparse.Namespace) -> None:
    """Train until the hours are over, then export the network with its card."""
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    # All crops have one size: cuDNN searches the fastest algorithm of each convolution once.
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
        infrared=WithInfrared(options.infrared),
        drawers=options.drawers,
    )


def cases_for(options: argparse.Namespace) -> list[Case]:
    """Simulate the held-out frames that a training is validated on."""
    sources = load_sources(options.photos, options.artefacts, held_out=True)
    return list(held_out_cases(sources, options.frame_rows))


def _learn(trainer: Trainer, pool: Pool, cases: Sequence[Case], curve: IO[str]) -> None:
    options = trainer.options
    # A network that is only asked about frames with infrared need not do without it.
    blind_share = 0.0 if options.infrared == WithInfrared.ALL else BLIND_SHARE
    shelf = Shelf(pool, None if options.device == "cpu" else torch.device(options.device), blind_share)
    sheets_before, saved_s = trainer.sheets, trainer.seconds
    losses: list[float] = []
    while not trainer.finished():
        losses.append(trainer.learn(shelf))
        trainer.sheets = max(sheets_before, pool.drawn)
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


def _log(curve: IO[str], trainer: Trainer, entries: dict[str, Any]) -> None:
    line = json.dumps({"step": trainer.step, "seconds": round(trainer.seconds), **entries})
    curve.write(line + "\n")
    curve.flush()
    print(line, flush=True)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line (`sys.argv` if `arguments` is None)."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--hours", type=float, default=1.5, help="hours of learning, without drawing and validation")
    parser.add_argument("--photos", type=Path, help="folder of photographs (*.jpg)")
    parser.add_argument("--artefacts", type=Path, help="folder with outlines.json and drawn/")
    parser.add_argument("--output", type=Path, required=True, help="folder for the checkpoint, the curve and the model")
    _add_earlier_networks(parser)
    parser.add_argument(
        "--infrared",
        choices=[str(each) for each in WithInfrared],
        default=str(WithInfrared.SOME),
        help="which sheets have an infrared plane: for a network that is asked about frames with infrared only, all",
    )
    parser.add_argument(
        "--blocks", type=int, nargs="+", default=BLOCKS, help="residual blocks: one number, or one for each resolution"
    )
    add_options(parser, sheets=3000)
    parser.add_argument("--device", default="cpu", help="PyTorch device that the network learns on: cpu, cuda")
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw sheets")
    parser.add_argument(
        "--checkpoint-only",
        action="store_true",
        help="neither validate nor export; training.export does both from the checkpoint, on another machine if needed",
    )
    parser.add_argument("--validate-minutes", type=float, default=8.0, help="minutes between checkpoints")
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
        help="weight, beside the loss, of the difference from another network where that network is right",
    )
    parser.add_argument(
        "--hold-to", type=Path, help="that network, a checkpoint or a model (default: the network of --start)"
    )


if __name__ == "__main__":
    train(parse())
