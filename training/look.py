"""Draw what a model finds: `python -m training.look --model FILE --photos DIR --artefacts DIR --output DIR`.

Writes a PNG for each held-out frame: the frame as scanned, and beside it its defects, found ones in green, missed ones
in red, false ones in blue.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from training.networks.validation import Case, Detect, held_out_cases
from training.sheets.sources import load_sources

# Rows and columns of a model's input are multiples of this many pixels.
MULTIPLE_PX = 16
# OpenCV's order: blue, green, red.
_GREEN, _RED, _BLUE = (0, 200, 0), (0, 0, 255), (255, 60, 0)


def onnx_detector(model: Path, threads: int = 1) -> Detect:
    """Return an ONNX model as a detector; one without an input for the infrared sees the colours alone.

    Parameters
    ----------
    model : Path
        Model file.
    threads : int
        Threads that it runs on.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]

    def detect(*planes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        rows, cols = planes[0].shape[1:]
        pad = ((0, 0), (0, -rows % MULTIPLE_PX), (0, -cols % MULTIPLE_PX))
        inputs = dict(zip(("density", "infrared"), planes, strict=False))
        (output,) = session.run(["probability"], {n: np.pad(inputs[n], pad, mode="edge")[None] for n in names})
        probability: npt.NDArray[np.float32] = output[0, 0, :rows, :cols]
        return probability

    return detect


def drawing(case: Case, found: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return a frame and its defects side by side.

    Parameters
    ----------
    case : Case
        The frame and its truth.
    found : (rows, cols) ndarray of bool
        Pixels that the model calls defects; within 2 pixels of the truth they count as right.

    Returns
    -------
    (rows, 2 cols, 3) ndarray of uint8
        In OpenCV's order: blue, green, red.
    """
    low, high = np.quantile(case.density[:, ::4, ::4], [0.002, 0.995])
    shown = np.clip(1 - (case.density - low) / max(float(high - low), 0.1), 0, 1)
    picture = np.ascontiguousarray(np.moveaxis(shown * 255, 0, -1)[..., ::-1].astype(np.uint8))
    marked = picture // 2 + 64
    near = [cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) > 0 for mask in (case.defect, found)]
    marked[found & near[0]] = _GREEN
    marked[case.defect & ~near[1]] = _RED
    marked[found & ~near[0]] = _BLUE
    return np.hstack([picture, marked])


def main() -> None:
    """Write a drawing of each held-out frame."""
    parser = argparse.ArgumentParser(prog="python -m training.look", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--artefacts", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--frame-rows", type=int, default=640)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    detect = onnx_detector(options.model)
    sources = load_sources(options.photos, options.artefacts, held_out=True)
    for number, case in enumerate(held_out_cases(sources, options.frame_rows)):
        name = f"{number:02d}-{case.group.replace(' ', '-')}.png"
        cv2.imwrite(str(options.output / name), drawing(case, detect(case.density, case.infrared) >= options.threshold))


if __name__ == "__main__":
    main()
