"""Reads the metadata of a film file: scanner, program, time, resolution, colour profile, encoding."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any

from filmscand.drivers.files.layout import software_of
from filmscand.drivers.files.tiff_pages import LINEAR_RAW, FilmPage, FilmTiff

_MAKE, _MODEL, _DATE_TIME, _XMP, _EXIF, _DATE_ORIGINAL, _ICC_PROFILE = 271, 272, 306, 700, 34665, 36867, 34675
_RESOLUTION_COLS, _RESOLUTION_ROWS, _RESOLUTION_UNIT, _CAMERA_MODEL = 282, 283, 296, 50708
# No film scanner resolves more; a larger number is no resolution, and does not fit the tag of a result.
_MOST_DPI = 100_000
_PER_INCH = {2: 1.0, 3: 2.54}
_SILVERFAST_GAMMA = re.compile(rb"""Silverfast:Gamma\s*(?:=\s*["']|>)\s*([^"'<]*)""", re.IGNORECASE)
_SILVERFAST_NEGATIVE = re.compile(rb"""Silverfast:Negative\s*(?:=\s*["']|>)\s*Yes\b""", re.IGNORECASE)


def read_text(film: FilmTiff, picture: FilmPage, field: str) -> str | None:
    """Read the field "make", "model" or "software"; None if the file does not have it."""
    if field == "software":
        return software_of(film) or None
    tags = (_MAKE,) if field == "make" else (_MODEL, _CAMERA_MODEL)
    texts = (_tag(film, picture, tag) for tag in tags)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), None)


def read_icc_profile(film: FilmTiff, picture: FilmPage) -> bytes | None:
    """Read the embedded colour profile; None if there is none."""
    profile = _tag(film, picture, _ICC_PROFILE)
    return bytes(profile) if isinstance(profile, bytes) and profile else None


def read_captured_at(film: FilmTiff, picture: FilmPage) -> datetime | None:
    """Read when the frame was captured, without a time zone.

    DateTimeOriginal has priority over DateTime. None if the file has neither.
    """
    exif = _tag(film, picture, _EXIF)
    original = exif.get("DateTimeOriginal") if isinstance(exif, dict) else None
    for text in (original, _tag(film, picture, _DATE_ORIGINAL), _tag(film, picture, _DATE_TIME)):
        if isinstance(text, str):
            with suppress(ValueError):
                return datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S")
    return None


def read_resolution_dpi(film: FilmTiff, picture: FilmPage) -> float | None:
    """Read the samples per inch along the rows of the upright picture; None if the file does not say."""
    is_turned = (picture.orientation or 1) >= 5
    value = _tag(film, picture, _RESOLUTION_ROWS if is_turned else _RESOLUTION_COLS)
    unit = _tag(film, picture, _RESOLUTION_UNIT)
    per_inch = _PER_INCH.get(int(unit) if isinstance(unit, int) else 2)
    if isinstance(value, tuple):
        value = value[0] / value[1] if len(value) == 2 and value[1] else None
    if per_inch is None or not isinstance(value, int | float) or not 0 < value * per_inch <= _MOST_DPI:
        return None
    return float(value * per_inch)


def read_linear(film: FilmTiff, picture: FilmPage) -> tuple[bool | None, tuple[str, ...]]:
    """Find out whether the counts are proportional to light.

    Parameters
    ----------
    film : FilmTiff
        The open file.
    picture : FilmPage
        The page of the picture.

    Returns
    -------
    linear : bool or None
        None if the file does not say.
    flags : tuple of str
        "linear_assumed" if only the kind of file suggests it.
    """
    xmp = _tag(film, picture, _XMP)
    gamma = _SILVERFAST_GAMMA.search(xmp) if isinstance(xmp, bytes) else None
    if gamma:
        with suppress(ValueError):
            return float(gamma[1]) == 1.0, ()
        return None, ()
    if picture.photometric == LINEAR_RAW:
        return True, ()
    if "vuescan" not in software_of(film).lower():
        return None, ()
    if picture.bits == 8:
        return False, ()
    # VueScan's raw files have no colour profile; its files for viewing do.
    if picture.samples == 4 and read_icc_profile(film, picture) is None:
        return True, ("linear_assumed",)
    return None, ()


def read_negative(film: FilmTiff, picture: FilmPage) -> bool | None:
    """Return True if the file says that its film is a negative, else None.

    SilverFast writes whether it scanned as a negative. Its "No" says little: people also scan negatives as positives,
    to invert them with another program.
    """
    xmp = _tag(film, picture, _XMP)
    return True if isinstance(xmp, bytes) and _SILVERFAST_NEGATIVE.search(xmp) else None


def _tag(film: FilmTiff, picture: FilmPage, tag: int) -> Any:
    """Return a tag of the picture's page, else of another page in the order of the file; None if none has it."""
    for page in (picture, *film.pages):
        value = page.tiff.tags.valueof(tag)
        if value is not None:
            return value
    return None
