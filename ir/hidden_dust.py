"""What weak or clipped infrared hides: dust that passes for a picture that leaks, or does not show at all.

A defect takes k times as much of the red as of the infrared. The fit of the leakage takes s times its density in red
for the picture's share, and s k near 1 leaves nothing of it. Infrared cannot tell such a speck from the picture; the
detector, which sees colours and residual at once, may. The same goes for faint dust on clear film where the infrared is
clipped.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ir._detection_kernels import CLIPPED
from ir.colour_frame import sure_regions
from ir.colour_healing import heal_colours
from ir.detection import Regions, chosen
from ir.detector import look_at_frame
from ir.few_marks import may_be_spotless
from ir.healing import (
    DISPLAY_GAMMA,
    Healed,
    Measured,
    display_tables,
    fill_from_around,
    infrared_densities,
    mark_defects,
    split_wide,
)
from ir.infrared_view import InfraredView
from ir.model_file import Model
from ir.photometry import COUNTS, Photometry
from ir.report import CleanOptions
from ir.stopwatch import StopWatch

Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Density in the picture for one of infrared from which on dust may be hidden: good scanners have 1.1 to 1.3.
WEAK_EXPONENT = 3.0
# Where hardly anything was healed the exponent is not known. That much was found and left (more marks than this and for
# the root of the megapixels) may be rough ground, or dust that weak infrared hardly shows before it.
MANY_LEFT = (10, 10)
# Largest difference between the colours, as a part of the density and beyond that.
COLOUR_PART, COLOUR_DENSITY = 0.3, 0.02
# What dust leaves over in the infrared after all, in deviations of its mean's noise and as a part of its density in the
# picture, or what it lacks of the leak: on simulated film nine tenths of it did, and of ten pupils and shadows none.
SURE = 3.0
LEAST_TRACE, LEAST_DEFICIT = 0.003, 0.008
# Part of a mark, at least, that infrared did not heal: of hairs it often finds a piece.
UNSEEN_PART = 0.5
# Part of what good infrared shows of dust that it shows where some of it is clipped, and the density that lifts it off
# its end of the scale: scanners that clip give clear film some 1.4 times as much light as they can count.
LEAST_PART = 0.3
MOST_BLIND = 0.4


def may_hide_dust(healed: Healed, photometry: Photometry) -> bool:
    """Whether the infrared of a frame is so weak, or clipped, that it hides dust that shows in the picture.

    Weak infrared shows some of the dust all the same: where it healed nothing, lines that it left are the picture's.
    """
    shows = healed.divided + healed.filled > 0
    return (shows and _may_be_weak(healed)) or photometry.infrared_clip < COUNTS


def _may_be_weak(healed: Healed) -> bool:
    least, more = MANY_LEFT
    many = healed.left > least + more * (healed.mask.size / 1e6) ** 0.5
    return healed.exponent > WEAK_EXPONENT or (many and may_be_spotless(healed))


def with_hidden_dust(
    rgb: npt.NDArray[np.uint16],
    healed: Healed,
    measured: Measured,
    view: InfraredView,
    options: CleanOptions,
    watch: StopWatch,
) -> tuple[Healed, Model | None]:
    """Heal as well what the detector is sure of on a dusty frame, and infrared shows a trace of.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    healed : Healed
        What infrared found, healed.
    measured : Measured
        What it was found with.
    options : CleanOptions
    watch : StopWatch

    Returns
    -------
    Healed, Model or None
        The detector where it added something.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    model, probability = look_at_frame(rgb, view, options, watch)
    marks = sure_regions(probability, model.card, options.sensitivity)
    density = _density(rgb, marks, measured.photometry)
    grey = _is_grey(density)
    marks, density = chosen(marks, grey), density[grey].mean(axis=1)
    part = None if _may_be_weak(healed) else LEAST_PART / healed.exponent
    traced = _has_trace(marks, density, measured, part) | _is_blind(marks, density, measured)
    hidden = _unseen(chosen(marks, traced), healed.mask)
    if not len(hidden):
        return healed, None
    more = watch.time("healing", lambda: heal_colours(healed.rgb, hidden, probability, measured.photometry))
    if not more.mask.any():
        return healed, None
    counts = (healed.divided + more.divided, healed.filled + more.filled, healed.left + more.left)
    return Healed(more.rgb, healed.mask | more.mask, *counts, exponent=healed.exponent), model


def _density(rgb: npt.NDArray[np.uint16], regions: Regions, photometry: Photometry) -> Doubles:
    """Return how much denser each region is than what is around it, in red, green and blue, (regions, 3), nepers."""
    if not len(regions):
        return np.zeros((0, 3))
    cells, parents = split_wide(regions)
    display = display_tables(photometry)
    fill, _ = fill_from_around(rgb, mark_defects(cells, rgb.shape), cells, display)
    raw = display[np.arange(3), rgb[cells.rows, cells.cols]]
    density = DISPLAY_GAMMA * np.log(np.where(fill[:, :1] < 0, raw, fill) / raw)
    owners = np.repeat(parents, np.diff(cells.starts))
    total = np.stack([np.bincount(owners, density[:, channel], len(regions)) for channel in range(3)], axis=1)
    return np.asarray(total / np.diff(regions.starts)[:, None])


def _is_grey(density: Doubles) -> Truths:
    """Which regions are darker than what is around them, by as much in each colour: only such pass for the leak."""
    spread = np.ptp(density, axis=1)
    return np.asarray((density.min(axis=1) > 0) & (spread < COLOUR_PART * density.mean(axis=1) + COLOUR_DENSITY))


def _has_trace(regions: Regions, density: Doubles, measured: Measured, part: float | None) -> Truths:
    """Which regions darken the infrared otherwise than the leak of a picture as dark would, beyond its noise.

    Where infrared is good but for its clipping, dust takes of it a part at least of what it takes of the picture.
    """
    areas = np.diff(regions.starts)
    found = infrared_densities(measured.residual, measured.base, regions)
    trace = np.bincount(regions.owners, found[:, 0], len(regions)) / areas
    unlike = (trace > LEAST_TRACE * density) | (trace < -LEAST_DEFICIT * density)
    if part is not None:
        unlike = trace > part * density
    return np.asarray(unlike & (np.abs(trace) > SURE * measured.sight.noise / np.sqrt(areas)))


def _is_blind(regions: Regions, density: Doubles, measured: Measured) -> Truths:
    """Which regions lie mostly where the infrared is clipped, and are so faint that it stays clipped under them."""
    areas = np.diff(regions.starts)
    clipped = measured.residual.grades[regions.rows, regions.cols] & CLIPPED
    return np.asarray((np.bincount(regions.owners, clipped > 0, len(regions)) > areas / 2) & (density < MOST_BLIND))


def _unseen(regions: Regions, mask: npt.NDArray[np.bool_]) -> Regions:
    """Return the pixels of each region that infrared did not heal, where these are most of it."""
    bare = ~mask[regions.rows, regions.cols]
    counts = np.bincount(regions.owners, bare, len(regions)).astype(np.int64)
    kept = counts > UNSEEN_PART * np.diff(regions.starts)
    pixels = bare & np.repeat(kept, np.diff(regions.starts))
    starts = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
    return Regions(regions.rows[pixels], regions.cols[pixels], starts)
