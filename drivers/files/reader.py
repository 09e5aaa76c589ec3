"""Reads the files of other scanning programs into captures: RGB with infrared in every layout that is in use.

Errors are in `filmscand.drivers.files.errors`: wait (FileTruncatedError), set aside (NotAFilmScanError), ask
(AmbiguousLayoutError, PlaneMismatchError), all below FilmFileError.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from filmscand.drivers.base import Capture, CaptureInfo, InfraredOrigin
from filmscand.drivers.files.counts import correlation, doubt_infrared
from filmscand.drivers.files.errors import (
    SUFFIXES,
    AmbiguousLayoutError,
    FileTruncatedError,
    FilmFileError,
    NotAFilmScanError,
    PlaneMismatchError,
)
from filmscand.drivers.files.layout import Layout, decide_layout, is_colour, is_grey
from filmscand.drivers.files.metadata import (
    read_captured_at,
    read_icc_profile,
    read_linear,
    read_resolution_dpi,
    read_text,
)
from filmscand.drivers.files.pairs import find_infrared_partner, infrared_stem
from filmscand.drivers.files.planes import Planes, read_infrared_file, read_planes
from filmscand.drivers.files.tiff_pages import FilmTiff, damage_named, open_film
from filmscand.drivers.files.tiff_samples import check_last_segment

__all__ = [
    "SUFFIXES",
    "AmbiguousLayoutError",
    "FileTruncatedError",
    "FilmFileError",
    "NotAFilmScanError",
    "PlaneMismatchError",
    "check_whole",
    "find_infrared_partner",
    "infrared_stem",
    "read_capture",
]

_LAYOUT_NAMES = {
    InfraredOrigin.FOURTH_SAMPLE: "rgbi",
    InfraredOrigin.PAGE: "rgb_infrared_page",
    InfraredOrigin.NONE: "rgb",
}


def read_capture(
    picture: Path, infrared: Path | None = None, *, fourth_sample_is_infrared: bool | None = None
) -> Capture:
    """Read one frame from a film file, or from a picture and its infrared file.

    Infrared inside the picture's file goes before a separate file, which is then flagged "infrared_partner_unused".

    Parameters
    ----------
    picture : Path
        TIFF, BigTIFF or DNG with a colour picture.
    infrared : Path or None
        The separate infrared file, where there is one (see `find_infrared_partner`).
    fourth_sample_is_infrared : bool or None
        What a person or the profile says about a fourth sample; None leaves it to the file.

    Returns
    -------
    Capture
        Upright planes, C-contiguous, native uint16; `infrared` is None and "no_infrared" flagged where there is none.

    Raises
    ------
    FileTruncatedError
        A file is not whole, or changed while it was read.
    NotAFilmScanError
        A file is no scan of film.
    AmbiguousLayoutError
        The layout can be understood in more than one way.
    PlaneMismatchError
        Picture and infrared differ in shape.
    OSError
        A file cannot be read.
    """
    with open_film(picture) as film:
        with damage_named(picture, "tags of a film scan"):
            layout = decide_layout(film, told_infrared=fourth_sample_is_infrared, has_partner=infrared is not None)
            info = _describe(film, layout)
        planes = read_planes(film, layout)
    if infrared is not None:
        info, planes = _with_partner(info, planes, infrared)
    return _judged(info, planes)


def check_whole(path: Path) -> None:
    """Check cheaply that a film file is complete: a picture or an infrared file.

    Its directories and every strip and tile of every page lie within the file, and the one that lies last decodes.

    Raises
    ------
    FileTruncatedError
        Part of the file is missing, or it changed meanwhile.
    NotAFilmScanError
        It is no TIFF, or no page of it could be a picture or an infrared plane.
    OSError
        The file cannot be read.
    """
    with open_film(path) as film:
        pages = [page for page in film.pages if is_colour(page) or is_grey(page)]
        if not pages:
            found = "; ".join(str(page) for page in film.pages)
            raise NotAFilmScanError(path, expected="a colour picture or a grey plane of 8 to 16 bits", found=found)
        for page in pages:
            check_last_segment(film, page)


def _describe(film: FilmTiff, layout: Layout) -> CaptureInfo:
    picture = layout.picture
    linear, flags = read_linear(film, picture)
    return CaptureInfo(
        layout=("dng_" if film.is_dng else "tiff_") + _LAYOUT_NAMES[layout.origin],
        sources=(film.path,),
        icc_profile=read_icc_profile(film, picture),
        resolution_dpi=read_resolution_dpi(film, picture),
        linear=linear,
        make=read_text(film, picture, "make"),
        model=read_text(film, picture, "model"),
        software=read_text(film, picture, "software"),
        captured_at=read_captured_at(film, picture),
        infrared_origin=layout.origin,
        flags=flags,
    )


def _with_partner(info: CaptureInfo, planes: Planes, partner: Path) -> tuple[CaptureInfo, Planes]:
    if planes.infrared is not None:
        return replace(info, flags=(*info.flags, "infrared_partner_unused")), planes
    rows, cols, _ = planes.rgb.shape
    plane, flags = read_infrared_file(partner, info.sources[0], (rows, cols))
    paired = replace(
        info,
        layout=f"{info.layout}_pair",
        sources=(*info.sources, partner),
        infrared_origin=InfraredOrigin.PAIR,
        flags=info.flags + flags,
    )
    return paired, replace(planes, infrared=plane)


def _judged(info: CaptureInfo, planes: Planes) -> Capture:
    flags = info.flags + planes.flags
    if planes.infrared is None:
        info = replace(info, bits_per_sample=planes.bits, flags=(*flags, "no_infrared"))
        return Capture(planes.rgb, None, info)
    info = replace(
        info,
        bits_per_sample=planes.bits,
        flags=flags + doubt_infrared(planes.rgb, planes.infrared),
        infrared_red_correlation=correlation(planes.rgb[..., 0], planes.infrared),
    )
    return Capture(planes.rgb, planes.infrared, info)
