"""Pictures of a frame at full size, cut into tiles: as captured, cleaned, its infrared and its defect mask.

The pictures are made from the 16-bit files. Captured and cleaned picture are shown with the same tones, those of the
access image, so that they can be compared. Level L of a pyramid is half as large as level L + 1; the highest one is the
picture itself, and level 0 is one pixel (the Deep Zoom format: `OpenSeadragon`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from filmscand.daemon.archive.files.source_file import open_below
from filmscand.daemon.cleaning.access_image import rendering_of
from filmscand.daemon.cleaning.access_tones import PictureProperties
from filmscand.daemon.cleaning.mask_colour import coloured
from filmscand.daemon.cleaning.turning import turned
from filmscand.daemon.core.description.orientation import UPRIGHT, Orientation
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.drivers.files.reader import read_capture

# A screen of 4K shows 40 tiles of this side; smaller ones are as many requests more.
TILE_PX: Final = 512
# Percentiles of the infrared that are shown black and white.
_INFRARED_RANGE: Final = (0.5, 99.5)
_DISPLAY_GAMMA: Final = 2.2
# For looking: no block of 8 pixels is to be seen, and a screen of tiles has 4 MB.
_QUALITY: Final = 88

Rgb8 = npt.NDArray[np.uint8]


class Layer(StrEnum):
    """Which picture of a frame is shown."""

    RAW = "raw"
    CLEAN = "clean"
    INFRARED = "infrared"
    MASK = "mask"


@dataclass(frozen=True, slots=True)
class ZoomSource:
    """The files of one revision of a frame.

    Attributes
    ----------
    root : str
        Top of the archive.
    raw, infrared, clean, mask : str
        Its files below the top, `/` between the parts; the infrared is None where it has no file of its own.
    fourth_sample_is_infrared : bool or None
        What the watch's profile says about a fourth sample.
    linear : bool or None
        Whether counts are proportional to light.
    bits : int
        Bits that the source delivered.
    inverted : bool
        Whether it is shown as a negative.
    key : str
        Names the content of all of them.
    """

    root: str
    raw: str
    infrared: str | None
    clean: str
    mask: str
    fourth_sample_is_infrared: bool | None
    linear: bool | None
    bits: int
    inverted: bool
    key: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of a layer: its level of the pyramid, its column and row there, and how the whole picture is turned."""

    layer: Layer
    level: int
    col: int
    row: int
    shown: Orientation = UPRIGHT


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a layer, scaled down and turned.

    Attributes
    ----------
    layer : Layer
        The layer.
    shown : Orientation
        How the whole picture is turned before anything is cut.
    top, left, bottom, right : int
        The part, pixels of the turned picture.
    rows, cols : int
        Its size after scaling, pixels; not larger than the part.
    turned : Orientation
        How the scaled part is turned once more.
    grey, lossless : bool
        Whether it has no colours, and whether it is a PNG instead of a JPEG.
    """

    layer: Layer
    shown: Orientation
    top: int
    left: int
    bottom: int
    right: int
    rows: int
    cols: int
    turned: Orientation = UPRIGHT
    grey: bool = False
    lossless: bool = False


def top_level(rows: int, cols: int) -> int:
    """Return the level of a pyramid at which the picture has its full size."""
    return (max(rows, cols) - 1).bit_length()


def size_at(level: int, rows: int, cols: int) -> tuple[int, int]:
    """Return rows and columns of a picture at a level."""
    step = 1 << (top_level(rows, cols) - level)
    return -(-rows // step), -(-cols // step)


class ZoomPicture:
    """The layers of one revision, decoded: 8 bits, each with the smaller pictures of its pyramid.

    Parameters
    ----------
    source : ZoomSource
        Its files.

    Raises
    ------
    DriverError, OSError, TransientError
        A file cannot be read.
    """

    def __init__(self, source: ZoomSource) -> None:
        self._source = source
        self._pyramids: dict[Layer, list[Image.Image]] = {}

    def tile(self, wanted: Tile) -> bytes:
        """Return a tile: a JPEG, or a transparent PNG of the mask.

        Raises
        ------
        LookupError
            The frame has no such layer.
        """
        levels = self._levels(wanted.layer)
        picture = levels[len(levels) - 1 - wanted.level]
        cut = turned(picture.crop(_box(wanted, picture.height, picture.width)), wanted.shown)
        out = io.BytesIO()
        if wanted.layer is Layer.MASK:
            coloured(cut).save(out, "PNG", compress_level=1)
        else:
            cut.save(out, "JPEG", quality=_QUALITY, subsampling=0)
        return out.getvalue()

    def cut(self, wanted: Cut) -> bytes:
        """Return a part of a layer, a JPEG or a PNG.

        Raises
        ------
        LookupError
            The frame has no such layer.
        """
        part = _scaled(self._levels(wanted.layer), wanted)
        shown = turned(part, wanted.shown.then(wanted.turned))
        out = io.BytesIO()
        if wanted.lossless:
            (shown.convert("L") if wanted.grey else shown).save(out, "PNG", compress_level=1)
        else:
            (shown.convert("L") if wanted.grey else shown).save(out, "JPEG", quality=_QUALITY, subsampling=0)
        return out.getvalue()

    def _levels(self, layer: Layer) -> list[Image.Image]:
        if layer is Layer.MASK and layer not in self._pyramids:
            self._pyramids[layer] = _pyramid(self._read_mask(), brightest=True)
        elif layer not in self._pyramids:
            self._read_pictures()
        return self._pyramids[layer]

    def _read_pictures(self) -> None:
        source = self._source
        infrared_file = None if source.infrared is None else self._path(source.infrared)
        capture = read_capture(
            self._path(source.raw), infrared_file, fourth_sample_is_infrared=source.fourth_sample_is_infrared
        )
        clean = read_capture(self._path(source.clean), fourth_sample_is_infrared=False).rgb
        film = FilmKind.NEGATIVE if source.inverted else FilmKind.UNKNOWN
        properties = PictureProperties(source.linear, film, capture.icc_profile, source.bits)
        rendering = rendering_of(clean, properties, capture.infrared)
        self._pyramids[Layer.CLEAN] = _pyramid(Image.fromarray(rendering.applied_to(clean)))
        del clean
        self._pyramids[Layer.RAW] = _pyramid(Image.fromarray(rendering.applied_to(capture.rgb)))
        if capture.infrared is not None:
            self._pyramids[Layer.INFRARED] = _pyramid(Image.fromarray(_shown_infrared(capture.infrared)))

    def _read_mask(self) -> Image.Image:
        with Image.open(self._path(self._source.mask), formats=["PNG"]) as mask:
            return mask.convert("L")

    def _path(self, name: str) -> Path:
        # No link is followed below the archive.
        open_below(Path(self._source.root), name).close()
        return Path(self._source.root, name)


def _box(wanted: Tile, rows: int, cols: int) -> tuple[int, int, int, int]:
    """Return where a tile of the turned picture lies in the picture as it was captured: left, top, right, bottom."""
    shown_rows, shown_cols = wanted.shown.shape(rows, cols)
    top, left = wanted.row * TILE_PX, wanted.col * TILE_PX
    bottom, right = min(top + TILE_PX, shown_rows), min(left + TILE_PX, shown_cols)
    return _as_captured((top, left), (bottom, right), wanted.shown, (shown_rows, shown_cols))


def _as_captured(
    first: tuple[int, int], last: tuple[int, int], shown: Orientation, shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return where a part of a turned picture of this shape lies in the captured one: left, top, right, bottom."""
    corners = [shown.inverse.moved(row, col, *shape) for row, col in (first, last)]
    (top, bottom), (left, right) = (sorted(place) for place in zip(*corners, strict=True))
    return left, top, right, bottom


def _scaled(levels: list[Image.Image], wanted: Cut) -> Image.Image:
    """Return a part as it was captured, scaled down from the smallest level that is not smaller."""
    shape = wanted.shown.shape(levels[0].height, levels[0].width)
    box = _as_captured((wanted.top, wanted.left), (wanted.bottom, wanted.right), wanted.shown, shape)
    rows, cols = wanted.shown.inverse.shape(wanted.rows, wanted.cols)
    reduction = min((box[2] - box[0]) / cols, (box[3] - box[1]) / rows)
    level = min(len(levels) - 1, max(0, int(reduction).bit_length() - 1))
    picture = levels[level]
    if level == 0 and (box[2] - box[0], box[3] - box[1]) == (cols, rows):
        return picture.crop(box)
    left, top, right, bottom = (place / (1 << level) for place in box)
    within = (left, top, min(right, picture.width), min(bottom, picture.height))
    return picture.resize((cols, rows), Image.Resampling.LANCZOS, box=within)


def _shown_infrared(infrared: npt.NDArray[np.uint16]) -> Rgb8:
    step = max(1, min(infrared.shape) // 256)
    black, white = np.percentile(infrared[::step, ::step], _INFRARED_RANGE)
    light = (np.arange(65536) - black) / max(white - black, 1.0)
    table = (255 * np.clip(light, 0, 1) ** (1 / _DISPLAY_GAMMA) + 0.5).astype(np.uint8)
    return np.asarray(table[infrared])


def _pyramid(picture: Image.Image, *, brightest: bool = False) -> list[Image.Image]:
    """Return a picture and its smaller copies, largest first; `brightest`: of pixels that fall together that one."""
    levels = [picture]
    while max(levels[-1].size) > 1:
        levels.append(_brightest_halved(levels[-1]) if brightest else levels[-1].reduce(2))
    return levels


def _brightest_halved(mask: Image.Image) -> Image.Image:
    plane = np.asarray(mask)
    even = np.pad(plane, [(0, length % 2) for length in plane.shape])
    rows, cols = even.shape
    return Image.fromarray(even.reshape(rows // 2, 2, cols // 2, 2).max(axis=(1, 3)))
