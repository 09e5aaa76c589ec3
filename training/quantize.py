"""Make the shipped detectors from the trained ones: `python -m training.quantize --photos DIR --artefacts DIR`.

The trained networks in `training/models/` compute in 32-bit floats. Those that are shipped compute their convolutions
in 8-bit integers, which takes about half of the time on processors that have instructions for it (AVX-512 VNNI). Their
ranges are measured on simulated frames. Sums of integers are exact: the result does not depend on their order.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from filmscand.film.frame import SimulatedFrame
from filmscand.ir.network.density_input import density_planes, measure_levels
from filmscand.ir.network.model_file import INFRARED, SHIPPED, SHIPPED_FOR_INFRARED
from filmscand.ir.stopwatch import StopWatch
from training.calibrate import calibration_frames, infrared_frame, large_enough, saved_by_program
from training.sheets.sources import load_sources

Inputs = dict[str, npt.NDArray[np.float32]]

TRAINED = Path("training/models")
# Sides of the planes are multiples of this.
MULTIPLE_PX = 16
# What runs in integers. What the network does with the counts before its first convolution stays in floats, and so does
# the last convolution, whose output is the log odds.
IN_INTEGERS = ("Conv", "Add", "Relu", "Resize")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the ranges, and write models and cards."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parse(arguments)
    sources = load_sources(options.photos, options.artefacts, held_out=False)
    sources = replace(sources, photos=large_enough(sources.photos))
    frames = [frame for _, frame in calibration_frames(sources, options.frames)]
    command = shlex.join(["python", "-m", "training.quantize", *arguments])
    for name in (SHIPPED, SHIPPED_FOR_INFRARED):
        shown = list(shown_with_infrared(frames) if name == SHIPPED_FOR_INFRARED else shown_in_colours(frames))
        quantize(options.trained / name, shown, options.output / name)
        write_card(options.trained / name, options.output / name, {"command": command, "frames": len(shown)})
        print(f"{options.output / name}: made from {options.trained / name} with {len(shown)} frames", flush=True)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.quantize", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs (*.jpg)")
    parser.add_argument("--artefacts", type=Path, required=True, help="folder with outlines.json and drawn/")
    parser.add_argument("--frames", type=int, default=70, help="number of frames")
    parser.add_argument("--trained", type=Path, default=TRAINED, help="folder of the trained networks and their cards")
    parser.add_argument("--output", type=Path, default=Path("ir/models"))
    return parser.parse_args(arguments)


def shown_in_colours(frames: Iterable[SimulatedFrame]) -> Iterator[Inputs]:
    """Yield what the detector for the colours alone is shown of frames: every second as a program saves it."""
    for number, frame in enumerate(frames):
        rgb = saved_by_program(frame, np.random.default_rng(number)) if number % 2 else frame.rgb
        yield {"density": _whole(density_planes(rgb, measure_levels(rgb)))}


def shown_with_infrared(frames: Iterable[SimulatedFrame]) -> Iterator[Inputs]:
    """Yield what the detector for colours and infrared is shown of frames, those left out whose infrared is useless."""
    for frame in frames:
        seen = infrared_frame(frame, StopWatch())
        if seen is not None:
            density = _whole(density_planes(frame.rgb, measure_levels(frame.rgb)))
            yield {"density": density, INFRARED: _whole(seen.view.planes((0, 0), frame.rgb.shape[:2]))}


def quantize(trained: Path, shown: Iterable[Inputs], output: Path) -> None:
    """Write a network with convolutions in integers.

    Weights have 7 bits and a scale for each channel, activations 8 bits and the range that the shown frames had. With
    an eighth bit of the weights, processors without VNNI would overflow.

    Parameters
    ----------
    trained : Path
        The network in floats, as `training.export` writes it.
    shown : iterable of dict
        Planes by the names of the inputs, (1, planes, rows, cols) each.
    output : Path
        File to write.

    References
    ----------
    B. Jacob and others, Quantization and training of neural networks for efficient integer-arithmetic-only inference,
    CVPR 2018.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / trained.name
        quant_pre_process(str(trained), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(output),
            _Shown(shown),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(IN_INTEGERS),
            nodes_to_exclude=_in_floats(onnx.load(prepared)),
        )


def write_card(trained: Path, output: Path, made: dict[str, Any]) -> None:
    """Write the card of a quantized network: that of the trained one, and how it was made from it."""
    card = json.loads(trained.with_suffix(".json").read_text())
    made = {"from_sha256": card["sha256"], **made}
    card = {**card, "sha256": hashlib.sha256(output.read_bytes()).hexdigest(), "quantized": made}
    output.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")


class _Shown(CalibrationDataReader):  # type: ignore[misc]
    """Hands out what was shown, one frame after the other, as onnxruntime asks for it."""

    def __init__(self, shown: Iterable[Inputs]) -> None:
        self._left = iter(shown)

    def get_next(self) -> Inputs | None:
        return next(self._left, None)


def _in_floats(model: onnx.ModelProto) -> list[str]:
    names = [node.name for node in model.graph.node]
    convolutions = [index for index, node in enumerate(model.graph.node) if node.op_type == "Conv"]
    return [*names[: convolutions[0]], names[convolutions[-1]]]


def _whole(planes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Cut the planes of a frame to a size that a network accepts; (1, planes, rows, cols)."""
    rows, cols = (length // MULTIPLE_PX * MULTIPLE_PX for length in planes.shape[1:])
    return np.ascontiguousarray(planes[None, :, :rows, :cols])


if __name__ == "__main__":
    main()
