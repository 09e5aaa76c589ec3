"""Compares two captures: do they show the same slide? Needed when a fault leaves open whether the feeder has moved."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from filmscand.drivers.base import Rgb

# Rows and columns of boxes in a fingerprint.
GRID = 24
# Largest mean difference between two fingerprints of the same slide, as a share of their standard deviation. Two scans
# of one slide differ by noise and a pixel of position, far less than this; two slides by about a standard deviation.
SAME_WITHIN = 0.15


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Box means of a picture on a coarse grid.

    Attributes
    ----------
    means : (boxes down, boxes across, 3) ndarray of float64
        Mean counts of each box and colour, 0..65535; at most 24 x 24 boxes.
    """

    means: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rgb: Rgb) -> Fingerprint:
        """Compute the fingerprint of a picture, (rows, cols, 3) of uint16."""
        bands = np.array_split(np.arange(rgb.shape[0]), GRID)
        cols = np.linspace(0, rgb.shape[1], GRID + 1).astype(int)
        # Some eight rows represent each band: the mean of the whole frame would take longer than copying the frame.
        lines = np.stack([rgb[band[:: max(1, len(band) // 8)]].mean(axis=0) for band in bands if len(band)])
        boxes = [lines[:, low:high].mean(axis=1) for low, high in pairwise(cols) if high > low]
        return cls(np.stack(boxes, axis=1))

    def same_slide(self, other: Fingerprint) -> bool:
        """Return whether both fingerprints show the same slide."""
        if self.means.shape != other.means.shape:
            return False
        spread = max(float(self.means.std()), float(other.means.std()), 1.0)
        return float(np.abs(self.means - other.means).mean()) < SAME_WITHIN * spread
