"""What a picture tells of the scanner that gave it: an empty gate, a stuck slide, a carriage that stopped.

Most feeders report nothing of all this. A frame is only ever flagged, never dropped: what looks blank may be a picture.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from filmscand.drivers.base import Capture, Infrared, Rgb
from filmscand.drivers.scanner.same_slide import Fingerprint

FULL_SCALE = 65535.0
# Bare light has shot noise and a lamp's fall-off; film without a picture has grain far above that.
_CLEAR_LEVEL = 0.35
_CLEAR_SPREAD = 0.08
_BLACK_LEVEL = 0.006
# A line that is read again differs by the sensor's noise alone, the next line of film by its grain as well.
_REPEATED_SHARE = 0.3
_LEAST_REPEATED_ROWS = 24
_COLUMNS_LOOKED_AT = 128
_LEAST_REPEATED_SHARE = 0.02
# Mounts are opaque to infrared, film is not; a mount covers some hundredths of the frame on each side.
_OPAQUE_SHARE = 0.1
_MOST_COVERED = 0.2


class Suspicion(StrEnum):
    """Reason codes for the frame's flags."""

    BLANK_CLEAR = "blank_clear"
    BLANK_BLACK = "blank_black"
    SAME_SLIDE = "same_slide"
    REPEATED_LINES = "repeated_lines"
    HOLDER_IN_PICTURE = "holder_in_picture"


def suspicions(capture: Capture, this: Fingerprint, before: Fingerprint | None) -> tuple[Suspicion, ...]:
    """Look at a frame for what a feeder does not report.

    Parameters
    ----------
    capture : Capture
        The frame.
    this, before : Fingerprint
        Of the frame, and of the one before it where there was one.
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
    """Tell whether the same line was read over and over, as by a carriage that stopped."""
    longest = _longest_run(_repeated_rows(rgb))
    return bool(longest >= max(_LEAST_REPEATED_ROWS, _LEAST_REPEATED_SHARE * rgb.shape[0]))


def _repeated_rows(rgb: Rgb) -> npt.NDArray[np.bool_]:
    """Mark the rows that equal the next one far more than their own columns equal each other."""
    cols = np.arange(0, rgb.shape[1] - 1, max(1, rgb.shape[1] // _COLUMNS_LOOKED_AT))
    here, beside = (rgb[:, which, 1].astype(np.int32) for which in (cols, cols + 1))
    down = np.median(np.abs(np.diff(here, axis=0)), axis=1)
    across = np.median(np.abs(beside - here), axis=1)[:-1]
    marks: npt.NDArray[np.bool_] = down < _REPEATED_SHARE * across
    return marks


def _longest_run(marks: npt.NDArray[np.bool_]) -> int:
    ends = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def holder_in_picture(infrared: Infrared) -> bool:
    """Tell whether the mount or the holder covers much more of the frame than its border."""
    sample = infrared[:: max(1, infrared.shape[0] // 256), :: max(1, infrared.shape[1] // 256)]
    opaque = sample < _OPAQUE_SHARE * np.percentile(sample, 95)
    rows, cols = (np.mean(opaque, axis=axis) > 0.9 for axis in (1, 0))
    return any(_covered(lines) > _MOST_COVERED for lines in (rows, rows[::-1], cols, cols[::-1]))


def _covered(lines: npt.NDArray[np.bool_]) -> float:
    """Return the share of lines, counted from the first, up to the last of those that are all covered."""
    open_lines = np.flatnonzero(~lines)
    return float(open_lines[0] / len(lines)) if len(open_lines) else 1.0
