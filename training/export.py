"""Export a checkpoint: `python -m training.export --checkpoint FILE --output DIR`.

Writes an ONNX model and its card. A checkpoint from another machine needs `--photos` and `--artefacts`, the folders of
its sources on this machine. `--before MODEL --before-share 0.3` exports the mean of its weights and those of a model
that its training began with.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

from training.networks.onnx_export import export, mix
from training.networks.starting_weights import read_checkpoint, reference_network
from training.networks.trainer import Trainer
from training.train import cases_for
from training.train import parse as parse_training


def main() -> None:
    """Export a checkpoint."""
    arguments = _arguments()
    options = _training_options(arguments)
    trainer = Trainer(options)
    if arguments.before is not None:
        options.hold_to = arguments.before
        mix(trainer.averaged.network, reference_network(options), arguments.before_share)
    arguments.output.mkdir(parents=True, exist_ok=True)
    run = replace(trainer.run(), before_share=arguments.before_share)
    export(trainer.averaged.network, run, trainer.validate(cases_for(options)), arguments.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--photos", type=Path, help="folder of the training's photographs on this machine")
    parser.add_argument("--artefacts", type=Path, help="folder of the training's artefacts on this machine")
    parser.add_argument("--before", type=Path, help="a model or checkpoint that the training began with")
    parser.add_argument("--before-share", type=float, default=0.0, help="share of its weights in the mean, 0..1")
    arguments = parser.parse_args()
    if arguments.before_share and arguments.before is None:
        parser.error("--before-share: expected --before with the network that has that share, found none")
    return arguments


def _training_options(arguments: argparse.Namespace) -> argparse.Namespace:
    """Return the options of the training that wrote the checkpoint, changed to find its sources on this machine."""
    command = read_checkpoint(arguments.checkpoint)["command"]
    _python, _m, _module, *words = shlex.split(command)
    options = parse_training(words)
    options.command, options.output, options.device = command, arguments.checkpoint.parent, "cpu"
    options.photos = arguments.photos or options.photos
    options.artefacts = arguments.artefacts or options.artefacts
    # Nothing more is learnt, and the network that the training held to may not be on this machine.
    options.hold = 0.0
    return options


if __name__ == "__main__":
    main()
