"""Heal defects that only the colours show: no infrared tells how much light each of them takes.

Dividing by the defect's transmittance, as far as a fill tells it (`attenuation`), keeps detail and grain. An opaque
defect is filled, with grain borrowed from the film nearby. A defect is left alone where healing promises no gain.
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
from filmscand.ir.healing.cells import count_outcomes, split_into_cells
from filmscand.ir.healing.filling import (
    DISPLAY_GAMMA,
    colour_levels,
    display_tables,
    fill_from_surroundings,
    pixel_states,
)
from filmscand.ir.healing.greyness import colour_slopes, grey_evidence
from filmscand.ir.healing.infrared_healing import SMALLEST_CHANGE, Healed
from filmscand.ir.planes.photometry import Photometry

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Squared error of a fill per spread of its directions: regression on simulated film.
SPREAD_ERROR = 1.6
# Squared error of a fill per disagreement of its ends, from the same regression.
DOUBT_ERROR = 0.25
# Deviation of a channel's density, as a part of the density, for dark and for bright defects. Dust takes about as much
# of each colour. Bright defects differ: on inverted negatives dust adds light, up to white; scratches take one dye
# after another.
NEUTRALITY, BRIGHT_NEUTRALITY = 0.07, 0.3
# Densities, in nepers, up to which a defect is only divided, from which it may be filled, and above which none is
# believed.
TRANSLUCENT, DENSE, OPAQUE = 0.8, 1.6, 3.5
# Part of a healed cell's expected error that its change must exceed: the change contains the raw error and the healed
# one. Where errors decide, they are rather too large: with all of it, on simulated film fewer defects heal, and no
# better.
DOUBT = 0.3
# Grain deviations by which a healed value may exceed the range of the film around.
GRAIN_BEYOND = 2.0


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Healed display values, their expected squared error, and their divided part; (pixels, 3) each.

    density: density of the defect at each pixel, (pixels,), nepers.
    """

    value: Array
    error: Array
    weight: Array
    density: Array


def heal_by_colours(
    rgb: npt.NDArray[np.uint16],
    regions: Regions,
    probability: npt.NDArray[np.uint8] | None,
    photometry: Photometry,
    infrared_density: Callable[[Regions], Array] | None = None,
) -> Healed:
    """Heal the defects of a frame by its colours, where infrared tells nothing, or too little to divide by.

    healed = w * divided + (1 - w) * fill + grain, with w from the expected errors of both and the density.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    regions : Regions
        The defects.
    probability : (rows, cols) ndarray of uint8 or None
        Probability of a defect at each pixel, times 255. None: a person said that all of them are defects, so that each
        is healed.
    photometry : Photometry
        Levels and noise of the colours.
    infrared_density : callable, optional
        Returns the infrared density of the pixels of regions, nepers, where infrared shows defects faintly or falsely:
        it gives their profile, as far as the colours agree.

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
    states = pixel_states(cells, rgb.shape)
    colours = _sample_colours(rgb, Surroundings(display, states), (cells, parents), photometry)
    hint = None if infrared_density is None else infrared_density(cells)
    estimate = _estimate(rgb, states, cells, (display, hint), colours)
    worthwhile = np.ones(len(cells), np.bool_)
    if probability is not None:
        # A byte never stands for certainty.
        certainty = np.asarray((probability[cells.rows, cells.cols] - np.float32(0.5)) / np.float32(255), np.float32)
        worthwhile = _is_worthwhile(colours, estimate, certainty)
    defect_kernels.write_regions(
        cells.starts,
        cells.rows,
        cells.cols,
        worthwhile,
        colours.raw,
        estimate.value,
        colour_levels(photometry),
        SMALLEST_CHANGE,
        healed,
        mask,
    )
    weight = np.bincount(colours.owners, estimate.weight.mean(axis=1)) / np.bincount(colours.owners)
    return Healed(healed, mask, *count_outcomes(worthwhile, weight, parents))


def _sample_colours(
    rgb: npt.NDArray[np.uint16],
    surroundings: Surroundings,
    cells_and_parents: tuple[Regions, npt.NDArray[np.int64]],
    photometry: Photometry,
) -> DefectColours:
    cells, parents = cells_and_parents
    rows, cols, count = cells.rows, cells.cols, len(cells.rows)
    display, states = surroundings.display, surroundings.states
    fill, error = fill_from_surroundings(rgb, states, cells, display)
    channels, counts = np.arange(3), rgb[rows, cols]
    raw = display[channels, counts]
    fill = np.where(fill[:, :1] < 0, raw, fill)
    dark = np.array(photometry.dark_noise[:3], np.float32)[:, None] * np.exp(-photometry.log_tables[:3])
    depths, detail = np.empty(count, np.int64), measure_detail(rgb, surroundings, cells)
    kernels.measure_depths(states, rows, cols, depths)
    rough = np.float32(SPREAD_ERROR) * error[:, :3] + np.float32(DOUBT_ERROR) * error[:, 3:]
    return DefectColours(raw, fill, rough, dark[channels, counts], detail, depths - 1, cells.owners, parents)


def _estimate(
    rgb: npt.NDArray[np.uint16],
    states: npt.NDArray[np.uint8],
    cells: Regions,
    display_and_hint: tuple[Array, Array | None],
    colours: DefectColours,
) -> _Estimate:
    """Divide by the estimated density, fill, and weight both by their expected errors."""
    display, hint = display_and_hint
    attenuation = estimate_attenuation(cells, colours, hint)
    density, kept = attenuation.density, attenuation.kept
    divided, divided_error = _divided(colours, attenuation)
    grain = np.float32(DETAIL_ERROR) * np.square(colours.detail[colours.owners, :3] * colours.fill)
    fill_error = colours.rough + grain
    weight = _divided_part(density, divided_error, fill_error)
    value = _bounded(rgb, states, cells, (display, colours), weight * divided + (1 - weight) * colours.fill)
    lost_grain = np.asarray(1 - weight.mean(axis=1) * (1 - kept), np.float32)
    added = borrowed_grain(rgb, Surroundings(display, states), cells, (colours.fill, colours.detail), lost_grain)
    error_after = weight * divided_error + (1 - weight) * fill_error + np.square(added)
    return _Estimate((value + added).astype(np.float32), error_after, weight, density)


def _divided(colours: DefectColours, attenuation: Attenuation) -> tuple[Array, Array]:
    """Return display values divided by the defect's transmittance, and their expected squared error."""
    gamma = np.float32(DISPLAY_GAMMA)
    slopes, deviation = _colour_factors(colours, attenuation.density)
    density = attenuation.density[:, None] * slopes
    divided = colours.raw * np.exp(np.clip(density, -OPAQUE, OPAQUE) / gamma)
    amplified = colours.noise * -np.expm1(-np.maximum(density, 0))
    unsure = attenuation.error[:, None] + np.square(deviation * attenuation.density[:, None]) + np.square(amplified)
    return divided, unsure * np.square(divided / gamma)


def _colour_factors(colours: DefectColours, density: Array) -> tuple[Array, Array]:
    """Return the density in each colour at each pixel, as a part of its density, and the deviation of that part.

    A defect is grey until the film around proves a colour; rough film proves nothing.
    """
    owners = colours.parents[colours.owners]
    slopes, variance = colour_slopes(colours, density, owners)
    # A bright defect adds light, whose colour depends on the picture below.
    bright = (np.bincount(owners, density, len(slopes)) < 0)[:, None]
    known = np.where(bright, 0, NEUTRALITY**2 / (NEUTRALITY**2 + variance))
    # The mean over the colours is the density's to tell, which knows more about it.
    slopes = 1 + known * (slopes - slopes.mean(axis=1, keepdims=True))
    deviation = np.where(bright, BRIGHT_NEUTRALITY, NEUTRALITY * np.sqrt(1 - known))
    return slopes.astype(np.float32)[owners], deviation.astype(np.float32)[owners]


def _divided_part(density: Array, divided_error: Array, fill_error: Array) -> Array:
    """Return the divided part of each value, 0..1; the rest is filled."""
    # Dividing uses the fill too, but smoothed. The fill itself is better only where hardly any light is left, or where
    # a defect is bright: dividing would make a white speck on red a grey one.
    opacity = np.where(density < 0, 1, np.clip((density - TRANSLUCENT) / (DENSE - TRANSLUCENT), 0, 1))[:, None]
    return np.asarray(1 - opacity * divided_error / (fill_error + divided_error))


def _bounded(
    rgb: npt.NDArray[np.uint16],
    states: npt.NDArray[np.uint8],
    cells: Regions,
    display_and_colours: tuple[Array, DefectColours],
    value: Array,
) -> Array:
    """Keep healed values within the range of the film around, and its grain, so that nothing becomes a blotch."""
    display, colours = display_and_colours
    lowest, highest = np.empty((len(cells), 3), np.float32), np.empty((len(cells), 3), np.float32)
    kernels.measure_range(rgb, states, display, cells.starts, cells.rows, cells.cols, lowest, highest)
    grain = 1 + GRAIN_BEYOND * colours.detail[:, :3]
    owners = colours.owners
    low, high = np.minimum(colours.raw, (lowest / grain)[owners]), np.maximum(colours.raw, (highest * grain)[owners])
    return np.clip(value, low, high)


def _is_worthwhile(colours: DefectColours, estimate: _Estimate, certainty: Array) -> npt.NDArray[np.bool_]:
    """Tell which cells belong to regions that gain: improvement if there is a defect, harm if there is none."""
    doubt = np.exp(-grey_evidence(colours, estimate.density))[colours.owners]
    certainty = np.asarray(certainty / (certainty + (1 - certainty) * doubt), np.float32)
    change = np.square(estimate.value - colours.raw).sum(axis=1)
    gain = (2 * certainty - 1) * change - DOUBT * certainty * estimate.error.sum(axis=1)
    return np.asarray((np.bincount(colours.parents[colours.owners], gain) > 0)[colours.parents])
