"""What weak or clipped infrared hides: dust that passes for a picture that leaks, or does not show at all.

A defect takes k times as much of the red as of the infrared. The fit of the leakage takes s times its density in red
for the picture's share, and s k near 1 leaves nothing of it. Infrared cannot tell such a speck from the picture; the
detector may, and how far it is to be believed on this frame is told by what infrared does see. The same goes for faint
dust on clear film where the infrared is clipped.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from ir.colour_healing import heal_colours
from ir.detection import Regions, chosen
from ir.detector import find_probability, find_regions
from ir.healing import DISPLAY_GAMMA, Healed, fill_from_around, mark_defects, split_wide
from ir.model_file import Model, load_detector
from ir.photometry import COUNTS, Photometry
from ir.report import CleanOptions
from ir.stopwatch import StopWatch

# Density in the picture for one of infrared from which on dust may be hidden: good scanners have 1.1 to 1.3.
WEAK_EXPONENT = 3.0
# Part of the detector's sure regions, by number and by area, that infrared must have found as well, and part of each:
# on simulated film it finds 0.82 to 0.94 of them and 0.78 to 0.96 of their area where it is weak, 0.68 to 0.98 and 0.72
# to 0.99 where it is clipped; of girders, which the detector takes for hairs, 0.60 and 0.35.
CONFIRMED_PART, CONFIRMED_AREA = 0.65, 0.6
OVERLAP_PART = 0.2
FEWEST_CONFIRMED = 10
# Largest difference between the colours, as a part of the density and beyond that.
COLOUR_PART, COLOUR_DENSITY = 0.3, 0.02


def may_hide_dust(healed: Healed, photometry: Photometry) -> bool:
    """Whether the infrared of a frame is so weak, or clipped, that it hides dust that shows in the picture."""
    return healed.exponent > WEAK_EXPONENT or photometry.infrared_clip < COUNTS


def with_hidden_dust(
    rgb: npt.NDArray[np.uint16], healed: Healed, photometry: Photometry, options: CleanOptions, watch: StopWatch
) -> tuple[Healed, Model | None]:
    """Heal as well what only the detector is sure of, on a frame on which infrared confirms the detector.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    healed : Healed
        What infrared found, healed.
    photometry : Photometry
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
    model = load_detector(options.detector_model)
    probability = watch.time("detector", lambda: find_probability(rgb, model, numba.get_num_threads()))
    marks = find_regions(probability, *model.card.limits(0.0))
    hidden = _unseen(chosen(marks, _is_grey(rgb, marks, photometry)), healed.mask)
    if not len(hidden):
        return healed, None
    more = watch.time("healing", lambda: heal_colours(healed.rgb, hidden, probability, photometry))
    if not more.mask.any():
        return healed, None
    counts = (healed.divided + more.divided, healed.filled + more.filled, healed.left + more.left)
    return Healed(more.rgb, healed.mask | more.mask, *counts, exponent=healed.exponent), model


def _is_grey(rgb: npt.NDArray[np.uint16], regions: Regions, photometry: Photometry) -> npt.NDArray[np.bool_]:
    """Which regions are darker than what is around them, by as much in each colour: only such pass for the leak."""
    if not len(regions):
        return np.zeros(0, np.bool_)
    cells, parents = split_wide(regions)
    display = np.asarray(np.exp(photometry.log_tables[:3] / np.float32(DISPLAY_GAMMA)), np.float32)
    fill, _ = fill_from_around(rgb, mark_defects(cells, rgb.shape), cells, display)
    raw = display[np.arange(3), rgb[cells.rows, cells.cols]]
    density = DISPLAY_GAMMA * np.log(np.where(fill[:, :1] < 0, raw, fill) / raw)
    owners = np.repeat(parents, np.diff(cells.starts))
    total = np.stack([np.bincount(owners, density[:, channel], len(regions)) for channel in range(3)], axis=1)
    mean = total / np.diff(regions.starts)[:, None]
    return np.asarray(
        (mean.min(axis=1) > 0) & (np.ptp(mean, axis=1) < COLOUR_PART * mean.mean(axis=1) + COLOUR_DENSITY)
    )


def _unseen(regions: Regions, mask: npt.NDArray[np.bool_]) -> Regions:
    """Return the regions that infrared did not see, none where it denies too many."""
    areas = np.diff(regions.starts)
    owners = np.repeat(np.arange(len(regions)), areas)
    seen = np.bincount(owners, mask[regions.rows, regions.cols], len(regions))
    confirmed = seen > OVERLAP_PART * areas
    believed = (
        confirmed.sum() >= max(FEWEST_CONFIRMED, CONFIRMED_PART * len(regions))
        and areas[confirmed].sum() >= CONFIRMED_AREA * areas.sum()
    )
    return chosen(regions, (seen == 0) & believed)
