"""How an infrared plane lies on a picture as a whole: as scanned, turned, inverted, far off, or not at all.

Tiles see a small part of a frame and shifts of some pixels. This module compares the whole planes, reduced (see
`whole_planes.py`), with the infrared turned and moved. One sharp peak of their correlation, of either sign, shows that
both show the same film. Planes without such a peak need not be foreign: clean film without leakage has nothing that
both could show. They are foreign if the infrared shows specks that the picture would show too, and does not::

    matched(shift)  = sum of w picture(x + shift) infrared(x)      w: 1 / local variance of the picture's detail
    expected(shift) = sum of w specks(x)^2                         specks: infrared beyond its own noise
    foreign         = matched < 0.15 expected at every shift nearby, and 0.15 expected is far above the noise of matched

matched / expected is the density of the specks in the picture over that in the infrared: 1 to 5 for dust, about 0.4
where half of the dust shows in the infrared alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.registration.registration import MAX_SHIFT_PX
from filmscand.ir.registration.whole_planes import (
    DETAIL_PX,
    FLAT,
    Counts,
    Plane,
    detail,
    highest_peak,
    reduced,
    reduction,
    spread,
    surface,
)

# Height of a peak that is certain where the infrared lies as it should, deviations of the correlation around it. Planes
# of two films reach 13, those of one film 16 to 300.
SURE_PLACE = 16.0
# The same for infrared that has to be turned or moved: a few specks of two films agree by chance in one of many places.
SURE_CHANGE = 32.0
# Detail of the infrared beyond this is a speck, deviations of its detail.
SPECK = 5.0
# Rounds of fitting the leaked picture to detail without specks.
ROUNDS = 4
# Light of the picture, part of its bright film, below which it shows no specks.
LIT = 0.02
# Smallest part of a speck's infrared density that the picture shows if it is the same film.
LEAST_SLOPE = 0.15
# That part has to exceed so many deviations of the noise: foreign planes reach 5.
SURE_MISS = 6.0


class Fit(Enum):
    """Whether an infrared plane and a picture show the same film."""

    SAME = "same"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"


class Turn(NamedTuple):
    """How a plane has to be turned: rows and columns exchanged first, then each reversed."""

    exchanged: bool = False
    rows: bool = False
    cols: bool = False

    def of(self, plane: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return a view of a (rows, cols) plane, turned."""
        plane = plane.T if self.exchanged else plane
        return plane[:: -1 if self.rows else 1, :: -1 if self.cols else 1]


# The turn of infrared that lies as it should.
AS_SCANNED = Turn()


@dataclass(frozen=True, slots=True)
class Placement:
    """How an infrared plane has to be changed to lie on its picture.

    Attributes
    ----------
    fit : Fit
        Whether the planes show the same film.
    turn : Turn
        How the infrared has to be turned.
    shift_px : (int, int)
        Rows and columns by which the turned infrared has to be moved; (0, 0) where `measure_registration` finds the
        shift itself.
    opposed : bool
        Whether detail that is dark in one plane is bright in the other.
    inverted : bool
        Whether the infrared is inverted: defects are bright in it.
    peak : float
        Height of the correlation's peak, deviations of the surface.
    """

    fit: Fit
    turn: Turn = AS_SCANNED
    shift_px: tuple[int, int] = (0, 0)
    opposed: bool = False
    inverted: bool = False
    peak: float = 0.0

    @property
    def as_scanned(self) -> bool:
        """Whether both planes are used as they are."""
        return not (any(self.turn) or any(self.shift_px) or self.opposed)

    @property
    def picture_inverted(self) -> bool:
        """Whether the picture is a positive made from a negative, so that dust is bright in it."""
        return self.opposed and not self.inverted

    def infrared(self, plane: Counts) -> Counts:
        """Return the infrared on the picture's grid, with dark specks.

        Parameters
        ----------
        plane : (rows, cols) ndarray of uint16
            The infrared as scanned.

        Returns
        -------
        (rows, cols) ndarray of uint16
            Turned, moved and inverted back. It is 0, as a holder is, where the moved plane does not reach.
        """
        turned = np.asarray(self.turn.of(plane), np.uint16)
        turned = inverse(turned) if self.inverted else turned
        placed = np.zeros_like(turned)
        here, there = zip(*map(_overlap, self.shift_px, turned.shape), strict=True)
        placed[here] = turned[there]
        return placed


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Return the places of an axis before and after a move."""
    return slice(max(shift, 0), length + min(shift, 0)), slice(max(-shift, 0), length - max(shift, 0))


def find_placement(picture: Counts, infrared: Counts) -> Placement:
    """Find how an infrared plane lies on a picture (see this module for the equations).

    Parameters
    ----------
    picture : (rows, cols, 3) or (rows, cols) ndarray of uint16
        Counts of the picture, or of one of its colours.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane.

    Returns
    -------
    Placement
        The best of 4 turns (8 on square frames), shifts up to a tenth of each side, and both signs. `Fit.UNKNOWN` and
        no change where neither plane shows enough to tell.
    """
    step = reduction(infrared.shape)
    light, dark = reduced(picture, step), reduced(infrared, step)
    seen, shown = detail(light), detail(dark)
    turns = [Turn(*map(bool, turn)) for turn in np.ndindex(1 + (dark.shape[0] == dark.shape[1]), 2, 2)]
    tried = [_Place(turn, *highest_peak(seen, np.asarray(turn.of(shown)))) for turn in turns]
    sure = [place for place in tried if abs(place.peak) >= place.least_peak(step)]
    best = max(sure or [_Place(AS_SCANNED, (0, 0), 0.0)], key=lambda place: abs(place.peak))
    peak = max(abs(place.peak) for place in tried)
    if _is_foreign(light, seen, best.of(shown), -(-MAX_SHIFT_PX // step)):
        return Placement(Fit.FOREIGN, peak=peak)
    if not sure:
        return Placement(Fit.UNKNOWN, peak=peak)
    rows, cols = (0, 0) if best.is_near(step) else (step * steps for steps in best.steps)
    opposed = best.peak < 0
    return Placement(Fit.SAME, best.turn, (rows, cols), opposed, opposed and _is_inverted(seen, best.of(dark)), peak)


class _Place(NamedTuple):
    """A place of the infrared: its turn, its move in pixels of the reduced planes, and its peak, of either sign."""

    turn: Turn
    steps: tuple[int, int]
    peak: float

    def of(self, plane: Plane) -> Plane:
        """Return a reduced plane, placed."""
        return np.asarray(np.roll(self.turn.of(plane), self.steps, (0, 1)), np.float32)

    def is_near(self, step: int) -> bool:
        """Whether the move is small enough for `measure_registration`."""
        return step * max(map(abs, self.steps)) <= MAX_SHIFT_PX // 2

    def least_peak(self, step: int) -> float:
        return SURE_PLACE if self.is_near(step) and not any(self.turn) else SURE_CHANGE


def inverse(counts: Counts) -> Counts:
    """Return 65535 less the counts of a plane."""
    return np.asarray(np.iinfo(np.uint16).max - counts, np.uint16)


def _is_foreign(light: Plane, seen: Plane, shown: Plane, near: int) -> bool:
    """Whether the infrared shows specks that the picture would show too, and does not, at any shift up to `near`."""
    specks = np.where(np.abs(shown) > SPECK * spread(shown), shown, np.float32(0))
    lit = light > LIT * float(np.quantile(light, 0.99))
    lit = ndimage.binary_erosion(lit, iterations=DETAIL_PX, border_value=1)
    local = ndimage.gaussian_filter(np.minimum(seen**2, (SPECK * spread(seen)) ** 2), 2.0 * DETAIL_PX)
    weights = np.asarray(lit / (local + np.float32(FLAT**2)), np.float32)
    matched = surface(weights * seen, shown, whitened=False)
    # The picture's own dust lowers the weights at the right shift; so the least expectation nearby counts.
    expected = surface(weights, specks**2, whitened=False)
    nearby = tuple(slice(max(side // 2 - near, 0), side // 2 + near + 1) for side in matched.shape)
    least = LEAST_SLOPE * float(expected[nearby].min())
    return bool(np.abs(matched[nearby]).max() < least and least > SURE_MISS * matched.std())


def _is_inverted(seen: Plane, infrared: Plane) -> bool:
    """Whether it is the infrared that is inverted, not the picture: then its specks are dark once it is inverted back.

    Specks are detail that the leaked picture does not explain, so that their sign is that of dust.
    """
    back = np.float32(np.iinfo(np.uint16).max) - infrared
    return _skewness(seen, detail(back)) < _skewness(seen, detail(infrared))


def _skewness(seen: Plane, shown: Plane) -> float:
    """Return the sum of the cubes of specks without the leaked picture over that of their sizes: -1 if all are dark."""
    left = shown
    for _ in range(ROUNDS):
        plain = np.abs(left) < SPECK * spread(left)
        leak = np.vdot(seen[plain], shown[plain]) / (np.vdot(seen[plain], seen[plain]) + FLAT)
        left = shown - np.float32(leak) * seen
    cubes = left[np.abs(left) > SPECK * spread(left)].astype(np.float64) ** 3
    return float(cubes.sum() / (np.abs(cubes).sum() + np.finfo(np.float32).tiny))
