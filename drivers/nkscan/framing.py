"""What a Coolscan and its adapter offer, derived from what nkscan tells of them, and rectangles on the film.

A rectangle of nkscan is (top, left, bottom, right) in dots of the optical resolution: top and bottom along the feed,
left and right along the sensor. The columns of a picture follow the feed, and its rows the sensor, backwards.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from filmscand.drivers.scanner.protocol import MM_PER_INCH, Region
from filmscand.drivers.scanner.recipes import FeederWay

Rectangle: TypeAlias = tuple[int, int, int, int]


def offered_resolutions(caps: Any) -> tuple[int, ...]:
    """Return the resolutions that a scanner delivers without rounding: whole fractions of the optical one."""
    lowest = max(caps.x_dpi_range[0], caps.y_dpi_range[0])
    highest = min(caps.x_dpi_range[1], caps.y_dpi_range[1])
    optical = caps.optical_dpi
    return tuple(dpi for dpi in range(max(lowest, 1), highest + 1) if optical % dpi == 0)


def offered_samples(caps: Any) -> tuple[int, ...]:
    """Return how many readings of a line can be averaged: powers of two, as the scanners' own program offers."""
    return tuple(1 << power for power in range(int(caps.max_samples).bit_length()))


def feeder_way(caps: Any) -> FeederWay:
    """Return how the next frame comes into the gate.

    Strips and holders have frames that are found and addressed. An adapter of single frames that can give a slide back
    is a slide feeder; one that cannot is a mount, and a person changes the slide.
    """
    if caps.framing != "address" or caps.max_frames > 1:
        return FeederWay.FRAME
    return FeederWay.AUTOLOAD if caps.eject else FeederWay.NONE


def cut_out(frame: Rectangle, region: Region, optical_dpi: int) -> Rectangle:
    """Return the rectangle of a part of a frame.

    Parameters
    ----------
    frame : Rectangle
        The whole frame.
    region : Region
        Part of the picture, from its upper left corner.
    optical_dpi : int
        Dots per inch of the rectangle.

    Returns
    -------
    Rectangle
        Within the frame: what reaches beyond it is cut off.
    """
    top, left, bottom, right = frame
    dots = optical_dpi / MM_PER_INCH
    from_row, rows = round(region.top_mm * dots), round(region.height_mm * dots)
    from_col, cols = round(region.left_mm * dots), round(region.width_mm * dots)
    highest = max(right - from_row, left)
    first = min(top + from_col, bottom)
    return first, max(highest - rows, left), min(first + cols, bottom), highest
