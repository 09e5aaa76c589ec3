"""Reads the files of other scanning programs into captures: RGB with infrared in every layout that is in use.

Errors are in `filmscand.drivers.files.errors`: wait (FileTruncatedError), set aside (NotAFilmScanError), ask
(AmbiguousLayoutError, PlaneMismatchError), all below FilmFileError.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
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
            icc_profile = read_icc_profile(film, layout.picture)
            info = _describe(film, layout, icc_profile)
        read = _Read(info, read_planes(film, layout), (film.path,))
    if infrared is not None:
        read = _with_partner(read, infrared)
    return Capture(read.planes.rgb, read.planes.infrared, _judged(read.info, read.planes), icc_profile, read.sources)


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


@dataclass(frozen=True, slots=True)
class _Read:
    info: CaptureInfo
    planes: Planes
    sources: tuple[Path, ...]


def _describe(film: FilmTiff, layout: Layout, icc_profile: bytes | None) -> CaptureInfo:
    picture = layout.picture
    linear, flags = read_linear(film, picture)
    rows, cols = picture.upright_shape
    return CaptureInfo(
        rows=rows,
        cols=cols,
        layout=("dng_" if film.is_dng else "tiff_") + _LAYOUT_NAMES[layout.origin],
        icc_profile_sha256=hashlib.sha256(icc_profile).hexdigest() if icc_profile else None,
        resolution_dpi=read_resolution_dpi(film, picture),
        linear=linear,
        make=read_text(film, picture, "make"),
        model=read_text(film, picture, "model"),
        software=read_text(film, picture, "software"),
        captured_at=read_captured_at(film, picture),
        infrared_origin=layout.origin,
        flags=flags,
    )


def _with_partner(read: _Read, partner: Path) -> _Read:
    info = read.info
    if read.planes.infrared is not None:
        return replace(read, info=_changed(info, flags=(*info.flags, "infrared_partner_unused")))
    plane, flags = read_infrared_file(partner, read.sources[0], (info.rows, info.cols))
    layout, origin = f"{info.layout}_pair", InfraredOrigin.PAIR
    paired = _changed(info, layout=layout, infrared_origin=origin, flags=info.flags + flags)
    return _Read(paired, replace(read.planes, infrared=plane), (*read.sources, partner))


def _judged(info: CaptureInfo, planes: Planes) -> CaptureInfo:
    flags = info.flags + planes.flags
    if planes.infrared is None:
        return _changed(info, bits_per_sample=planes.bits, flags=(*flags, "no_infrared"))
    return _changed(
        info,
        bits_per_sample=planes.bits,
        flags=flags + doubt_infrared(planes.rgb, planes.infrared),
        infrared_red_correlation=correlation(planes.rgb[..., 0], planes.infrared),
    )


def _changed(info: CaptureInfo, **fields: object) -> CaptureInfo:
    return info.model_copy(update=fields)
