"""Finds the picture and the infrared plane in a film file, by the structure of the file and not by its name."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.files.errors import AmbiguousLayoutError, NotAFilmScanError, PlaneMismatchError
from filmscand.drivers.files.tiff_pages import (
    BLACK_IS_ZERO,
    CFA,
    LINEAR_RAW,
    MASK,
    PHOTOMETRIC_MASK,
    REDUCED,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    FilmPage,
    FilmTiff,
)

# Largest relative difference of two aspect ratios that count as the same.
ASPECT_TOLERANCE = 0.01
# A colour page whose sides are at most this share of the picture's is a preview, even if it is not marked as one.
_PREVIEW_SHARE = 0.6
# Photometric interpretations of one plane of counts.
_GREY = (WHITE_IS_ZERO, BLACK_IS_ZERO, PHOTOMETRIC_MASK, LINEAR_RAW)
# An infrared page is at least so large, as a share of the picture's sides; a smaller one is a thumbnail.
_INFRARED_SHARE = 0.24
_JPEG = 7
# ExtraSamples value of a sample without a declared meaning.
_UNSPECIFIED_SAMPLE = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The pages of one film file that hold the planes of a frame.

    Attributes
    ----------
    picture : FilmPage
        Page of the colour samples.
    infrared : FilmPage or None
        Page of the infrared: the picture's page if the infrared is its fourth sample, None if the file has none.
    origin : InfraredOrigin
        FOURTH_SAMPLE, PAGE or NONE.
    flags : tuple of str
        Reason codes: "infrared_weak_evidence", "fourth_sample_unused", "extra_page_unused".
    """

    picture: FilmPage
    infrared: FilmPage | None
    origin: InfraredOrigin
    flags: tuple[str, ...] = ()


def decide_layout(film: FilmTiff, *, fourth_sample_infrared: bool | None, has_partner: bool) -> Layout:
    """Find the picture and its infrared within one file.

    A fourth sample has priority over a grey page, and a grey page marked with NewSubfileType 4 over an unmarked one.

    Parameters
    ----------
    film : FilmTiff
        The open file.
    fourth_sample_infrared : bool or None
        Whether a fourth sample is infrared, as a person or the watch profile says; None decides by the file.
    has_partner : bool
        Whether a separate infrared file exists; a doubtful fourth sample is then not used.

    Raises
    ------
    NotAFilmScanError
        If no page is a colour picture of 8 to 16 bits.
    AmbiguousLayoutError
        If several pages could be the picture or the infrared, or the meaning of a fourth sample is unknown.
    PlaneMismatchError
        If the infrared page has another aspect ratio than the picture.
    """
    picture = find_picture(film)
    use_fourth, flags = _decide_fourth_sample(film, picture, fourth_sample_infrared, has_partner)
    page, page_flags = _find_infrared_page(film, picture)
    if _has_second_preview(film, picture) and "extra_page_unused" not in page_flags:
        page_flags += ("extra_page_unused",)
    if use_fourth:
        left = page is not None or "extra_page_unused" in page_flags
        unused = ("extra_page_unused",) if left else ()
        return Layout(picture, picture, InfraredOrigin.FOURTH_SAMPLE, flags + unused)
    origin = InfraredOrigin.PAGE if page is not None else InfraredOrigin.NONE
    return Layout(picture, page, origin, flags + page_flags)


def find_picture(film: FilmTiff) -> FilmPage:
    """Find the one colour page that is the picture; previews are ignored.

    Raises
    ------
    NotAFilmScanError
        If there is none.
    AmbiguousLayoutError
        If there are several.
    """
    unmarked = [page for page in film.pages if not page.subfile_type & MASK]
    # A black-and-white scan has one plane. An infrared page is never the picture, whatever its samples.
    colour = [page for page in unmarked if is_colour(page)] or [page for page in unmarked if is_grey(page)]
    if any(page.photometric == LINEAR_RAW for page in colour):
        colour = [page for page in colour if page.photometric == LINEAR_RAW]
    if not colour:
        raise _no_picture(film)
    largest = max(colour, key=lambda page: page.pixels)
    rivals = [page for page in colour if page is not largest and not _is_preview(page, largest)]
    if rivals:
        found = "; ".join(str(page) for page in (largest, *rivals))
        raise AmbiguousLayoutError(film.path, expected="one picture", found=f"{len(rivals) + 1}: {found}")
    return largest


def is_colour(page: FilmPage) -> bool:
    """Return whether a page can be read as a colour picture."""
    return _has_counts(page) and page.photometric in (RGB, LINEAR_RAW, *_jpeg_colour(page)) and page.samples in (3, 4)


def is_grey(page: FilmPage) -> bool:
    """Return whether a page can be read as one plane of counts."""
    return _has_counts(page) and page.photometric in _GREY and page.samples == 1


def same_aspect(shape: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two shapes (rows, cols) have the same aspect ratio within `ASPECT_TOLERANCE`."""
    return abs(shape[0] * other[1] / (shape[1] * other[0]) - 1.0) <= ASPECT_TOLERANCE


def _jpeg_colour(page: FilmPage) -> tuple[int, ...]:
    # The codec returns RGB.
    return (YCBCR,) if page.compression == _JPEG else ()


def _has_counts(page: FilmPage) -> bool:
    return page.bits in (8, 12, 14, 16) and page.unsigned


def _is_preview(page: FilmPage, picture: FilmPage) -> bool:
    share = max(page.rows / picture.rows, page.cols / picture.cols)
    return share <= _PREVIEW_SHARE or (bool(page.subfile_type & REDUCED) and share < 1.0)


def _has_second_preview(film: FilmTiff, picture: FilmPage) -> bool:
    """Return whether more than one colour page is left: programs write one preview, so the next may be anything."""
    return sum(is_colour(page) and not page.subfile_type & MASK for page in film.pages if page is not picture) > 1


def _no_picture(film: FilmTiff) -> NotAFilmScanError:
    pages = "; ".join(str(page) for page in film.pages) or "no page"
    if any(page.photometric == CFA for page in film.pages):
        expected = "a scanner's picture of 3 or 4 samples per pixel, not a camera's raw file"
    else:
        expected = "an RGB, linear raw or grey picture of unsigned samples of 8 to 16 bits"
    return NotAFilmScanError(film.path, expected=expected, found=pages)


def _decide_fourth_sample(
    film: FilmTiff, picture: FilmPage, configured: bool | None, has_partner: bool
) -> tuple[bool, tuple[str, ...]]:
    if picture.samples != 4:
        return False, ()
    if configured is not None:
        return configured, () if configured else ("fourth_sample_unused",)
    if all(kind == _UNSPECIFIED_SAMPLE for kind in picture.extra_samples) or "vuescan" in software_of(film).lower():
        return True, ()
    if has_partner:
        return False, ("fourth_sample_unused",)
    raise AmbiguousLayoutError(
        film.path,
        expected="a fourth sample without a declared meaning (ExtraSamples 0 or absent), a file of VueScan, or the "
        "setting fourth_sample_infrared",
        found=f"ExtraSamples {picture.extra_samples} in a file of {software_of(film) or 'an unnamed program'}",
    )


def software_of(film: FilmTiff) -> str:
    """Return the name of the program that wrote the file; "" if the file does not say."""
    names = (page.tiff.tags.valueof(305) for page in film.pages)
    return next((name for name in names if isinstance(name, str) and name), "")


def _find_infrared_page(film: FilmTiff, picture: FilmPage) -> tuple[FilmPage | None, tuple[str, ...]]:
    others = [page for page in film.pages if page is not picture and (page.samples == 1 or page.subfile_type & MASK)]
    marked = _marked_pages(film, picture, others)
    unmarked = [page for page in others if is_grey(page) and _is_unmarked_match(page, picture)]
    own_size = [page for page in unmarked if (page.rows, page.cols) == (picture.rows, picture.cols)]
    candidates = marked or own_size or unmarked
    if len(candidates) > 1:
        found = "; ".join(str(page) for page in candidates)
        raise AmbiguousLayoutError(film.path, expected="one infrared page", found=f"{len(candidates)}: {found}")
    flags: tuple[str, ...] = () if marked or not candidates else ("infrared_weak_evidence",)
    if any(page not in candidates and not page.subfile_type & REDUCED for page in others):
        flags += ("extra_page_unused",)
    return (candidates[0] if candidates else None), flags


def _marked_pages(film: FilmTiff, picture: FilmPage, others: list[FilmPage]) -> list[FilmPage]:
    usable = [page for page in others if is_grey(page) or is_colour(page)]
    marked = [page for page in usable if page.subfile_type & MASK or page.photometric == PHOTOMETRIC_MASK]
    own_size = [page for page in marked if (page.rows, page.cols) == (picture.rows, picture.cols)]
    if own_size:
        return own_size
    full = [page for page in marked if not page.subfile_type & REDUCED]
    for page in full:
        if not _fits(page, picture):
            expected = f"an infrared page of {picture.rows} x {picture.cols} pixels or of the same aspect ratio"
            raise PlaneMismatchError(film.path, expected=expected, found=str(page))
    return full or [page for page in marked if _fits(page, picture) and _is_large(page, picture)]


def _fits(page: FilmPage, picture: FilmPage) -> bool:
    stored = same_aspect((page.rows, page.cols), (picture.rows, picture.cols))
    return stored or same_aspect(page.upright_shape, picture.upright_shape)


def _is_large(page: FilmPage, picture: FilmPage) -> bool:
    return min(page.rows / picture.rows, page.cols / picture.cols) >= _INFRARED_SHARE


def _is_unmarked_match(page: FilmPage, picture: FilmPage) -> bool:
    unmarked = not page.subfile_type & (REDUCED | MASK)
    return unmarked and same_aspect((page.rows, page.cols), (picture.rows, picture.cols)) and _is_large(page, picture)
