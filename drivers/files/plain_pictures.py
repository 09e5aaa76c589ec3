"""Reads PNG and JPEG files, which some scanning programs and most archives of black-and-white film deliver."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

from filmscand.drivers.files.codec_headers import StreamSize, jpeg_size, png_size
from filmscand.drivers.files.errors import FileTruncatedError, NotAFilmScanError, TooLargeError
from filmscand.drivers.files.tiff_pages import convert_errors, open_regular

Counts = npt.NDArray[np.uint16]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# The header of the picture stands in front of its samples; profiles and previews before it are shorter than this.
_HEAD_BYTES = 1 << 20
_ORIENTATION = 274
# Bytes of one pixel while a frame is cleaned, at least: see `reader`; and the samples as the codec delivers them.
_PIXEL_BYTES = 14 + 8


@dataclass(frozen=True, slots=True)
class PlainPicture:
    """A PNG or JPEG file: its kind, its size as stored, and how it is to be turned.

    Attributes
    ----------
    kind : str
        "png" or "jpeg".
    size : StreamSize
        As its header says.
    orientation : int
        1..8, of its Exif data.
    resolution_dpi : float or None
        Samples per inch.
    icc_profile : bytes or None
        Its colour profile.
    """

    kind: str
    size: StreamSize
    orientation: int
    resolution_dpi: float | None
    icc_profile: bytes | None


def is_plain_picture(path: Path) -> bool:
    """Return whether a file begins as a PNG or JPEG does, whatever its name says."""
    with open_regular(path) as file:
        start = file.read(len(_PNG))
    return start.startswith((_PNG, _JPEG))


def open_plain(path: Path, memory_limit_bytes: int | None) -> PlainPicture:
    """Read the header of a PNG or JPEG; no sample is decoded.

    Raises
    ------
    FileTruncatedError
        If the end of the file is missing.
    NotAFilmScanError
        If it is damaged, or has no 8 or 16 bits of grey or RGB.
    TooLargeError
        If its samples need more memory than the limit.
    """
    with open_regular(path) as file:
        head = file.read(_HEAD_BYTES)
        size_bytes = file.seek(0, 2)
        file.seek(max(size_bytes - _HEAD_BYTES, 0))
        tail = file.read()
    kind = "png" if head.startswith(_PNG) else "jpeg"
    size = png_size(head) if kind == "png" else jpeg_size(head)
    if size is None:
        raise FileTruncatedError(path, expected=f"the header of a {kind.upper()} picture", found=f"{size_bytes} bytes")
    if (b"IEND" if kind == "png" else b"\xff\xd9") not in tail:
        raise FileTruncatedError(path, expected=f"the end of a {kind.upper()} picture", found=f"{size_bytes} bytes")
    palette = kind == "png" and head[25] == 3
    sound = size.bits in ((8, 16) if kind == "png" else (8,)) and min(size.rows, size.cols) > 0
    if palette or not sound or size.samples not in ((1, 2, 3, 4) if kind == "png" else (1, 3)):
        expected = "grey or RGB samples of 8 bits" + (" or 16 bits" if kind == "png" else "")
        raise NotAFilmScanError(path, expected=expected, found=f"{size}{' of a palette' if palette else ''}")
    needed_bytes = size.rows * size.cols * _PIXEL_BYTES + size_bytes
    if memory_limit_bytes is not None and needed_bytes > memory_limit_bytes:
        raise TooLargeError.of(path, needed_bytes, memory_limit_bytes)
    return PlainPicture(kind, size, *_described(path))


def read_plain(path: Path, picture: PlainPicture) -> npt.NDArray[Any]:
    """Decode the samples as stored, (rows, cols) or (rows, cols, n) of uint8 or uint16.

    Raises
    ------
    FileTruncatedError
        If the samples do not decode.
    """
    with convert_errors(path, f"the samples of {picture.size}", FileTruncatedError):
        with open_regular(path) as file:
            data = file.read()
        decode = imagecodecs.png_decode if picture.kind == "png" else imagecodecs.jpeg8_decode
        samples: npt.NDArray[Any] = decode(data)
        if samples.shape[:2] != (picture.size.rows, picture.size.cols):
            raise NotAFilmScanError(path, expected=str(picture.size), found=f"samples of {samples.shape}")
        return samples


def _described(path: Path) -> tuple[int, float | None, bytes | None]:
    orientation, resolution, profile = 1, None, None
    # Pillow warns of large pictures, and refuses the largest: then there is no metadata. It decodes nothing here.
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            profile = image.info.get("icc_profile")
            dpi = image.info.get("dpi")
            said: Any = image.getexif().get(_ORIENTATION)
        orientation = said if said in range(1, 9) else 1
        resolution = float(dpi[0]) if dpi and 1 < dpi[0] < 100_000 else None
    return orientation, resolution, profile if isinstance(profile, bytes) and profile else None
