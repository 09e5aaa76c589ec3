"""Reads the parameters of an image request: region, size, rotation, quality and format (IIIF Image API 3.0, section 4).

What the specification knows and this server does not offer is answered as the specification says: by 501 for enlarging,
by 400 for other rotations, qualities and formats.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.cleaning.deep_zoom import Cut
from filmscand.daemon.core.description.orientation import TURNS, Orientation
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.web.iiif.shown import ShownImage

# Pixels of one answer: 4096 x 4096 take the child 50 MB and a second.
MAX_AREA: Final = 1 << 24
# A JPEG cannot have more than 65,535 pixels on a side.
MAX_SIDE: Final = 1 << 15
QUALITIES: Final = ("default", "color", "gray")
FORMATS: Final = {"jpg": "image/jpeg", "png": "image/png"}
# Longer numbers mean nothing for a picture, and take time to read.
_WHOLE: Final = "[0-9]{1,9}"
_DECIMAL: Final = r"[0-9]{0,9}(?:\.[0-9]{1,9})?"
_PIXELS: Final = re.compile(rf"({_WHOLE}),({_WHOLE}),({_WHOLE}),({_WHOLE})", re.ASCII)
_PERCENT: Final = re.compile(rf"pct:({_DECIMAL}),({_DECIMAL}),({_DECIMAL}),({_DECIMAL})", re.ASCII)
_SIZE: Final = re.compile(rf"(?P<confined>!?)(?P<cols>(?:{_WHOLE})?),(?P<rows>(?:{_WHOLE})?)", re.ASCII)
_SIZE_PERCENT: Final = re.compile(rf"pct:({_DECIMAL})", re.ASCII)
_ROTATION: Final = re.compile(rf"(!?)({_DECIMAL})", re.ASCII)


class BadImageRequestError(DaemonError):
    """An address that asks for no image, or for one that is not offered (400)."""


class NotOfferedError(DaemonError):
    """An address of the right form that asks for enlarging, which is not offered (501)."""


@dataclass(frozen=True, slots=True)
class ImageParameters:
    """The four last parts of the address of an image."""

    region: str
    size: str
    rotation: str
    quality: str


@dataclass(frozen=True, slots=True)
class _Region:
    top: int
    left: int
    rows: int
    cols: int


def cut_of(image: ShownImage, asked: ImageParameters) -> Cut:
    """Return the part of an image that an address asks for.

    Raises
    ------
    BadImageRequestError
        A parameter has a wrong form, lies outside the image, or is not offered.
    NotOfferedError
        The image would have to be enlarged.
    """
    quality, _, format = asked.quality.partition(".")
    if quality not in QUALITIES or format not in FORMATS:
        offered = f"{'|'.join(QUALITIES)}.{'|'.join(FORMATS)}"
        raise BadImageRequestError(f"quality and format: expected {offered}, found {asked.quality!r}")
    region = _region(asked.region, image.rows, image.cols)
    rows, cols = _size(asked.size, region)
    return Cut(
        layer=image.layer,
        shown=image.zoomable.described,
        top=region.top,
        left=region.left,
        bottom=region.top + region.rows,
        right=region.left + region.cols,
        rows=rows,
        cols=cols,
        turned=_rotation(asked.rotation),
        grey=quality == "gray",
        lossless=format == "png",
    )


def _region(text: str, rows: int, cols: int) -> _Region:
    if text == "full":
        return _Region(0, 0, rows, cols)
    if text == "square":
        side = min(rows, cols)
        return _Region((rows - side) // 2, (cols - side) // 2, side, side)
    if found := _PIXELS.fullmatch(text):
        left, top, width, height = map(int, found.groups())
    elif found := _PERCENT.fullmatch(text):
        x, y, w, h = (_decimal(number, "region", text) for number in found.groups())
        left, top = round(x * cols / 100), round(y * rows / 100)
        width, height = _at_least_one(w * cols / 100), _at_least_one(h * rows / 100)
    else:
        raise BadImageRequestError(f"region: expected full, square, x,y,w,h or pct:x,y,w,h, found {text!r}")
    if not width or not height or left >= cols or top >= rows:
        raise BadImageRequestError(f"region: {text!r} lies outside the image of {cols} x {rows} pixels, or is empty")
    return _Region(top, left, min(height, rows - top), min(width, cols - left))


def _at_least_one(length: float) -> int:
    """Return a length in pixels; a part of one is one, nothing is nothing."""
    return max(1, round(length)) if length else 0


def _size(text: str, region: _Region) -> tuple[int, int]:
    """Return rows and columns of the answer, before it is turned."""
    enlarges, asked = text.startswith("^"), text.removeprefix("^")
    if asked == "max":
        if enlarges and _limit(region) > 1:
            raise NotOfferedError("size: enlarging (^) is not offered")
        return _by_factor(region, min(1.0, _limit(region)))
    rows, cols = _asked_size(asked, region, enlarges=enlarges)
    if rows > region.rows or cols > region.cols:
        if enlarges:
            raise NotOfferedError("size: enlarging (^) is not offered")
        raise BadImageRequestError(f"size: {text!r} is larger than the region of {region.cols} x {region.rows} pixels")
    if not rows or not cols or max(rows, cols) > MAX_SIDE or rows * cols > MAX_AREA:
        raise BadImageRequestError(f"size: expected 1 to {MAX_AREA} pixels, found {text!r}")
    return rows, cols


def _asked_size(text: str, region: _Region, *, enlarges: bool) -> tuple[int, int]:
    if found := _SIZE_PERCENT.fullmatch(text):
        factor = _decimal(found[1], "size", text) / 100
        return _scaled(region.rows, factor), _scaled(region.cols, factor)
    found = _SIZE.fullmatch(text)
    if found is None or not (found["cols"] or found["rows"]):
        raise BadImageRequestError(f"size: expected max, w, ,h w,h !w,h or pct:n, found {text!r}")
    cols, rows = (int(found[name]) if found[name] else None for name in ("cols", "rows"))
    if found["confined"]:
        if cols is None or rows is None:
            raise BadImageRequestError(f"size: expected !w,h, found {text!r}")
        factor = min(cols / region.cols, rows / region.rows, _limit(region))
        return _by_factor(region, factor if enlarges else min(1.0, factor)) if cols and rows else (0, 0)
    if rows is None:
        assert cols is not None
        return _scaled(region.rows, cols / region.cols), cols
    return rows, _scaled(region.cols, rows / region.rows) if cols is None else cols


def _limit(region: _Region) -> float:
    """Return the factor by which a region has the largest size that is answered."""
    return min(math.sqrt(MAX_AREA / (region.rows * region.cols)), MAX_SIDE / max(region.rows, region.cols))


def _by_factor(region: _Region, factor: float) -> tuple[int, int]:
    cols = _scaled(region.cols, factor)
    # Rounded up on both sides it may be a few pixels too many.
    return min(_scaled(region.rows, factor), MAX_AREA // cols), cols


def _scaled(length: int, factor: float) -> int:
    return max(1, round(length * factor)) if factor else 0


def _rotation(text: str) -> Orientation:
    found = _ROTATION.fullmatch(text)
    degrees = _decimal(found[2], "rotation", text) if found else None
    turn = next((turn for turn in TURNS if degrees is not None and degrees in (turn, turn + 360)), None)
    if found is None or degrees is None or degrees > 360 or turn is None:
        raise BadImageRequestError(f"rotation: expected 0, 90, 180 or 270, or one of them after !, found {text!r}")
    return Orientation(turn, bool(found[1]))


def _decimal(number: str, name: str, text: str) -> float:
    if not number:
        raise BadImageRequestError(f"{name}: expected numbers such as 12.5, found {text!r}")
    return float(number)
