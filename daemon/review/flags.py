"""Flags of frames with their numbers: what a code is based on, and what differs from the other frames of the roll."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.database.sheets.flagged import FinishedFrame, Numbers

COVERAGE_UNUSUAL: Final = "coverage_unusual"
MANY_LEFT: Final = "many_left"
# Flags that no record holds: they follow from the numbers of a frame and of its roll.
COMPARED: Final = frozenset({COVERAGE_UNUSUAL, MANY_LEFT})
# Frames of a roll below which a median says nothing.
_FEWEST_FRAMES: Final = 5
# Distance of a frame's coverage from the roll's median, in median distances and as a part of the film, from which it is
# unusual: 6 median distances are 4 standard deviations, and half a percent is what a single hair changes.
_MEDIAN_DISTANCES: Final = 6.0
_LEAST_DISTANCE: Final = 0.005
# Regions left alone that are worth a look: so many, and more than were healed.
_MANY_LEFT: Final = 20


@dataclass(frozen=True, slots=True)
class Flag:
    """A reason code of a frame, and the number that it is based on, in words; empty where none is stored."""

    code: str
    number: str = ""


def flags_of(frame: FinishedFrame, coverages: Sequence[float] = ()) -> tuple[Flag, ...]:
    """Return all flags of a frame.

    Parameters
    ----------
    coverages : sequence of float
        Changed part of the film, 0..1, of each frame of the roll; without them nothing is compared.
    """
    coded = [Flag(code, _number(code, frame.numbers)) for code in dict.fromkeys(frame.codes)]
    unusual = _unusual_coverage(frame.numbers.coverage, coverages)
    return tuple(flag for flag in (*coded, _many_left(frame.numbers), unusual) if flag is not None)


def coverages_of(frames: Sequence[FinishedFrame]) -> list[float]:
    """Return the changed part of the film of each frame that tells it."""
    return [frame.numbers.coverage for frame in frames if frame.numbers.coverage is not None]


def _number(code: str, numbers: Numbers) -> str:
    told = {
        "many_defects": (numbers.coverage, "{:.1%} of the film was changed"),
        "registration_unsure": (numbers.confidence, "confidence {:.0%}"),
        "strong_leakage": (numbers.leakage_red, "{:.0%} of the red density leaked"),
        "holder_in_picture": (numbers.holder_fraction, "{:.0%} of the frame is mount"),
        "no_film": (numbers.holder_fraction, "{:.0%} of the frame is mount"),
    }
    value, words = told.get(code, (None, ""))
    return "" if value is None else words.format(value).replace("%", " %")


def _many_left(numbers: Numbers) -> Flag | None:
    found, left = numbers.defects_found or 0, numbers.defects_left or 0
    if left < _MANY_LEFT or 2 * left <= found:
        return None
    return Flag(MANY_LEFT, f"{left} of {found} regions")


def _unusual_coverage(coverage: float | None, coverages: Sequence[float]) -> Flag | None:
    if coverage is None or len(coverages) < _FEWEST_FRAMES:
        return None
    median = statistics.median(coverages)
    spread = statistics.median(abs(one - median) for one in coverages)
    if abs(coverage - median) <= max(_MEDIAN_DISTANCES * spread, _LEAST_DISTANCE):
        return None
    return Flag(COVERAGE_UNUSUAL, f"{100 * coverage:.2f} % of the film, on this roll usually {100 * median:.2f} %")
