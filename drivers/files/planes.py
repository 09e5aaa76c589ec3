"""Reads the planes of a frame from the pages that the layout names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from filmscand.drivers.files.counts import detect_bits
from filmscand.drivers.files.errors import NotAFilmScanError, PlaneMismatchError
from filmscand.drivers.files.layout import Layout, is_colour, is_grey, same_aspect
from filmscand.drivers.files.tiff_pages import REDUCED, FilmPage, FilmTiff, open_film
from filmscand.drivers.files.tiff_samples import as_stored, read_samples

Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Planes:
    """Upright planes of one frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535.
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane, 0..65535; None if the file has none.
    bits : int
        Bits that the picture's counts use: 8, 12, 14 or 16.
    flags : tuple of str
        Reason codes of the layout and of both planes.
    """

    rgb: Counts
    infrared: Counts | None
    bits: int
    flags: tuple[str, ...]


def read_planes(film: FilmTiff, layout: Layout) -> Planes:
    """Read the picture and the infrared of the same file.

    Parameters
    ----------
    film : FilmTiff
        The open file.
    layout : Layout
        Where the planes lie in it.

    Raises
    ------
    FileTruncatedError
        If samples are missing.
    """
    picture = layout.picture
    rows, cols = picture.upright_shape
    rgb = np.empty((rows, cols, 3), np.uint16)
    fourth = np.empty((rows, cols), np.uint16) if layout.infrared is picture else None
    orientation = picture.orientation or 1
    stored = [as_stored(rgb, orientation)]
    if picture.samples == 4:
        stored_fourth = as_stored(fourth, orientation) if fourth is not None else None
        read_samples(film, picture, [*stored, stored_fourth])
    else:
        read_samples(film, picture, stored)
    bits, flags = _bits(picture, (rgb,) if fourth is None else (rgb, fourth))
    infrared = fourth
    if layout.infrared is not None and layout.infrared is not picture:
        plane, page_flags = _read_grey(film, layout.infrared, picture.orientation)
        infrared, fit_flags = _fit_to_picture(plane, (rows, cols))
        flags += page_flags + fit_flags
    return Planes(rgb, infrared, bits, layout.flags + flags)


def read_infrared_file(path: Path, picture: Path, shape: tuple[int, int]) -> tuple[Counts, tuple[str, ...]]:
    """Read a separate infrared file and resample it to the grid of its picture.

    Parameters
    ----------
    path : Path
        The infrared file: a grey page, or a colour page whose three samples are equal.
    picture : Path
        The picture to which it belongs, for messages.
    shape : (int, int)
        Rows and columns of the upright picture.

    Returns
    -------
    plane : (rows, cols) ndarray of uint16
        Upright infrared plane of the picture's shape, 0..65535.
    flags : tuple of str
        "infrared_resampled", and the flags of `detect_bits` with the prefix "infrared_".

    Raises
    ------
    FileTruncatedError
        If the file is not complete.
    NotAFilmScanError
        If the file contains no infrared plane.
    PlaneMismatchError
        If the aspect ratios differ by more than 1 %.
    OSError
        If the file cannot be read.
    """
    with open_film(path) as film:
        page = _infrared_page(film)
        if is_grey(page):
            plane, flags = _read_grey(film, page, None)
        else:
            plane, flags = _read_equal_colours(film, page)
    if not same_aspect(plane.shape, shape):
        expected = f"{shape[0]} x {shape[1]} pixels as in {picture.name}, or the same aspect ratio"
        raise PlaneMismatchError(path, expected=expected, found=f"{plane.shape[0]} x {plane.shape[1]}")
    fitted, fit_flags = _fit_to_picture(plane, shape)
    return fitted, flags + fit_flags


def _infrared_page(film: FilmTiff) -> FilmPage:
    usable = [page for page in film.pages if is_grey(page) or is_colour(page)]
    full = [page for page in usable if not page.subfile_type & REDUCED] or usable
    if not full:
        found = "; ".join(str(page) for page in film.pages)
        raise NotAFilmScanError(film.path, expected="an infrared plane: one grey page of 8 to 16 bits", found=found)
    return max(full, key=lambda page: page.pixels)


def _read_grey(film: FilmTiff, page: FilmPage, default_orientation: int | None) -> tuple[Counts, tuple[str, ...]]:
    orientation = page.orientation or default_orientation or 1
    stored_shape = (page.rows, page.cols)
    upright = np.empty(stored_shape[::-1] if orientation >= 5 else stored_shape, np.uint16)
    read_samples(film, page, [as_stored(upright, orientation)])
    _, flags = _bits(page, (upright,))
    return upright, tuple(f"infrared_{flag}" for flag in flags)


def _read_equal_colours(film: FilmTiff, page: FilmPage) -> tuple[Counts, tuple[str, ...]]:
    rgb = np.empty((*page.upright_shape, 3), np.uint16)
    read_samples(film, page, [as_stored(rgb, page.orientation or 1), *[None] * (page.samples - 3)])
    red = rgb[..., 0]
    if not all(np.array_equal(red, rgb[..., index]) for index in (1, 2)):
        expected = "an infrared plane: one grey page, or colour samples that are equal"
        raise NotAFilmScanError(film.path, expected=expected, found=f"{page} with different colour samples")
    plane = np.ascontiguousarray(red)
    _, flags = _bits(page, (plane,))
    return plane, tuple(f"infrared_{flag}" for flag in flags)


def _bits(page: FilmPage, planes: tuple[Counts, ...]) -> tuple[int, tuple[str, ...]]:
    if page.bits == 8:
        return 8, ("eight_bit",)
    declared_max = (1 << page.bits) - 1 if page.bits < 16 else page.max_sample_value
    return detect_bits(planes, declared_max)


def _fit_to_picture(plane: Counts, shape: tuple[int, int]) -> tuple[Counts, tuple[str, ...]]:
    if plane.shape == shape:
        return plane, ()
    # Pillow averages when it reduces and interpolates when it enlarges, with pixel areas aligned.
    image = Image.fromarray(plane.astype(np.float32))
    resized = np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
    fitted = np.empty(shape, np.uint16)
    np.rint(resized, out=fitted, casting="unsafe")
    return fitted, ("infrared_resampled",)
