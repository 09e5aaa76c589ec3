"""Candidate regions of a frame: what the residual infrared shows, and what the network shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection._region_kernels import SEED
from filmscand.ir.detection.regions import (
    Regions,
    concatenated,
    connected_regions,
    find_regions,
    region_means,
    seed_limits,
    select,
)
from filmscand.ir.network.detector import PROBABILITY_SCALE, PROBABLE
from filmscand.ir.network.infrared_view import InfraredView


def residual_candidates(view: InfraredView) -> Regions:
    """Return the regions in which something blocks the infrared, as far as its noise tells.

    Parameters
    ----------
    view : InfraredView
        Infrared without the picture's leakage.
    """
    limits = seed_limits(view.noise)
    return find_regions(view.residual, view.base, view.noise, limits, view.holder_blocks)


def probable_candidates(probability: npt.NDArray[np.uint8]) -> Regions:
    """Return the regions in which the network sees a defect at least as probable as none.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    """
    classes = np.where(probability >= round(PROBABLE * PROBABILITY_SCALE), np.uint8(SEED), np.uint8(0))
    return connected_regions(classes)


def joined_candidates(probable: Regions, residual: Regions, shape: tuple[int, int]) -> Regions:
    """Return the network's regions, and the residual's that none of them meets.

    Where both see something, the network's outline counts: it is that of the damage in the picture, and the residual's
    also follows what leaks.

    Parameters
    ----------
    probable, residual : Regions
        Regions of network and residual.
    shape : (rows, cols)
        Size of the frame, pixels.
    """
    seen = np.zeros(shape, np.bool_)
    seen[probable.rows, probable.cols] = True
    alone = region_means(seen[residual.rows, residual.cols], residual) == 0
    return concatenated(probable, select(residual, alone))
