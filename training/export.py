"""From a trained network to the shipped file: ONNX with probabilities, and a card that says what it is."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.network import MULTIPLE_PX, margin_px
from training.sources import HELD_OUT_DRAWN_STEP, HELD_OUT_PHOTOS, HELD_OUT_SCANS
from training.validation import Figures

OPSET = 17
MODEL, CARD = "defects.onnx", "defects.json"


@dataclass(frozen=True, slots=True)
class Run:
    """How a network came about: options, steps, seconds, sheets drawn, and figures by threshold."""

    options: argparse.Namespace
    steps: int
    seconds: float
    sheets: int
    figures: Mapping[float, Figures]


class _WithProbability(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, density: Tensor) -> Tensor:
        return torch.sigmoid(self.network(density))


def export(network: nn.Module, run: Run, folder: Path) -> Path:
    """Write the model and its card.

    Parameters
    ----------
    network : nn.Module
        From densities to log odds.
    run : Run
        How it came about.
    folder : Path
        Where to.

    Returns
    -------
    Path
        The model's file.
    """
    path = folder / MODEL
    write_onnx(network, path)
    (folder / CARD).write_text(json.dumps(card(run, path), indent=2) + "\n")
    return path


def write_onnx(network: nn.Module, path: Path) -> None:
    """Write the network, its normalisation folded into the convolutions, for any size in multiples of 16 px."""
    module = _WithProbability(network).to(memory_format=torch.contiguous_format).eval()
    size = 4 * MULTIPLE_PX
    with warnings.catch_warnings():
        # The newer exporter needs another package and gives the same graph.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.zeros(1, 3, size, size),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["density"],
            output_names=["probability"],
            dynamic_axes={name: {2: "rows", 3: "cols"} for name in ("density", "probability")},
        )


def card(run: Run, model: Path) -> dict[str, object]:
    """Return what is known about a model."""
    threshold = max(run.figures, key=lambda each: run.figures[each].mean_f1)
    return {
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "command": "python -m training.train " + " ".join(sys.argv[1:]),
        "input": {"name": "density", "multiple_px": MULTIPLE_PX, "margin_px": margin_px()},
        "data": {
            "sheets": run.sheets,
            "held_out_photos": list(HELD_OUT_PHOTOS),
            "held_out_scans": list(HELD_OUT_SCANS),
            "held_out_drawn": f"every {HELD_OUT_DRAWN_STEP}th by name",
        },
        "seed": run.options.seed,
        "steps": run.steps,
        "hours": round(run.seconds / 3600, 3),
        "threshold": threshold,
        "figures": {str(each): asdict(run.figures[each]) for each in run.figures},
    }
