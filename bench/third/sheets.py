"""Sheets of a frame of the third simulator, to look at: raw, infrared, cleaned, and the mask against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.measures.metrics import Answer
from bench.third.frame import ThirdFrame
from training.mask_agreement import widened

Tile = npt.NDArray[np.uint8]

_MISSED, _HIT, _FALSE = (255, 60, 60), (70, 220, 90), (80, 140, 255)
_GAP_PX = 6


def save_sheet(path: Path, frame: ThirdFrame, answer: Answer) -> None:
    """Write a PNG of four tiles: raw and infrared above, cleaned and mask below.

    In the mask, green is a hit, red a visible defect that was not found, and blue was marked without a defect.

    Parameters
    ----------
    path : Path
        The file; its folder is created if missing.
    frame : ThirdFrame
        The frame.
    answer : Answer
        What a cleaner made of it.
    """
    raw, cleaned = (_shown(frame.curve[rgb]) for rgb in (frame.rgb, answer.rgb))
    sheet = np.concatenate([_beside(raw, _infrared(frame)), _beside(cleaned, _verdict(raw, frame, answer))])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path)


def _shown(display: npt.NDArray[np.float32]) -> Tile:
    return np.asarray(np.rint(display.clip(0, 1) * 255), np.uint8)


def _infrared(frame: ThirdFrame) -> Tile:
    if frame.infrared is None:
        return np.zeros_like(frame.rgb, np.uint8)
    level = frame.infrared / max(float(np.percentile(frame.infrared, 99.5)), 1.0)
    return np.repeat(_shown(level.astype(np.float32))[..., None], 3, -1)


def _verdict(raw: Tile, frame: ThirdFrame, answer: Answer) -> Tile:
    shown = np.repeat((raw.mean(-1, keepdims=True) * 0.6).astype(np.uint8), 3, -1)
    near = widened(frame.visible_mask)
    shown[frame.visible_mask & ~widened(answer.mask)] = _MISSED
    shown[answer.mask & near] = _HIT
    shown[answer.mask & ~near] = _FALSE
    return shown


def _beside(left: Tile, right: Tile) -> Tile:
    gap = np.full((left.shape[0], _GAP_PX, 3), 128, np.uint8)
    row = np.concatenate([left, gap, right], 1)
    return np.concatenate([row, np.full((_GAP_PX, row.shape[1], 3), 128, np.uint8)])
