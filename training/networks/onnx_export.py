"""A trained network as an ONNX model with probabilities, and the card that tells how it was trained."""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.networks.network import MARGIN_PX, MULTIPLE_PX, WIDTHS, with_memory_format
from training.networks.validation import Figures, Limits, operating_points
from training.sheets.sources import HELD_OUT_DRAWN_STEP, HELD_OUT_PHOTOS, HELD_OUT_SCANS, photo_paths

OPSET = 17
INPUTS = ("density", "infrared")
MODEL = "defects.onnx"


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """How a network was trained.

    Parameters
    ----------
    command : str
        Command line of the training.
    history : tuple of mapping
        Command, steps and hours of the earlier runs whose weights it began with, oldest first.
    options : argparse.Namespace
        Options of that command line.
    steps : int
        Steps taken.
    seconds : float
        Time spent in steps.
    sheets : int
        Sheets drawn.
    before_share : float
        Share of an earlier run's weights in the exported mean, 0..1.
    """

    command: str
    history: tuple[Mapping[str, object], ...]
    options: argparse.Namespace
    steps: int
    seconds: float
    sheets: int
    before_share: float = 0.0


class _WithProbability(nn.Module):
    """A network whose output is a probability instead of log odds."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *planes: Tensor) -> Tensor:
        return torch.sigmoid(self.network(*planes))


def export(network: nn.Module, run: TrainingRun, figures: Mapping[Limits, Figures], folder: Path) -> Path:
    """Write the model and its card.

    Parameters
    ----------
    network : nn.Module
        From densities and infrared, (n, 3, rows, cols) each, to log odds.
    run : TrainingRun
        How it was trained.
    figures : mapping from Limits to Figures
        Its results on the held-out frames.
    folder : Path
        Existing folder; receives NAME.onnx and NAME.json.

    Returns
    -------
    Path
        Path of the model.
    """
    path = folder / MODEL
    write_onnx(network, path, INPUTS)
    path.with_suffix(".json").write_text(json.dumps(card(run, figures, path), indent=2) + "\n")
    return path


def write_onnx(network: nn.Module, path: Path, inputs: Sequence[str] = ("density",)) -> None:
    """Write a network as an ONNX model that gives probabilities, its normalisation folded into the convolutions.

    Parameters
    ----------
    network : nn.Module
        From planes, (n, 3, rows, cols) each, to log odds.
    path : Path
        Model file to write.
    inputs : sequence of str
        Names of the planes. The model accepts any rows and columns that are multiples of 16.
    """
    module = with_memory_format(_WithProbability(network).to("cpu"), torch.contiguous_format).eval()
    size = 4 * MULTIPLE_PX
    with warnings.catch_warnings():
        # The newer exporter needs another package and gives the same graph.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(torch.zeros(1, 3, size, size) for _ in inputs),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=["probability"],
            dynamic_axes={name: {2: "rows", 3: "cols"} for name in (*inputs, "probability")},
        )


def card(run: TrainingRun, figures: Mapping[Limits, Figures], model: Path) -> dict[str, object]:
    """Return the content of a model's card.

    Parameters
    ----------
    run : TrainingRun
        How the network was trained.
    figures : mapping from Limits to Figures
        Its results on the held-out frames.
    model : Path
        The model file, to be hashed.

    Returns
    -------
    dict
        Plain data for JSON; docs/reference/models.md explains the keys.
    """
    points = operating_points(figures)
    options = run.options
    return {
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "command": run.command,
        "went_on_from": list(run.history),
        "multiple_px": MULTIPLE_PX,
        "margin_px": MARGIN_PX,
        "threshold": points["0.5"].grow,
        "probabilities": {name: points[name]._asdict() for name in points},
        "network": {"widths": list(WIDTHS), "blocks": list(options.blocks)},
        "loss": "weighted cross entropy + 0.5 soft Dice",
        "optimizer": f"Muon for kernels, AdamW for the rest, rate {options.rate}, half a cosine; weights averaged; "
        "sheets drawn by what they cost; statistics frozen from half the time on",
        "data": _data(options, run.sheets),
        "seed": options.seed,
        "steps": run.steps,
        "crops": options.crops,
        "crop_px": options.crop_px,
        "part_of_the_weights_before": run.before_share,
        "hours": round(run.seconds / 3600, 3),
        "figures": {name: asdict(figures[points[name]]) for name in points},
    }


def _data(options: argparse.Namespace, sheets: int) -> dict[str, object]:
    photos = [] if options.photos is None else photo_paths(options.photos, held_out=False)
    return {
        "sheets": sheets,
        "sheet_px": options.sheet_px,
        "photos": [path.stem for path in photos],
        "held_out_photos": list(HELD_OUT_PHOTOS),
        "held_out_scans": list(HELD_OUT_SCANS),
        "held_out_drawn": f"every {HELD_OUT_DRAWN_STEP}th by name",
    }


@torch.no_grad()
def mix(network: nn.Module, earlier: nn.Module, share: float) -> None:
    """Replace a network's weights by their mean with those of the network it was trained from.

    w = (1 - share) w + share w_earlier. Such a mean forgets less than the later network and keeps most of what that one
    learnt (Wortsman and others 2022, arXiv:2109.01903). Where the earlier weight is 0, the later one stays: it is a
    weight of the infrared, and the earlier network saw the colours alone.

    Parameters
    ----------
    network : nn.Module
        The later network; changed in place.
    earlier : nn.Module
        The network that its training began with, of the same shape.
    share : float
        Weight of the earlier network, 0..1.
    """
    weights = earlier.state_dict()
    for name, own in network.state_dict().items():
        if own.dtype.is_floating_point:
            earlier_own = weights[name]
            own.copy_(torch.where(earlier_own == 0, own, own.lerp(earlier_own, share)))
