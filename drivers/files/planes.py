"""Reads the planes of a frame from the pages that the layout names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from filmscand.drivers.files.codec_headers import check_codec_headers
from filmscand.drivers.files.counts import detect_bits
from filmscand.drivers.files.errors import NotAFilmScanError, PlaneMismatchError
from filmscand.drivers.files.layout import Layout, is_colour, is_grey, same_aspect
from filmscand.drivers.files.plain_pictures import PlainPicture, is_plain_picture, open_plain, read_plain
from filmscand.drivers.files.tiff_pages import REDUCED, WHITE_IS_ZERO, FilmPage, FilmTiff, open_film
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
    if picture.samples == 1:
        return _read_grey_picture(film, layout)
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
        infrared, page_flags = _read_infrared_page(film, layout)
        flags += page_flags
    return Planes(rgb, infrared, bits, layout.flags + flags)


def _read_grey_picture(film: FilmTiff, layout: Layout) -> Planes:
    """Read a black-and-white picture; the engine takes three equal planes."""
    plane, bits, flags = _read_plane(film, layout.picture, layout.picture.orientation or 1)
    rgb = np.repeat(plane[..., np.newaxis], 3, axis=2)
    infrared = None
    if layout.infrared is not None:
        infrared, page_flags = _read_infrared_page(film, layout)
        flags += page_flags
    return Planes(rgb, infrared, bits, ("grey", *layout.flags, *flags))


def plain_planes(samples: npt.NDArray[Any], picture: PlainPicture) -> tuple[Counts, int, tuple[str, ...]]:
    """Turn the samples of a PNG or JPEG into an upright picture of three planes.

    Returns
    -------
    rgb : (rows, cols, 3) ndarray of uint16
    bits : int
    flags : tuple of str
        "grey", "lossy" (JPEG), "fourth_sample_unused" (transparency), and those of `detect_bits`.
    """
    flags: tuple[str, ...] = ("lossy",) if picture.kind == "jpeg" else ()
    layers = samples if samples.ndim == 3 else samples[..., np.newaxis]
    if layers.shape[2] in (2, 4):
        flags += ("fourth_sample_unused",)
        layers = layers[..., :-1]
    rows, cols = layers.shape[:2]
    shape = (cols, rows, 3) if picture.orientation >= 5 else (rows, cols, 3)
    rgb = np.empty(shape, np.uint16)
    widen = 257 if samples.dtype == np.uint8 else 1
    # One plane of grey fills all three.
    np.multiply(layers, widen, out=as_stored(rgb, picture.orientation), dtype=np.uint16)
    if layers.shape[2] == 1:
        flags = ("grey", *flags)
    if samples.dtype == np.uint8:
        return rgb, 8, (*flags, "eight_bit")
    bits, bit_flags = detect_bits((rgb,), None)
    return rgb, bits, flags + bit_flags


def _read_infrared_page(film: FilmTiff, layout: Layout) -> tuple[Counts | None, tuple[str, ...]]:
    assert layout.infrared is not None
    picture, page = layout.picture, layout.infrared
    stored = StoredAs((picture.rows, picture.cols), picture.orientation or 1)
    try:
        plane, flags = _read_infrared(film, page, stored)
    except NotAFilmScanError:
        # A page that is marked as a mask and has colours is no infrared plane.
        return None, ("extra_page_unused",)
    if not same_aspect(plane.shape, picture.upright_shape):
        expected = f"an infrared page of the aspect ratio of {picture}"
        raise PlaneMismatchError(film.path, expected=expected, found=str(page))
    fitted, fit_flags = _fit_to_picture(plane, picture.upright_shape)
    return fitted, flags + fit_flags


@dataclass(frozen=True, slots=True)
class StoredAs:
    """How the samples of a picture are stored: rows and columns before it is turned, and its orientation tag."""

    shape: tuple[int, int]
    orientation: int


def _read_infrared(film: FilmTiff, page: FilmPage, picture: StoredAs) -> tuple[Counts, tuple[str, ...]]:
    """Read an infrared plane upright. A scanner stores both planes alike; a viewer turns the tag of one of them."""
    stored_alike = same_aspect((page.rows, page.cols), picture.shape)
    said = page.orientation or (picture.orientation if stored_alike else 1)
    orientation = picture.orientation if stored_alike else said
    if is_grey(page):
        plane, _, flags = _read_plane(film, page, orientation)
    else:
        plane, flags = _read_equal_colours(film, page, orientation)
    turned = ("turned_like_picture",) if said != orientation else ()
    return plane, tuple(f"infrared_{flag}" for flag in (*turned, *flags))


def read_infrared_file(
    path: Path, picture: Path, shape: tuple[int, int], stored: StoredAs | None = None
) -> tuple[Counts, tuple[str, ...]]:
    """Read a separate infrared file and resample it to the grid of its picture.

    Parameters
    ----------
    path : Path
        The infrared file: a grey page, or a colour page whose three samples are equal.
    picture : Path
        The picture to which it belongs, for messages.
    shape : (int, int)
        Rows and columns of the upright picture.
    stored : StoredAs, optional
        How the picture is stored; None for upright.

    Returns
    -------
    plane : (rows, cols) ndarray of uint16
        Upright infrared plane of the picture's shape, 0..65535.
    flags : tuple of str
        "infrared_resampled", "infrared_turned_like_picture", "infrared_white_is_zero", and the flags of `detect_bits`
        with the prefix "infrared_".

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
    if is_plain_picture(path):
        plane, flags = _read_plain_infrared(path, stored or StoredAs(shape, 1))
    else:
        with open_film(path) as film:
            page = _infrared_page(film)
            check_codec_headers(film, page)
            plane, flags = _read_infrared(film, page, stored or StoredAs(shape, 1))
    if not same_aspect(plane.shape, shape):
        expected = f"{shape[0]} x {shape[1]} pixels as in {picture.name}, or the same aspect ratio"
        raise PlaneMismatchError(path, expected=expected, found=f"{plane.shape[0]} x {plane.shape[1]}")
    fitted, fit_flags = _fit_to_picture(plane, shape)
    return fitted, flags + fit_flags


def is_infrared_file(path: Path) -> bool:
    """Return whether a file can be a separate infrared file, by its samples: it is grey, or its colours are equal.

    A scan in colours may have a name that ends like that of an infrared file (`pier_ir.tif`); it stays a picture.

    Raises
    ------
    FilmFileError
        If the file is not complete, or holds no plane at all.
    OSError
        If the file cannot be read.
    """
    if is_plain_picture(path):
        picture = open_plain(path, None)
        return picture.size.samples <= 2 or _has_equal_colours(plain_planes(read_plain(path, picture), picture)[0])
    with open_film(path) as film:
        page = _infrared_page(film)
        if is_grey(page):
            return True
        check_codec_headers(film, page)
        return _has_equal_colours(_read_colours(film, page, page.orientation or 1))


def _has_equal_colours(rgb: Counts) -> bool:
    return all(np.array_equal(rgb[..., 0], rgb[..., index]) for index in (1, 2))


def _read_plain_infrared(path: Path, stored: StoredAs) -> tuple[Counts, tuple[str, ...]]:
    picture = open_plain(path, None)
    if same_aspect((picture.size.rows, picture.size.cols), stored.shape):
        picture = replace(picture, orientation=stored.orientation)
    rgb, _, flags = plain_planes(read_plain(path, picture), picture)
    plane = np.ascontiguousarray(rgb[..., 0])
    if not _has_equal_colours(rgb):
        expected = "an infrared plane: grey, or colour samples that are equal"
        raise NotAFilmScanError(path, expected=expected, found=f"{picture.size} with different colour samples")
    return plane, tuple(f"infrared_{flag}" for flag in flags if flag != "grey")


def _infrared_page(film: FilmTiff) -> FilmPage:
    usable = [page for page in film.pages if is_grey(page) or is_colour(page)]
    full = [page for page in usable if not page.subfile_type & REDUCED] or usable
    if not full:
        found = "; ".join(str(page) for page in film.pages)
        raise NotAFilmScanError(film.path, expected="an infrared plane: one grey page of 8 to 16 bits", found=found)
    return max(full, key=lambda page: page.pixels)


def _read_plane(film: FilmTiff, page: FilmPage, orientation: int) -> tuple[Counts, int, tuple[str, ...]]:
    stored_shape = (page.rows, page.cols)
    upright = np.empty(stored_shape[::-1] if orientation >= 5 else stored_shape, np.uint16)
    read_samples(film, page, [as_stored(upright, orientation)])
    bits, flags = _bits(page, (upright,))
    if page.photometric == WHITE_IS_ZERO:
        np.subtract(65535, upright, out=upright)
        flags += ("white_is_zero",)
    return upright, bits, flags


def _read_equal_colours(film: FilmTiff, page: FilmPage, orientation: int) -> tuple[Counts, tuple[str, ...]]:
    rgb = _read_colours(film, page, orientation)
    if not _has_equal_colours(rgb):
        expected = "an infrared plane: one grey page, or colour samples that are equal"
        raise NotAFilmScanError(film.path, expected=expected, found=f"{page} with different colour samples")
    plane = np.ascontiguousarray(rgb[..., 0])
    _, flags = _bits(page, (plane,))
    return plane, flags


def _read_colours(film: FilmTiff, page: FilmPage, orientation: int) -> Counts:
    stored_shape = (page.rows, page.cols)
    rgb = np.empty((*(stored_shape[::-1] if orientation >= 5 else stored_shape), 3), np.uint16)
    read_samples(film, page, [as_stored(rgb, orientation), *[None] * (page.samples - 3)])
    return rgb


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
