"""Heal defects that only the colours tell of: no infrared says how much light each of them takes.

Dividing by what they take, as far as a fill tells that (`attenuation`), keeps detail and grain. What is opaque is
filled, and grain of the film nearby is lent to it. A defect is left alone where healing promises no gain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as defect_kernels
from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing import _colour_kernels as kernels
from filmscand.ir.healing.attenuation import DETAIL_ERROR, Attenuation, DefectColours, estimate_attenuation
from filmscand.ir.healing.borrowed_grain import Surroundings, borrowed_grain, measure_detail
from filmscand.ir.healing.greyness import colour_slopes, grey_evidence
from filmscand.ir.healing.infrared_healing import (
    DISPLAY_GAMMA,
    SMALLEST_CHANGE,
    Healed,
    colour_levels,
    count_outcomes,
    display_tables,
    fill_from_surroundings,
    pixel_states,
    split_into_cells,
)
from filmscand.ir.planes.photometry import Photometry

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Squared error of a fill for its directions' spread and their ends' disagreement: regression on simulated film.
SPREAD_ERROR = 1.6
DOUBT_ERROR = 0.25
# Dust takes about as much of each colour: deviation of a channel's density, as a part of it. What is bright has less
# of each, in another way: on inverted negatives dust adds light, and up to white; scratches take one dye after another.
NEUTRALITY, BRIGHT_NEUTRALITY = 0.07, 0.3
# Densities up to which a defect is only divided, from which on it may be filled, and beyond which none is believed.
TRANSLUCENT, DENSE, OPAQUE = 0.8, 1.6, 3.5
# Part of a healed cell's expected error that its change must exceed: the change is the raw one's error and the healed
# one's. Errors are expected rather too large where they decide: on simulated film all of it heals less, and no better.
DOUBT = 0.3
GRAIN_BEYOND = 2.0


@dataclass(frozen=True, slots=True)
class _Guess:
    """The healed display values, their expected squared error, and how much of each was divided; (pixels, 3).

    density: what each pixel is taken to take, nepers.
    """

    value: Array
    error: Array
    weight: Array
    density: Array


def heal_by_colours(
    rgb: npt.NDArray[np.uint16],
    regions: Regions,
    probability: npt.NDArray[np.uint8],
    photometry: Photometry,
    infrared_density: Callable[[Regions], Array] | None = None,
) -> Healed:
    """Heal the defects of a frame from its colours, where infrared tells nothing, or too little to divide by.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    regions : Regions
    probability : (rows, cols) ndarray of uint8
        How likely each pixel is a defect, times 255.
    photometry : Photometry
        Of the colours.
    infrared_density : callable, optional
        Gives the density of pixels in infrared, nepers, where infrared shows defects faintly or falsely: it tells their
        course, as far as the colours agree.

    Returns
    -------
    Healed
        Outside `mask` equal to `rgb` to the last bit.
    """
    healed, mask = rgb.copy(), np.zeros(rgb.shape[:2], np.bool_)
    if not len(regions):
        return Healed(healed, mask, 0, 0, 0)
    cells, parents = split_into_cells(regions)
    display = display_tables(photometry)
    marks = pixel_states(cells, rgb.shape)
    look = _look(rgb, Surroundings(display, marks), (cells, parents), photometry)
    hint = None if infrared_density is None else infrared_density(cells)
    guess = _guess(rgb, marks, cells, (display, hint), look)
    # A byte is never quite sure.
    sure = np.asarray((probability[cells.rows, cells.cols] - np.float32(0.5)) / np.float32(255), np.float32)
    promised = _promised(look, guess, sure)
    defect_kernels.write_regions(
        cells.starts,
        cells.rows,
        cells.cols,
        promised,
        (look.raw, look.noise),
        guess.value,
        colour_levels(photometry),
        SMALLEST_CHANGE,
        healed,
        mask,
    )
    weight = np.bincount(look.owners, guess.weight.mean(axis=1)) / np.bincount(look.owners)
    return Healed(healed, mask, *count_outcomes(promised, weight, parents))


def _look(
    rgb: npt.NDArray[np.uint16],
    shown: Surroundings,
    cut: tuple[Regions, npt.NDArray[np.int64]],
    photometry: Photometry,
) -> DefectColours:
    cells, parents = cut
    rows, cols, count = cells.rows, cells.cols, len(cells.rows)
    display, marks = shown.display, shown.marks
    fill, error = fill_from_surroundings(rgb, marks, cells, display)
    channels, counts = np.arange(3), rgb[rows, cols]
    raw = display[channels, counts]
    fill = np.where(fill[:, :1] < 0, raw, fill)
    dark = np.array(photometry.dark_noise[:3], np.float32)[:, None] * np.exp(-photometry.log_tables[:3])
    depths, detail = np.empty(count, np.int64), measure_detail(rgb, shown, cells)
    kernels.measure_depths(marks, rows, cols, depths)
    rough = np.float32(SPREAD_ERROR) * error[:, :3] + np.float32(DOUBT_ERROR) * error[:, 3:]
    return DefectColours(raw, fill, rough, dark[channels, counts], detail, depths - 1, cells.owners, parents)


def _guess(
    rgb: npt.NDArray[np.uint16],
    marks: npt.NDArray[np.uint8],
    cells: Regions,
    known: tuple[Array, Array | None],
    look: DefectColours,
) -> _Guess:
    """Divide by the estimated density, fill, and weigh the two by the errors that they are expected to have."""
    display, hint = known
    taken = estimate_attenuation(cells, look, hint)
    density, kept = taken.density, taken.kept
    divided, divided_error = _divided(look, taken)
    grain = np.float32(DETAIL_ERROR) * np.square(look.detail[look.owners, :3] * look.fill)
    fill_error = look.rough + grain
    weight = _divided_share(density, divided_error, fill_error)
    value = _bounded(rgb, marks, cells, (display, look), weight * divided + (1 - weight) * look.fill)
    lost = np.asarray(1 - weight.mean(axis=1) * (1 - kept), np.float32)
    added = borrowed_grain(rgb, Surroundings(display, marks), cells, (look.fill, look.detail), lost)
    error_after = weight * divided_error + (1 - weight) * fill_error + np.square(added)
    return _Guess((value + added).astype(np.float32), error_after, weight, density)


def _divided(look: DefectColours, taken: Attenuation) -> tuple[Array, Array]:
    """Return display values without a density that is known to a squared error, and the squared error of them."""
    gamma = np.float32(DISPLAY_GAMMA)
    slopes, deviation = _colours(look, taken.density)
    density = taken.density[:, None] * slopes
    divided = look.raw * np.exp(np.clip(density, -OPAQUE, OPAQUE) / gamma)
    lifted = look.noise * -np.expm1(-np.maximum(density, 0))
    unsure = taken.error[:, None] + np.square(deviation * taken.density[:, None]) + np.square(lifted)
    return divided, unsure * np.square(divided / gamma)


def _colours(look: DefectColours, density: Array) -> tuple[Array, Array]:
    """Return what each pixel's defect takes of each colour, as a part of its density, and how far that may be off.

    It is grey until the film around tells otherwise; on rough film that tells nothing.
    """
    owners = look.parents[look.owners]
    slopes, variance = colour_slopes(look, density, owners)
    # What is bright adds light: of which colour depends on the picture below.
    bright = (np.bincount(owners, density, len(slopes)) < 0)[:, None]
    known = np.where(bright, 0, NEUTRALITY**2 / (NEUTRALITY**2 + variance))
    # How much it takes in the mean is told by the density, which knows more of it.
    slopes = 1 + known * (slopes - slopes.mean(axis=1, keepdims=True))
    deviation = np.where(bright, BRIGHT_NEUTRALITY, NEUTRALITY * np.sqrt(1 - known))
    return slopes.astype(np.float32)[owners], deviation.astype(np.float32)[owners]


def _divided_share(density: Array, divided_error: Array, fill_error: Array) -> Array:
    """Return how much of each value is divided, 0..1; the rest is filled."""
    # Dividing knows what the fill knows, smoothed; the fill itself is better only where hardly any light is left, or
    # where there is more than before: dividing makes a white speck on red a grey one.
    opacity = np.where(density < 0, 1, np.clip((density - TRANSLUCENT) / (DENSE - TRANSLUCENT), 0, 1))[:, None]
    return np.asarray(1 - opacity * divided_error / (fill_error + divided_error))


def _bounded(
    rgb: npt.NDArray[np.uint16],
    marks: npt.NDArray[np.uint8],
    cells: Regions,
    seen: tuple[Array, DefectColours],
    value: Array,
) -> Array:
    """Keep healed values within what the film around shows, and its grain: nothing becomes a blotch of its own."""
    display, look = seen
    lowest, highest = np.empty((len(cells), 3), np.float32), np.empty((len(cells), 3), np.float32)
    kernels.measure_range(rgb, marks, display, cells.starts, cells.rows, cells.cols, lowest, highest)
    grain = 1 + GRAIN_BEYOND * look.detail[:, :3]
    owners = look.owners
    low, high = np.minimum(look.raw, (lowest / grain)[owners]), np.maximum(look.raw, (highest * grain)[owners])
    return np.clip(value, low, high)


def _promised(look: DefectColours, guess: _Guess, sure: Array) -> npt.NDArray[np.bool_]:
    """Which cells gain by healing: what it takes away if there is a defect, against what it harms if there is none."""
    doubt = np.exp(-grey_evidence(look, guess.density))[look.owners]
    sure = np.asarray(sure / (sure + (1 - sure) * doubt), np.float32)
    change = np.square(guess.value - look.raw).sum(axis=1)
    gain = (2 * sure - 1) * change - DOUBT * sure * guess.error.sum(axis=1)
    return np.asarray(np.bincount(look.owners, gain) > 0)
