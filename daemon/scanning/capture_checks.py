"""Checks a captured frame for faults of the scanner: an empty gate, a stuck slide, a carriage that stopped.

Most feeders do not report such faults. A suspicious frame is only flagged, never dropped: a frame that looks blank may
be a picture.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from filmscand.drivers.base import Capture, Infrared, Rgb
from filmscand.drivers.scanner.same_slide import Fingerprint

FULL_SCALE = 65535.0
# An empty gate: the 1st percentile of every channel is above this part of full scale, ...
_CLEAR_LEVEL = 0.35
# ... and the 1st and 99th percentile differ by less than this part of the median. Bare light has only shot noise and
# the lamp's fall-off; the grain of film without a picture is far above that.
_CLEAR_SPREAD = 0.08
# Nothing to see: the 99th percentile of every channel is below this part of full scale.
_BLACK_LEVEL = 0.006
# A row repeats the one before if they differ by less than this part of the difference between neighbouring columns: a
# line that is read again differs only by the noise of the sensor, the next line of film also by its grain.
_REPEATED_DIFFERENCE = 0.3
# A run of repeated rows is reported from this length on: in rows, and as a part of the height of the frame.
_MIN_REPEATED_ROWS = 24
_MIN_REPEATED_PART = 0.02
_COLUMNS_SAMPLED = 128
# A sample is opaque to infrared below this part of the 95th percentile: mounts are opaque, film is not.
_OPAQUE_PART = 0.1
# A mount covers a few hundredths of the frame on each side; more than this part of it is suspicious.
_MAX_COVERED_PART = 0.2


class Suspicion(StrEnum):
    """Reason codes of the flags of a captured frame."""

    BLANK_CLEAR = "blank_clear"
    BLANK_BLACK = "blank_black"
    SAME_SLIDE = "same_slide"
    REPEATED_LINES = "repeated_lines"
    HOLDER_IN_PICTURE = "holder_in_picture"


def suspicions(capture: Capture, this: Fingerprint, before: Fingerprint | None) -> tuple[Suspicion, ...]:
    """Check a captured frame for faults that a feeder does not report.

    Parameters
    ----------
    capture : Capture
        The frame.
    this : Fingerprint
        Fingerprint of the frame.
    before : Fingerprint or None
        Fingerprint of the frame before it; None for the first one.

    Returns
    -------
    tuple of Suspicion
        Flags of the frame. A blank frame has no other flag.
    """
    blank = _blank(capture.rgb)
    if blank is not None:
        return (blank,)
    found = []
    if before is not None and this.same_slide(before):
        found.append(Suspicion.SAME_SLIDE)
    if has_repeated_lines(capture.rgb):
        found.append(Suspicion.REPEATED_LINES)
    if capture.infrared is not None and holder_in_picture(capture.infrared):
        found.append(Suspicion.HOLDER_IN_PICTURE)
    return tuple(found)


def _blank(rgb: Rgb) -> Suspicion | None:
    sample = rgb[:: max(1, rgb.shape[0] // 256), :: max(1, rgb.shape[1] // 256)].reshape(-1, 3) / FULL_SCALE
    low, middle, high = np.percentile(sample, [1, 50, 99], axis=0)
    if (high < _BLACK_LEVEL).all():
        return Suspicion.BLANK_BLACK
    clear = (low > _CLEAR_LEVEL) & (high - low < _CLEAR_SPREAD * middle)
    return Suspicion.BLANK_CLEAR if clear.all() else None


def has_repeated_lines(rgb: Rgb) -> bool:
    """Return whether the scanner read the same line many times, as it does when its carriage stops.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    """
    longest = _longest_run(_repeated_rows(rgb))
    return bool(longest >= max(_MIN_REPEATED_ROWS, _MIN_REPEATED_PART * rgb.shape[0]))


def _repeated_rows(rgb: Rgb) -> npt.NDArray[np.bool_]:
    """Return True for each row that differs from the next one far less than its own columns differ from each other."""
    cols = np.arange(0, rgb.shape[1] - 1, max(1, rgb.shape[1] // _COLUMNS_SAMPLED))
    here, beside = (rgb[:, which, 1].astype(np.int32) for which in (cols, cols + 1))
    down = np.median(np.abs(np.diff(here, axis=0)), axis=1)
    across = np.median(np.abs(beside - here), axis=1)[:-1]
    repeated: npt.NDArray[np.bool_] = down < _REPEATED_DIFFERENCE * across
    return repeated


def _longest_run(repeated: npt.NDArray[np.bool_]) -> int:
    ends = np.flatnonzero(np.diff(np.concatenate([[False], repeated, [False]]).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def holder_in_picture(infrared: Infrared) -> bool:
    """Return whether mount or holder cover much more of the frame than its border.

    Parameters
    ----------
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane.
    """
    sample = infrared[:: max(1, infrared.shape[0] // 256), :: max(1, infrared.shape[1] // 256)]
    opaque = sample < _OPAQUE_PART * np.percentile(sample, 95)
    rows, cols = (np.mean(opaque, axis=axis) > 0.9 for axis in (1, 0))
    return any(_covered(lines) > _MAX_COVERED_PART for lines in (rows, rows[::-1], cols, cols[::-1]))


def _covered(lines: npt.NDArray[np.bool_]) -> float:
    """Return the part of the lines, counted from the first one, before the first line that is not covered, 0..1."""
    open_lines = np.flatnonzero(~lines)
    return float(open_lines[0] / len(lines)) if len(open_lines) else 1.0
