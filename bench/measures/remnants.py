"""What a person sees of a cleaned frame: obvious defects that were missed or left half, and new blemishes.

All is measured on display values, smoothed over 3 x 3 pixels so that one grain of film is no defect and no remnant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from training.mask_agreement import TOLERANCE_PX, Mask, widened

Display = npt.NDArray[np.float32]

# An obvious defect changes the light by a tenth at its core, ...
OBVIOUS_SHARE = 0.10
# ... and the display value by five levels of 255, which an eye tells from its surroundings in plain ground, ...
VISIBLE_STEP = 0.02
# ... over as many pixels as a speck of two by three.
FEWEST_PX = 6
# The core is the most changed tenth of a defect. Its area is where it changes at least a third as much: in its weaker
# rim, grain alone looks like a remnant.
_CORE_PERCENT, _AREA_SHARE = 90, 1 / 3
# Share of a defect's area that has to be touched, and of what the defect did that makes a pixel a remnant.
TOUCHED_SHARE, REMNANT_SHARE = 0.5, 0.5
# Share of the area with a remnant from which a defect is half healed.
HALF_SHARE = 0.15
_DISPLAY_GAMMA = 2.2
_SMOOTHED_PX = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """Display values of a frame, (rows, cols, 3), 0..1: damaged, as it should be, and as it was cleaned."""

    before: Display
    truth: Display
    after: Display


@dataclass(frozen=True, slots=True)
class Remnants:
    """Counts of one or more frames.

    Attributes
    ----------
    obvious : int
        Defects that change the light by at least a tenth at their core, over at least six pixels.
    missed : int
        Obvious ones of which less than half is touched, or over half keeps more than half of its error.
    half : int
        Other obvious ones of which over 15 % of the area keep over half of what the defect did, in the same direction.
    blemishes : int
        Connected places outside true defects that cleaning made visibly worse.
    """

    obvious: int = 0
    missed: int = 0
    half: int = 0
    blemishes: int = 0

    def __add__(self, other: Remnants) -> Remnants:
        """Return the sum of the counts."""
        return Remnants(
            self.obvious + other.obvious,
            self.missed + other.missed,
            self.half + other.half,
            self.blemishes + other.blemishes,
        )


def count_remnants(shown: Shown, labels: npt.NDArray[np.int32], visible: Mask) -> Remnants:
    """Return what was left of each obvious defect, and the new blemishes.

    Parameters
    ----------
    shown : Shown
        Display values before and after cleaning, and the truth.
    labels : (rows, cols) ndarray of int32
        Number of the defect on each pixel, from 1; 0 for none.
    visible : (rows, cols) ndarray of bool
        Where damage is visible.
    """
    soft = Shown(*map(_smoothed, (shown.before, shown.truth, shown.after)))
    touched = (shown.before != shown.after).any(-1)
    total = Remnants(blemishes=_count_blemishes(soft, visible))
    for place, area in _obvious_defects(soft, labels, visible):
        remnant = _remnant(Shown(soft.before[place], soft.truth[place], soft.after[place]))[area].mean()
        missed = touched[place][area].mean() < TOUCHED_SHARE or remnant > TOUCHED_SHARE
        total += Remnants(1, int(missed), int(not missed and remnant > HALF_SHARE))
    return total


def _obvious_defects(
    soft: Shown, labels: npt.NDArray[np.int32], visible: Mask
) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """Yield the window and the area in it of each obvious defect."""
    seen = np.where(visible, labels, 0)
    for number, place in enumerate(ndimage.find_objects(seen), 1):
        if place is None:
            continue
        own = np.asarray(seen[place] == number)
        if own.sum() < FEWEST_PX:
            continue
        before, truth = soft.before[place], soft.truth[place]
        step = np.abs(before - truth).max(-1)
        core = np.percentile(step[own], _CORE_PERCENT)
        light = np.abs(_light(before) / _light(truth) - 1).max(-1)
        if core >= VISIBLE_STEP and np.percentile(light[own], _CORE_PERCENT) >= OBVIOUS_SHARE:
            yield (place[0], place[1]), own & (step >= _AREA_SHARE * core)


def _smoothed(display: Display) -> Display:
    size = 2 * _SMOOTHED_PX + 1
    return np.asarray(cv2.blur(display, (size, size)), np.float32)


def _light(display: Display) -> Display:
    return np.maximum(display, np.float32(1e-3)) ** np.float32(_DISPLAY_GAMMA)


def _remnant(soft: Shown) -> Mask:
    """Return where over half of what a defect did is left, in the same direction, (rows, cols)."""
    done = soft.before - soft.truth
    left = soft.after - soft.truth
    along = np.einsum("rcx,rcx->rc", left, done)
    return np.asarray(along > REMNANT_SHARE * np.einsum("rcx,rcx->rc", done, done))


def _count_blemishes(soft: Shown, visible: Mask) -> int:
    """Return the number of connected places away from defects whose error grew by a visible step."""
    grown = np.abs(soft.after - soft.truth) - np.abs(soft.before - soft.truth)
    worse = (grown.max(-1) > VISIBLE_STEP) & ~widened(visible, TOLERANCE_PX + _SMOOTHED_PX)
    names, count = ndimage.label(worse, np.ones((3, 3)))
    return int((np.bincount(names.ravel(), minlength=count + 1)[1:] >= FEWEST_PX).sum())
