"""What clipped infrared hides: faint dust on clear film, where it stays at the end of its scale.

The detector, which sees colours and residual at once, may tell such dust from the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, chosen
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.healing.infrared_healing import (
    DISPLAY_GAMMA,
    Healed,
    Measured,
    display_tables,
    fill_from_surroundings,
    infrared_densities,
    pixel_states,
    split_into_cells,
)
from filmscand.ir.leakage._residual_kernels import CLIPPED
from filmscand.ir.methods.fusion import DetectorFindings, added, mostly_unhealed
from filmscand.ir.network.model_file import Model
from filmscand.ir.planes.photometry import COUNTS, Photometry
from filmscand.ir.stopwatch import StopWatch

Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Largest difference between the colours, as a part of the density and beyond that.
COLOUR_PART, COLOUR_DENSITY = 0.3, 0.02
# What dust leaves over in the infrared beyond its noise, in deviations of its mean's.
SURE = 3.0
# Part of what good infrared shows of dust that it shows where some of it is clipped, and the density that lifts it off
# its end of the scale: scanners that clip give clear film some 1.4 times as much light as they can count.
LEAST_PART = 0.3
MOST_BLIND = 0.4


def may_hide_dust(photometry: Photometry) -> bool:
    """Whether the infrared of a frame is clipped, so that it hides dust that shows in the picture."""
    return photometry.infrared_clip < COUNTS


def with_hidden_dust(
    rgb: npt.NDArray[np.uint16], healed: Healed, measured: Measured, findings: DetectorFindings, watch: StopWatch
) -> tuple[Healed, Model | None]:
    """Heal as well what the detector is sure of on a dusty frame, and infrared shows a trace of.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    healed : Healed
        What infrared found, healed.
    measured : Measured
        What it was found with.
    findings : DetectorFindings
        What the detector says.
    watch : StopWatch

    Returns
    -------
    Healed, Model or None
        The detector where it added something.
    """
    marks = findings.marks
    density = _density(rgb, marks, measured.photometry)
    grey = _is_grey(density)
    marks, density = select(marks, grey), density[grey].mean(axis=1)
    dusty = _has_trace(marks, density / healed.exponent, measured) | _is_blind(marks, density, measured)
    hidden = mostly_unhealed(chosen(marks, dusty), healed.mask)
    if not len(hidden):
        return healed, None
    more = watch.time("healing", lambda: heal_by_colours(healed.rgb, hidden, findings.probability, measured.photometry))
    if not more.mask.any():
        return healed, None
    return added(healed, more), findings.model


def _density(rgb: npt.NDArray[np.uint16], regions: Regions, photometry: Photometry) -> Doubles:
    """Return how much denser each region is than what is around it, in red, green and blue, (regions, 3), nepers."""
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
    """Which regions are darker than what is around them, by as much in each colour: only such pass for the leak."""
    spread = np.ptp(density, axis=1)
    return np.asarray((density.min(axis=1) > 0) & (spread < COLOUR_PART * density.mean(axis=1) + COLOUR_DENSITY))


def _has_trace(regions: Regions, expected: Doubles, measured: Measured) -> Truths:
    """Which regions take a good part of what they should of the infrared, (regions,) nepers, and more than its noise.

    Where infrared is good but for its clipping, dust takes of it about what it takes of the picture.
    """
    areas = np.diff(regions.starts)
    found = infrared_densities(measured.residual, measured.base, regions)
    trace = np.bincount(regions.owners, found[:, 0], len(regions)) / areas
    return np.asarray(trace > np.maximum(LEAST_PART * expected, SURE * measured.sight.noise / np.sqrt(areas)))


def _is_blind(regions: Regions, density: Doubles, measured: Measured) -> Truths:
    """Which regions lie mostly where the infrared is clipped, and are so faint that it stays clipped under them."""
    areas = np.diff(regions.starts)
    clipped = measured.residual.grades[regions.rows, regions.cols] & CLIPPED
    return np.asarray((np.bincount(regions.owners, clipped > 0, len(regions)) > areas / 2) & (density < MOST_BLIND))
