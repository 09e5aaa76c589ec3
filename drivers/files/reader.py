"""Reads the files of other scanning programs as captures: RGB with infrared, in all layouts in use.

The errors are in `filmscand.drivers.files.errors`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from filmscand.drivers.base import Capture, CaptureInfo, InfraredOrigin
from filmscand.drivers.files.codec_headers import check_codec_headers
from filmscand.drivers.files.counts import check_infrared, correlation
from filmscand.drivers.files.errors import (
    SUFFIXES,
    AmbiguousLayoutError,
    FileTruncatedError,
    FilmFileError,
    NotAFilmScanError,
    PlaneMismatchError,
    TooLargeError,
)
from filmscand.drivers.files.layout import Layout, decide_layout, is_colour, is_grey
from filmscand.drivers.files.metadata import (
    read_captured_at,
    read_icc_profile,
    read_linear,
    read_negative,
    read_resolution_dpi,
    read_text,
)
from filmscand.drivers.files.pairs import find_infrared_partner, infrared_stem
from filmscand.drivers.files.plain_pictures import is_plain_picture, open_plain, read_plain
from filmscand.drivers.files.planes import (
    Planes,
    StoredAs,
    is_infrared_file,
    plain_planes,
    read_infrared_file,
    read_planes,
)
from filmscand.drivers.files.tiff_pages import UNCOMPRESSED, FilmPage, FilmTiff, convert_errors, open_film
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
    "is_infrared_file",
    "read_capture",
]

_LAYOUT_NAMES = {
    InfraredOrigin.FOURTH_SAMPLE: "rgbi",
    InfraredOrigin.PAGE: "rgb_infrared_page",
    InfraredOrigin.NONE: "rgb",
}


def read_capture(
    picture: Path,
    infrared: Path | None = None,
    *,
    fourth_sample_is_infrared: bool | None = None,
    memory_limit_bytes: int | None = None,
) -> Capture:
    """Read one frame from a film file, or from a picture and its infrared file.

    Infrared inside the picture's file has priority over a separate file; the flag is then "infrared_partner_unused".

    Parameters
    ----------
    picture : Path
        TIFF, BigTIFF, DNG, PNG or JPEG file with a picture, in colours or in grey.
    infrared : Path or None
        The separate infrared file, if there is one (see `find_infrared_partner`).
    fourth_sample_is_infrared : bool or None
        Whether a fourth sample is infrared, as a person or the watch profile says; None decides by the file.
    memory_limit_bytes : int or None
        Memory that the process may use; a file that needs more is refused before it is read. None: no limit.

    Returns
    -------
    Capture
        Upright planes, C-contiguous, native uint16, 0..65535. Without infrared, `infrared` is None and the flags
        contain "no_infrared".

    Raises
    ------
    FileTruncatedError
        If a file is not complete, or changed while it was read.
    NotAFilmScanError
        If a file is not a scan of film.
    AmbiguousLayoutError
        If the file can be read in more than one way.
    TooLargeError
        If the file needs more memory than `memory_limit_bytes`.
    PlaneMismatchError
        If picture and infrared have different aspect ratios.
    OSError
        If a file cannot be read.
    """
    if is_plain_picture(picture):
        frame, stored, icc_profile = _read_plain(picture, memory_limit_bytes)
    else:
        frame, stored, icc_profile = _read_tiff(
            picture, infrared is not None, fourth_sample_is_infrared, memory_limit_bytes
        )
    if infrared is not None:
        frame = _with_partner(frame, infrared, stored)
    info = _complete(frame.info, frame.planes)
    return Capture(frame.planes.rgb, frame.planes.infrared, info, icc_profile, frame.sources)


def _read_tiff(
    picture: Path, has_partner: bool, fourth_sample_is_infrared: bool | None, memory_limit_bytes: int | None
) -> tuple[_ReadFrame, StoredAs, bytes | None]:
    with open_film(picture) as film:
        with convert_errors(picture, "tags of a film scan"):
            layout = decide_layout(film, fourth_sample_infrared=fourth_sample_is_infrared, has_partner=has_partner)
            icc_profile = read_icc_profile(film, layout.picture)
            info = _describe(film, layout, icc_profile)
        for page in {id(page): page for page in (layout.picture, layout.infrared) if page is not None}.values():
            check_codec_headers(film, page)
        _require_memory(film, layout.picture, memory_limit_bytes)
        frame = _ReadFrame(info, read_planes(film, layout), (film.path,))
        stored = StoredAs((layout.picture.rows, layout.picture.cols), layout.picture.orientation or 1)
    return frame, stored, icc_profile


def _read_plain(path: Path, memory_limit_bytes: int | None) -> tuple[_ReadFrame, StoredAs, bytes | None]:
    picture = open_plain(path, memory_limit_bytes)
    rgb, bits, flags = plain_planes(read_plain(path, picture), picture)
    profile = picture.icc_profile
    grey = "grey" in flags
    info = CaptureInfo(
        rows=rgb.shape[0],
        cols=rgb.shape[1],
        layout=f"{picture.kind}_{'grey' if grey else 'rgb'}",
        icc_profile_sha256=hashlib.sha256(profile).hexdigest() if profile else None,
        resolution_dpi=picture.resolution_dpi,
        orientation=picture.orientation,
    )
    stored = StoredAs((picture.size.rows, picture.size.cols), picture.orientation)
    return _ReadFrame(info, Planes(rgb, None, bits, flags), (path,)), stored, profile


def check_whole(path: Path) -> None:
    """Check quickly that a film file, a picture or an infrared file, is complete.

    All directories, strips and tiles must lie within the file, and the last strip or tile must decode.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    FileTruncatedError
        If part of the file is missing, or the file changed during the check.
    NotAFilmScanError
        If the file is not a TIFF, or none of its pages can be a picture or an infrared plane.
    OSError
        If the file cannot be read.
    """
    if is_plain_picture(path):
        read_plain(path, open_plain(path, None))
        return
    with open_film(path) as film:
        pages = [page for page in film.pages if is_colour(page) or is_grey(page)]
        if not pages:
            found = "; ".join(str(page) for page in film.pages)
            raise NotAFilmScanError(path, expected="a colour picture or a grey plane of 8 to 16 bits", found=found)
        for page in pages:
            check_codec_headers(film, page)
            check_last_segment(film, page)


@dataclass(frozen=True, slots=True)
class Content:
    """What a film file holds.

    Attributes
    ----------
    holds_infrared : bool
        A picture with its infrared.
    is_infrared : bool
        The infrared of another file: its name says so, and what it holds does not speak against it.
    """

    holds_infrared: bool
    is_infrared: bool = False


def inspect_file(
    path: Path,
    *,
    fourth_sample_is_infrared: bool | None,
    has_partner: bool,
    memory_limit_bytes: int | None,
    may_be_infrared: bool = False,
) -> Content:
    """Check quickly that a film file is complete and can be read, and find out what it holds.

    Parameters
    ----------
    has_partner : bool
        Whether an infrared file stands beside it.
    may_be_infrared : bool
        Whether its name is that of an infrared file.
    fourth_sample_is_infrared, memory_limit_bytes
        As for `read_capture`.

    Raises
    ------
    FilmFileError
        As `check_whole` and `read_capture` raise it.
    OSError
        If the file cannot be read.
    """
    if is_plain_picture(path):
        read_plain(path, open_plain(path, memory_limit_bytes))
        return Content(holds_infrared=False, is_infrared=may_be_infrared and is_infrared_file(path))
    if may_be_infrared:
        # The infrared half of a pair is one plane, whatever its file holds beside it.
        _decide(path, False, True, memory_limit_bytes)
        check_whole(path)
        if is_infrared_file(path):
            return Content(holds_infrared=False, is_infrared=True)
    layout = _decide(path, fourth_sample_is_infrared, has_partner, memory_limit_bytes)
    check_whole(path)
    return Content(holds_infrared=layout.infrared is not None)


def _decide(path: Path, fourth: bool | None, has_partner: bool, memory_limit_bytes: int | None) -> Layout:
    with open_film(path) as film:
        layout = decide_layout(film, fourth_sample_infrared=fourth, has_partner=has_partner)
        _require_memory(film, layout.picture, memory_limit_bytes)
    return layout


# Bytes of one pixel while a frame is cleaned, at least: its four planes and the picture that comes out, 16 bits each.
_PIXEL_BYTES = 14


def _require_memory(film: FilmTiff, page: FilmPage, limit_bytes: int | None) -> None:
    segment_bytes = 0 if page.compression == UNCOMPRESSED else page.segment_rows * page.segment_row_bytes
    needed_bytes = page.pixels * _PIXEL_BYTES + segment_bytes
    if limit_bytes is not None and needed_bytes > limit_bytes:
        raise TooLargeError.of(film.path, needed_bytes, limit_bytes)


def _layout_name(layout: Layout) -> str:
    name = _LAYOUT_NAMES[layout.origin]
    return name.replace("rgb", "grey", 1) if layout.picture.samples == 1 else name


@dataclass(frozen=True, slots=True)
class _ReadFrame:
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
        layout=("dng_" if film.is_dng else "tiff_") + _layout_name(layout),
        icc_profile_sha256=hashlib.sha256(icc_profile).hexdigest() if icc_profile else None,
        resolution_dpi=read_resolution_dpi(film, picture),
        linear=linear,
        negative=read_negative(film, picture),
        make=read_text(film, picture, "make"),
        model=read_text(film, picture, "model"),
        software=read_text(film, picture, "software"),
        captured_at=read_captured_at(film, picture),
        infrared_origin=layout.origin,
        orientation=picture.orientation or 1,
        flags=flags,
    )


def _with_partner(frame: _ReadFrame, partner: Path, stored: StoredAs) -> _ReadFrame:
    info = frame.info
    if frame.planes.infrared is not None:
        return replace(frame, info=_changed(info, flags=(*info.flags, "infrared_partner_unused")))
    plane, flags = read_infrared_file(partner, frame.sources[0], (info.rows, info.cols), stored)
    layout, origin = f"{info.layout}_pair", InfraredOrigin.PAIR
    paired = _changed(info, layout=layout, infrared_origin=origin, flags=info.flags + flags)
    return _ReadFrame(paired, replace(frame.planes, infrared=plane), (*frame.sources, partner))


def _complete(info: CaptureInfo, planes: Planes) -> CaptureInfo:
    flags = info.flags + planes.flags
    if planes.infrared is None:
        return _changed(info, bits_per_sample=planes.bits, flags=(*flags, "no_infrared"))
    return _changed(
        info,
        bits_per_sample=planes.bits,
        flags=flags + check_infrared(planes.rgb, planes.infrared),
        infrared_red_correlation=correlation(planes.rgb[..., 0], planes.infrared),
    )


def _changed(info: CaptureInfo, **fields: object) -> CaptureInfo:
    return info.model_copy(update=fields)
