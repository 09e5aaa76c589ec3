"""From a trained network to the shipped file: ONNX with probabilities, and a card that says what it is.

`python -m training.export --checkpoint FILE --output DIR` takes a checkpoint, also one that came from another machine:
then `--photos` and `--artefacts` say where its sources lie here. `--before MODEL --before-share 0.3` takes the mean of
its weights and those of a model that it learnt on from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from training.network import MARGIN_PX, MULTIPLE_PX, WIDTHS
from training.sources import HELD_OUT_DRAWN_STEP, HELD_OUT_PHOTOS, HELD_OUT_SCANS, photo_paths
from training.validation import Figures, Limits, operating_points

OPSET = 17
INPUTS = {False: ("density",), True: ("density", "infrared")}
MODELS = {False: "defects.onnx", True: "defects-infrared.onnx"}


@dataclass(frozen=True, slots=True)
class Run:
    """How a network came about.

    Command, runs it went on from, options, steps, seconds of learning, sheets drawn, and what part of its weights is
    that of a run before.
    """

    command: str
    history: tuple[Mapping[str, object], ...]
    options: argparse.Namespace
    steps: int
    seconds: float
    sheets: int
    before_share: float = 0.0


class _WithProbability(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *planes: Tensor) -> Tensor:
        return torch.sigmoid(self.network(*planes))


def export(network: nn.Module, run: Run, figures: Mapping[Limits, Figures], folder: Path) -> Path:
    """Write the model and its card.

    Parameters
    ----------
    network : nn.Module
        From densities and infrared to log odds.
    run : Run
        How it came about.
    figures : mapping from Limits to Figures
        What it reached on held-out frames.
    folder : Path
        Where to.

    Returns
    -------
    Path
        The model's file.
    """
    path = folder / MODELS[run.options.infrared]
    write_onnx(network, path, INPUTS[run.options.infrared])
    path.with_suffix(".json").write_text(json.dumps(card(run, figures, path), indent=2) + "\n")
    return path


def write_onnx(network: nn.Module, path: Path, inputs: Sequence[str] = ("density",)) -> None:
    """Write the network, its normalisation folded into the convolutions, for any size in multiples of 16 px."""
    module = _WithProbability(network).to("cpu").to(memory_format=torch.contiguous_format).eval()
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


def card(run: Run, figures: Mapping[Limits, Figures], model: Path) -> dict[str, object]:
    """Return what is known about a model."""
    points = operating_points(figures)
    options = run.options
    photos = [] if options.photos is None else photo_paths(options.photos, held_out=False)
    return {
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "command": run.command,
        "went_on_from": list(run.history),
        "multiple_px": MULTIPLE_PX,
        "margin_px": MARGIN_PX,
        "threshold": points["0.5"].grow,
        "probabilities": {name: points[name]._asdict() for name in points},
        "network": {"widths": list(WIDTHS), "blocks": list(options.blocks), "infrared": options.infrared},
        "loss": "weighted cross entropy + 0.5 soft Dice",
        "optimizer": f"Muon for kernels, AdamW for the rest, rate {options.rate}, half a cosine; weights averaged; "
        "sheets drawn by what they cost; statistics frozen from half the time on",
        "data": {
            "sheets": run.sheets,
            "sheet_px": options.sheet_px,
            "photos": [path.stem for path in photos],
            "held_out_photos": list(HELD_OUT_PHOTOS),
            "held_out_scans": list(HELD_OUT_SCANS),
            "held_out_drawn": f"every {HELD_OUT_DRAWN_STEP}th by name",
        },
        "seed": options.seed,
        "steps": run.steps,
        "crops": options.crops,
        "crop_px": options.crop_px,
        "part_of_the_weights_before": run.before_share,
        "hours": round(run.seconds / 3600, 3),
        "figures": {name: asdict(figures[points[name]]) for name in points},
    }


@torch.no_grad()
def mix(network: nn.Module, before: nn.Module, share: float) -> None:
    """Give a network the mean of its weights and those of one that it learnt on from, of which that has a share, 0..1.

    What lies between both forgets less and keeps most of what is new (Wortsman and others 2022, arXiv:2109.01903).
    """
    earlier = before.state_dict()
    for name, own in network.state_dict().items():
        if own.dtype.is_floating_point:
            own.lerp_(earlier[name], share)


def main() -> None:
    """Export a checkpoint."""
    # The training imports this module to export at its end.
    from training.train import Trainer, cases_for, held_to, parse, read_checkpoint

    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--photos", type=Path, help="where the training's photographs lie here")
    parser.add_argument("--artefacts", type=Path, help="where the training's artefacts lie here")
    parser.add_argument("--before", type=Path, help="a model or checkpoint that it learnt on from")
    parser.add_argument("--before-share", type=float, default=0.0, help="what part of the weights is that one's, 0..1")
    own = parser.parse_args()
    if own.before_share and own.before is None:
        parser.error("--before-share: expected --before with the network that has that share, found none")
    command = read_checkpoint(own.checkpoint)["command"]
    _python, _m, _module, *words = shlex.split(command)
    options = parse(words)
    options.command, options.output, options.device = command, own.checkpoint.parent, "cpu"
    options.photos, options.artefacts = own.photos or options.photos, own.artefacts or options.artefacts
    # Nothing more is learnt: what it was to hold to may lie elsewhere.
    options.hold = 0.0
    trainer = Trainer(options)
    if own.before is not None:
        options.hold_to = own.before
        mix(trainer.averaged.network, held_to(options), own.before_share)
    own.output.mkdir(parents=True, exist_ok=True)
    run = replace(trainer.run(), before_share=own.before_share)
    export(trainer.averaged.network, run, trainer.validate(cases_for(options)), own.output)


if __name__ == "__main__":
    main()
