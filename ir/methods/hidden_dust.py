"""Heal dust that clipped infrared hides: faint dust on clear film, where the infrared stays at the end of its scale.

The detector sees colours and residual together, and may tell such dust from the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, select
from filmscand.ir.healing.cells import split_into_cells
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.healing.filling import DISPLAY_GAMMA, display_tables, fill_from_surroundings, pixel_states
from filmscand.ir.healing.infrared_healing import Healed, Measured, infrared_densities
from filmscand.ir.leakage._residual_kernels import CLIPPED
from filmscand.ir.methods.fusion import DetectorFindings, combine_steps, mostly_unhealed
from filmscand.ir.network.model_file import Model
from filmscand.ir.planes.photometry import COUNTS, Photometry
from filmscand.ir.stopwatch import StopWatch

Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Largest range of the three colours' densities in a grey region: this part of their mean, plus this density in nepers.
COLOUR_PART, COLOUR_DENSITY = 0.3, 0.02
# Residual of dust, at least, in standard deviations of the residual's mean over the region.
SURE = 3.0
# Least part of the infrared density expected of dust that a region has, where infrared is good but for its clipping.
LEAST_PART = 0.3
# Density, in nepers, below which infrared stays clipped under dust: scanners that clip give clear film some 1.4 times
# the light that they can count.
MOST_BLIND = 0.4


def may_hide_dust(photometry: Photometry) -> bool:
    """Whether a frame's infrared is clipped, so that it may hide dust that shows in the picture."""
    return photometry.infrared_clip < COUNTS


def with_hidden_dust(
    rgb: npt.NDArray[np.uint16], healed: Healed, measured: Measured, findings: DetectorFindings, watch: StopWatch
) -> tuple[Healed, Model | None]:
    """Heal also the regions that the detector is sure of, that are grey, and that the infrared does not contradict.

    Infrared does not contradict a region if it shows a trace of it, or if it is clipped there and the region is faint.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    healed : Healed
        The frame with the defects healed that infrared found.
    measured : Measured
        Measurements of the frame.
    findings : DetectorFindings
        What the detector found.
    watch : StopWatch
        Takes the time of the step "healing".

    Returns
    -------
    healed : Healed
        The frame with the hidden dust healed as well.
    model : Model or None
        The detector if it added a defect, else None.
    """
    regions = findings.sure
    density = _density(rgb, regions, measured.photometry)
    grey = _is_grey(density)
    regions, density = select(regions, grey), density[grey].mean(axis=1)
    dusty = _has_trace(regions, density / healed.exponent, measured) | _is_blind(regions, density, measured)
    hidden = mostly_unhealed(select(regions, dusty), healed.mask)
    if not len(hidden):
        return healed, None
    more = watch.time("healing", lambda: heal_by_colours(healed.rgb, hidden, findings.probability, measured.photometry))
    if not more.mask.any():
        return healed, None
    return combine_steps(healed, more), findings.model


def _density(rgb: npt.NDArray[np.uint16], regions: Regions, photometry: Photometry) -> Doubles:
    """Return how much denser each region is than its surroundings in red, green and blue, (regions, 3), nepers."""
    if not len(regions):
        return np.zeros((0, 3))
    cells, parents = split_into_cells(regions)
    display = display_tables(photometry)
    fill, _ = fill_from_surroundings(rgb, pixel_states(cells, rgb.shape), cells, display)
    raw = display[np.arange(3), rgb[cells.rows, cells.cols]]
    density = DISPLAY_GAMMA * np.log(np.where(fill[:, :1] < 0, raw, fill) / raw)
    owners = np.repeat(parents, np.diff(cells.starts))
    total = np.stack([np.bincount(owners, density[:, channel], len(regions)) for channel in range(3)], axis=1)
    return np.asarray(total / np.diff(regions.starts)[:, None])


def _is_grey(density: Doubles) -> Truths:
    """Which regions are darker than their surroundings, and by as much in each colour: only these resemble leakage."""
    spread = np.ptp(density, axis=1)
    return np.asarray((density.min(axis=1) > 0) & (spread < COLOUR_PART * density.mean(axis=1) + COLOUR_DENSITY))


def _has_trace(regions: Regions, expected: Doubles, measured: Measured) -> Truths:
    """Which regions have a good part of their expected infrared density, (regions,) nepers, and more than its noise.

    Where infrared is good but for its clipping, dust takes about as much light there as in the picture.
    """
    areas = np.diff(regions.starts)
    infrared = infrared_densities(measured.residual, measured.base, regions)
    trace = np.bincount(regions.owners, infrared[:, 0], len(regions)) / areas
    return np.asarray(trace > np.maximum(LEAST_PART * expected, SURE * measured.response.noise / np.sqrt(areas)))


def _is_blind(regions: Regions, density: Doubles, measured: Measured) -> Truths:
    """Which regions lie mostly where infrared is clipped, and are so faint that it stays clipped under them."""
    areas = np.diff(regions.starts)
    clipped = measured.residual.grades[regions.rows, regions.cols] & CLIPPED
    return np.asarray((np.bincount(regions.owners, clipped > 0, len(regions)) > areas / 2) & (density < MOST_BLIND))
