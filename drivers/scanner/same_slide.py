"""Tells whether two captures show the same slide, as after a fault that left open whether the feeder had moved."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from filmscand.drivers.base import Rgb

GRID = 24
# Two scans of one slide differ by noise and a pixel of position: box means of a 24 x 24 grid by far less than this
# part of their spread; two slides differ by about the spread itself.
SAME_WITHIN = 0.15


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Box means of a picture on a coarse grid."""

    means: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rgb: Rgb) -> Fingerprint:
        """Take the fingerprint of a picture."""
        rows = np.array_split(np.arange(rgb.shape[0]), GRID)
        cols = np.linspace(0, rgb.shape[1], GRID + 1).astype(int)
        # A few rows of each band stand for it: a whole-frame mean would take longer than the copy of the frame.
        lines = np.stack([rgb[band[:: max(1, len(band) // 8)]].mean(axis=0) for band in rows if len(band)])
        boxes = [lines[:, low:high].mean(axis=1) for low, high in pairwise(cols) if high > low]
        return cls(np.stack(boxes, axis=1))

    def same_slide(self, other: Fingerprint) -> bool:
        """Tell whether both show the same slide."""
        if self.means.shape != other.means.shape:
            return False
        spread = max(float(self.means.std()), float(other.means.std()), 1.0)
        return float(np.abs(self.means - other.means).mean()) < SAME_WITHIN * spread
