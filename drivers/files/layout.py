"""Decides which page of a film file is the picture and where its infrared lies, from structure and not from names."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.files.errors import AmbiguousLayoutError, NotAFilmScanError, PlaneMismatchError
from filmscand.drivers.files.tiff_pages import BLACK_IS_ZERO, CFA, LINEAR_RAW, MASK, REDUCED, RGB, FilmPage, FilmTiff

ASPECT_TOLERANCE = 0.01
# A colour page below this part of the picture's size is a preview, whether it says so or not.
_PREVIEW_PART = 0.6
_ANONYMOUS_SAMPLE = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the planes of one frame lie in one file.

    Attributes
    ----------
    picture : FilmPage
        Page of the colour samples.
    infrared : FilmPage or None
        Page of the infrared, the picture's own where it is the fourth sample, None where the file has none.
    origin : InfraredOrigin
        FOURTH_SAMPLE, PAGE or NONE.
    flags : tuple of str
        What was decided on weak evidence or left unused.
    """

    picture: FilmPage
    infrared: FilmPage | None
    origin: InfraredOrigin
    flags: tuple[str, ...] = ()


def decide_layout(film: FilmTiff, *, told_infrared: bool | None, has_partner: bool) -> Layout:
    """Find the picture and its infrared within one file.

    The fourth sample goes before a grey page; a grey page marked NewSubfileType 4 before an unmarked one.

    Parameters
    ----------
    film : FilmTiff
        The open file.
    told_infrared : bool or None
        What a person or the profile says about a fourth sample; None leaves it to the file.
    has_partner : bool
        A separate infrared file was given, so that a doubtful fourth sample may be left.

    Raises
    ------
    NotAFilmScanError
        No page is a colour picture of 8 to 16 bits.
    AmbiguousLayoutError
        Several pages or a doubtful fourth sample could be meant.
    PlaneMismatchError
        The infrared page has another aspect ratio.
    """
    picture = find_picture(film)
    fourth, flags = _judge_fourth_sample(film, picture, told_infrared, has_partner)
    page, page_flags = _find_infrared_page(film, picture)
    if fourth:
        unused = ("extra_page_unused",) if page is not None else ()
        return Layout(picture, picture, InfraredOrigin.FOURTH_SAMPLE, flags + unused)
    origin = InfraredOrigin.PAGE if page is not None else InfraredOrigin.NONE
    return Layout(picture, page, origin, flags + page_flags)


def find_picture(film: FilmTiff) -> FilmPage:
    """Find the one colour page that is the picture, leaving previews aside.

    Raises
    ------
    NotAFilmScanError
        There is none.
    AmbiguousLayoutError
        There are several.
    """
    colour = [page for page in film.pages if is_colour(page)]
    if any(page.photometric == LINEAR_RAW for page in colour):
        colour = [page for page in colour if page.photometric == LINEAR_RAW]
    if not colour:
        raise _nothing_to_clean(film)
    largest = max(colour, key=lambda page: page.pixels)
    rivals = [page for page in colour if page is not largest and not _is_preview(page, largest)]
    if rivals:
        found = "; ".join(str(page) for page in (largest, *rivals))
        raise AmbiguousLayoutError(film.path, expected="one picture", found=f"{len(rivals) + 1}: {found}")
    return largest


def is_colour(page: FilmPage) -> bool:
    """Tell whether a page can be read as a colour picture."""
    return _has_counts(page) and page.photometric in (RGB, LINEAR_RAW) and page.samples in (3, 4)


def is_grey(page: FilmPage) -> bool:
    """Tell whether a page can be read as one plane of counts."""
    return _has_counts(page) and page.photometric in (BLACK_IS_ZERO, LINEAR_RAW) and page.samples == 1


def same_aspect(shape: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether two (rows, cols) have the same aspect ratio within 1 %."""
    return abs(shape[0] * other[1] / (shape[1] * other[0]) - 1.0) <= ASPECT_TOLERANCE


def _has_counts(page: FilmPage) -> bool:
    return page.bits in (8, 12, 14, 16) and page.unsigned


def _is_preview(page: FilmPage, picture: FilmPage) -> bool:
    part = max(page.rows / picture.rows, page.cols / picture.cols)
    return part <= _PREVIEW_PART or (bool(page.subfile_type & REDUCED) and part < 1.0)


def _nothing_to_clean(film: FilmTiff) -> NotAFilmScanError:
    pages = "; ".join(str(page) for page in film.pages) or "no page"
    if any(page.photometric == CFA for page in film.pages):
        expected = "a scanner's picture of 3 or 4 samples for each pixel, not a camera's raw file"
    elif film.pages and all(page.samples == 1 for page in film.pages):
        expected = "a colour picture (a grey plane alone is only the infrared half of one)"
    else:
        expected = "an RGB or linear raw picture of 3 or 4 samples of 8 to 16 bits"
    return NotAFilmScanError(film.path, expected=expected, found=pages)


def _judge_fourth_sample(
    film: FilmTiff, picture: FilmPage, told: bool | None, has_partner: bool
) -> tuple[bool, tuple[str, ...]]:
    if picture.samples == 3:
        return False, ()
    if told is not None:
        return told, () if told else ("fourth_sample_unused",)
    if all(kind == _ANONYMOUS_SAMPLE for kind in picture.extra_samples) or "vuescan" in software_of(film).lower():
        return True, ()
    if has_partner:
        return False, ("fourth_sample_unused",)
    raise AmbiguousLayoutError(
        film.path,
        expected="a fourth sample without meaning (ExtraSamples 0 or absent), VueScan's, or a profile that names it",
        found=f"ExtraSamples {picture.extra_samples} by {software_of(film) or 'an unnamed program'}",
    )


def software_of(film: FilmTiff) -> str:
    """Name the program that wrote the file, "" where it does not say."""
    names = (page.tiff.tags.valueof(305) for page in film.pages)
    return next((name for name in names if isinstance(name, str) and name), "")


def _find_infrared_page(film: FilmTiff, picture: FilmPage) -> tuple[FilmPage | None, tuple[str, ...]]:
    others = [page for page in film.pages if page is not picture and page.samples == 1]
    marked = _marked_pages(film, picture, others)
    unmarked = [page for page in others if is_grey(page) and _is_unmarked_match(page, picture)]
    candidates = marked or unmarked
    if len(candidates) > 1:
        found = "; ".join(str(page) for page in candidates)
        raise AmbiguousLayoutError(film.path, expected="one infrared page", found=f"{len(candidates)}: {found}")
    flags: tuple[str, ...] = () if marked or not candidates else ("infrared_weak_evidence",)
    if any(page not in candidates and not page.subfile_type & REDUCED for page in others):
        flags += ("extra_page_unused",)
    return (candidates[0] if candidates else None), flags


def _marked_pages(film: FilmTiff, picture: FilmPage, others: list[FilmPage]) -> list[FilmPage]:
    marked = [page for page in others if is_grey(page) and page.subfile_type & MASK]
    own_size = [page for page in marked if (page.rows, page.cols) == (picture.rows, picture.cols)]
    if own_size:
        return own_size
    full = [page for page in marked if not page.subfile_type & REDUCED]
    for page in full:
        if not same_aspect((page.rows, page.cols), (picture.rows, picture.cols)):
            expected = f"an infrared page of {picture.rows} x {picture.cols} or the same aspect ratio"
            raise PlaneMismatchError(film.path, expected=expected, found=str(page))
    return full


def _is_unmarked_match(page: FilmPage, picture: FilmPage) -> bool:
    same_size = (page.rows, page.cols) == (picture.rows, picture.cols)
    return same_size and page.bits == picture.bits and not page.subfile_type & (REDUCED | MASK)
