"""Looks into one file for what the pairing has to know: whether it is a picture, and whether it holds its infrared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.ingest.pairs.pairing import is_named_like_half
from filmscand.daemon.station.configuration import PairRule, Watch
from filmscand.drivers.files.errors import SUFFIXES, AmbiguousLayoutError

_SUFFIX_LIST = ", ".join(sorted(SUFFIXES))


@dataclass(frozen=True, slots=True)
class Looked:
    """What a complete film file holds; the fields are those of `pairing.Arrived`."""

    holds_infrared: bool
    doubt: str | None = None
    is_picture: bool = False


def refused_by_name(path: str) -> str | None:
    """Return why a file cannot be a film scan by its name; None if it can."""
    suffix = PurePosixPath(path).suffix
    if suffix.lower() in SUFFIXES:
        return None
    return f"not a film scan: expected {_SUFFIX_LIST}, found {suffix!r}"


def look_into(inspector: Inspector, watch: Watch, path: str) -> Looked:
    """Look into a film file of a watch folder; `path` is its path below the folder.

    Raises
    ------
    FilmFileError
        The file is not a complete film scan.
    AmbiguousLayoutError
        It can be read in more than one way, and no separate infrared file could decide.
    OSError
        The file cannot be read.
    """
    named = is_named_like_half(path, watch.pair)
    look = partial(
        inspector.look,
        watch.path / path,
        fourth_sample_is_infrared=watch.fourth_sample_infrared,
        may_be_infrared=named,
    )
    doubt = None
    try:
        found = look(has_partner=False)
    except AmbiguousLayoutError as error:
        if watch.pair is PairRule.NONE:
            raise
        # A separate infrared file settles what a fourth sample is; only without one a person has to.
        found = look(has_partner=True)
        doubt = str(error)
    return Looked(found.holds_infrared, doubt, named and not found.is_infrared)
