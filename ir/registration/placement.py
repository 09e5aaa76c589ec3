"""How an infrared plane lies on a picture as a whole: as scanned, turned, inverted, far off, or not at all.

Tiles see a small part of a frame and shifts of some pixels. This module compares the whole planes, reduced::

    detail  = ln counts - blurred ln counts
    surface = F^-1(cross / sqrt(|cross|)),    cross = F(detail of picture) conj(F(detail of infrared, turned))

One sharp peak, of either sign, shows that both planes show the same film. Planes without such a peak need not be
strangers: clean film without leakage has nothing that both could show. They are strangers if the infrared shows specks
that the picture does not show anywhere, although it would::

    matched(shift) = sum of w^2 picture(x + shift) infrared(x)     w: 1 / local deviation of the picture's detail
    expected       = sum of w^2 specks(x)^2                        specks: infrared beyond its own noise
    stranger       = matched < expected / 4 at every shift, and expected / 4 is far above the noise of matched

matched / expected is the density of the specks in the picture over that in the infrared: 1 to 5 for dust, about 0.4
where half of the dust shows in the infrared alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from filmscand.ir.registration.registration import MAX_SHIFT_PX
from filmscand.ir.statistics import median_and_deviation

Counts = npt.NDArray[np.uint16]
Plane = npt.NDArray[np.float32]

# Longest side of the reduced planes, pixels: dust of 10 to 20 pixels of a 4000 dpi scan is still there.
REDUCED_PX = 1024
# Added to counts before the logarithm: differences below it are noise.
DARKEST = 256.0
# Detail is finer than this, pixels of the reduced planes (standard deviation of the smoothing).
DETAIL_PX = 4.0
# Detail beyond this counts as this, nepers: opaque dust is as dark in the picture as the picture's own shadows allow.
OPAQUE = 0.5
# Deviation of the detail of a plane that shows none, nepers: a step of eight bits, spread over a block.
FLAT = 0.003
# Largest detail that counts, deviations of the plane's detail: one scratch or the edge of a mount must not outweigh all
# the rest, a few specks of dust have to.
LARGEST_DETAIL = 16.0
# Largest shift, as a share of each side.
REACH = 0.1
# Height of a peak that is certain, deviations of the correlation surface. Planes of two films reach 8, planes of one
# film with dust or leakage 12 to 70 (see docs/explanation/how-a-frame-is-cleaned.md).
SURE_PLACE = 12.0
# Detail of the infrared beyond this is a speck, deviations of its detail.
SPECK = 5.0
# Rounds of fitting the leaked picture to detail without specks.
ROUNDS = 4
# Light of the picture, part of its bright film, below which it shows no specks.
LIT = 0.02
# Smallest part of a speck's infrared density that the picture shows if it is the same film.
LEAST_SLOPE = 0.25
# That part has to exceed so many deviations of the noise: foreign planes reach 6 by chance.
SURE_MISS = 8.0


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
    turn: Turn = Turn()
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
    step = max(1, -(-max(infrared.shape) // REDUCED_PX))
    light = reduced(picture, step)
    seen, shown = _detail(light), _detail(reduced(infrared, step))
    square = infrared.shape[0] == infrared.shape[1]
    turns = [Turn(*map(bool, turn)) for turn in np.ndindex(1 + square, 2, 2)]
    tried = [_place(seen, np.asarray(turn.of(shown)), turn, step) for turn in turns]
    best = max(tried, key=lambda place: place.peak)
    if best.peak >= SURE_PLACE:
        return replace(best, inverted=best.opposed and _is_inverted(light, reduced(infrared, step), best, step))
    return Placement(Fit.FOREIGN if _is_foreign(light, seen, shown) else Fit.UNKNOWN, peak=best.peak)


def inverse(counts: Counts) -> Counts:
    """Return 65535 less the counts of a plane."""
    return np.asarray(np.iinfo(np.uint16).max - counts, np.uint16)


def reduced(plane: Counts, step: int) -> Plane:
    """Return the means of blocks of a plane, all colours together.

    Parameters
    ----------
    plane : (rows, cols, ...) ndarray of uint16
        Counts.
    step : int
        Side of a block, pixels, at least 1.

    Returns
    -------
    (rows // step, cols // step) ndarray of float32
        Counts; blocks that the frame's end cuts are left out, unless there is no other.
    """
    high, wide = (min(step, side) for side in plane.shape[:2])
    rows, cols = plane.shape[0] // high, plane.shape[1] // wide
    # Whole rows are added first: that is one pass through memory.
    bands = plane[: rows * high, : cols * wide].reshape(rows, high, -1).sum(axis=1, dtype=np.uint32)
    blocks = bands.reshape(rows, cols, -1)
    samples = np.float32(high * blocks.shape[2])
    return np.asarray(blocks.sum(axis=2, dtype=np.float32) / samples, np.float32)


def _detail(light: Plane) -> Plane:
    density = np.log(light + np.float32(DARKEST))
    fine = density - ndimage.gaussian_filter(density, DETAIL_PX)
    return np.asarray(np.clip(fine, -OPAQUE, OPAQUE), np.float32)


def _spread(detail: Plane) -> float:
    return max(median_and_deviation(detail)[1], FLAT / 3)


def _place(seen: Plane, shown: Plane, turn: Turn, step: int) -> Placement:
    """Return the place of the highest correlation of two planes' detail, for one turn of the infrared."""
    surface = _surface(_windowed(seen), _windowed(shown), whitening=0.5)
    row, col = np.unravel_index(int(np.argmax(np.abs(surface))), surface.shape)
    peak = float(surface[row, col])
    shift = [step * (int(at) - side // 2) for at, side in zip((row, col), surface.shape, strict=True)]
    near = max(map(abs, shift)) <= MAX_SHIFT_PX // 2
    height = abs(peak) / max(float(surface.std()), float(np.finfo(np.float32).tiny))
    return Placement(Fit.SAME, turn, (0, 0) if near else (shift[0], shift[1]), peak < 0, peak=height)


def _windowed(detail: Plane) -> Plane:
    rows, cols = (np.sqrt(np.hanning(side + 2)[1:-1]) for side in detail.shape)
    most = LARGEST_DETAIL * _spread(detail)
    kept = np.clip(detail, -most, most) / most
    return np.asarray((kept - kept.mean()) * rows[:, None] * cols, np.float32)


def _surface(first: Plane, second: Plane, whitening: float) -> Plane:
    """Return the correlation of two planes at all shifts within reach, without a shift in the middle."""
    reach = [max(4, int(REACH * side)) for side in first.shape]
    size = [fft.next_fast_len(side + far, real=True) for side, far in zip(first.shape, reach, strict=True)]
    cross = fft.rfft2(first, size) * np.conj(fft.rfft2(second, size))
    # Half-whitened: picture detail is strongest in its coarse part, a speck of dust has all frequencies.
    cross /= np.abs(cross) ** whitening + 1e-9 * np.abs(cross).max() + np.finfo(np.float32).tiny
    surface = np.roll(fft.irfft2(cross, size), reach, (0, 1))
    return np.asarray(surface[: 2 * reach[0] + 1, : 2 * reach[1] + 1], np.float32)


def _is_foreign(light: Plane, seen: Plane, shown: Plane) -> bool:
    """Whether the infrared shows specks that the picture would show too, and does not."""
    specks = np.where(np.abs(shown) > SPECK * _spread(shown), shown, np.float32(0))
    lit = light > LIT * float(np.quantile(light, 0.99))
    lit = ndimage.binary_erosion(lit, iterations=round(DETAIL_PX), border_value=1)
    local = ndimage.gaussian_filter(np.minimum(seen**2, (SPECK * _spread(seen)) ** 2), 2 * DETAIL_PX)
    weights = np.asarray(lit / (local + np.float32(FLAT**2)), np.float32)
    matched = _surface(weights * seen, shown, whitening=0.0)
    least = LEAST_SLOPE * float((weights * specks**2).sum())
    return bool(np.abs(matched).max() < least and least > SURE_MISS * matched.std())


def _is_inverted(light: Plane, infrared: Plane, place: Placement, step: int) -> bool:
    """Whether it is the infrared that is inverted, not the picture: then its specks are dark once it is inverted back.

    Specks are what the leaked picture does not explain, so that their sign is that of dust.
    """
    shift = tuple(round(move / step) for move in place.shift_px)
    placed = np.roll(place.turn.of(infrared), shift, (0, 1))
    seen = _detail(light)
    back = _detail(np.float32(np.iinfo(np.uint16).max) - placed)
    return _skewness(seen, back) < _skewness(seen, _detail(placed))


def _skewness(seen: Plane, shown: Plane) -> float:
    """Return the sum of the cubes of specks without the leaked picture, over the sum of their sizes: -1 if all are dark."""
    left = shown
    for _ in range(ROUNDS):
        plain = np.abs(left) < SPECK * _spread(left)
        left = shown - np.vdot(seen[plain], shown[plain]) / (np.vdot(seen[plain], seen[plain]) + FLAT) * seen
    cubes = left[np.abs(left) > SPECK * _spread(left)].astype(np.float64) ** 3
    return float(cubes.sum() / (np.abs(cubes).sum() + np.finfo(np.float32).tiny))
