"""Areas that a person drew on a frame: nothing is healed in the excluded ones, everything in the marked ones.

Both come after everything that the engine found by itself, so that a drawn area changes nothing outside itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.detection._region_kernels import SEED
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing._healing_kernels import END_PX, REACH_PX
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.methods.colours import colour_photometry, measure_colours
from filmscand.ir.planes.outlines import pixels_inside
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.report import CleanedFrame, CleanOptions, Method

Counts = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

# Pixels deeper inside an area see no film around it within the reach of a fill.
_FILLED_DEPTH_PX = REACH_PX - END_PX


def with_drawn(cleaned: CleanedFrame, rgb: Counts, options: CleanOptions) -> CleanedFrame:
    """Leave the excluded areas of a frame as captured, and heal all of its marked areas.

    A pixel that is both excluded and marked is left as captured.

    Parameters
    ----------
    cleaned : CleanedFrame
        What the engine did by itself.
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    options : CleanOptions
        `excluded` and `marked` are the outlines.

    Returns
    -------
    CleanedFrame
        `cleaned` itself where nothing is drawn. Else equal to it outside the areas, and equal to `rgb` in the excluded
        ones; every marked pixel is in the mask.
    """
    if not options.excluded and not options.marked:
        return cleaned
    shape = (rgb.shape[0], rgb.shape[1])
    excluded = pixels_inside(options.excluded, shape)
    marked = pixels_inside(options.marked, shape) & ~excluded
    picture, mask = cleaned.rgb, cleaned.defect_mask & ~excluded
    missed = marked & ~mask
    if missed.any():
        picture = heal_marked(picture, missed)
    left = cleaned.defect_mask & excluded
    picture = np.where(left[..., None], rgb, picture)
    mask = mask | marked
    return _told(CleanedFrame(picture, mask, cleaned.report), cleaned, (int(left.sum()), int(missed.sum())))


def heal_marked(rgb: Counts, marked: Mask) -> Counts:
    """Heal every pixel of marked areas by the colours: divided where light comes through, filled where none does.

    An area that is wider than a fill reaches is healed from its rim inwards, one reach after another.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    marked : (rows, cols) ndarray of bool
        The areas.

    Returns
    -------
    (rows, cols, 3) ndarray of uint16
        Equal to `rgb` outside the areas.
    """
    rgb = np.ascontiguousarray(rgb)
    photometry = colour_photometry(measure_colours(rgb))
    while marked.any():
        deep = _deeper(marked)
        healed = _healed(rgb, marked, photometry)
        rgb = np.where((marked & ~deep)[..., None], healed, rgb)
        marked = deep
    return rgb


def _healed(rgb: Counts, marked: Mask, photometry: Photometry) -> Counts:
    regions = connected_regions(np.where(marked, np.uint8(SEED), np.uint8(0)), smallest_px=1)
    return heal_by_colours(rgb, regions, None, photometry).rgb


def _deeper(marked: Mask) -> Mask:
    """Return the pixels of areas that are deeper inside than a fill reaches."""
    deep = np.zeros_like(marked)
    labels, _ = ndimage.label(marked, np.ones((3, 3)))
    for number, where in enumerate(ndimage.find_objects(labels), 1):
        if min(one.stop - one.start for one in where) > 2 * _FILLED_DEPTH_PX:
            area = np.pad(labels[where] == number, 1)
            depth = ndimage.distance_transform_cdt(area, "chessboard")[1:-1, 1:-1]
            deep[where] |= depth > _FILLED_DEPTH_PX
    return deep


def _told(drawn: CleanedFrame, before: CleanedFrame, pixels: tuple[int, int]) -> CleanedFrame:
    """Put the numbers of the report right that a drawn area changes."""
    excluded_px, marked_px = pixels
    report = before.report
    by_infrared = report.method in (Method.INFRARED, Method.FUSION)
    film = 1 - report.holder_fraction if by_infrared else 1.0
    told = replace(report, excluded_px=excluded_px, marked_px=marked_px).with_coverage(drawn.defect_mask, film)
    return CleanedFrame(drawn.rgb, drawn.defect_mask, told)
