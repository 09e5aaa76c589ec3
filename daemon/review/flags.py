"""Flags of frames with their numbers: what a code is based on, and what differs from the other frames of the roll."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from filmscand.daemon.database.sheets.flagged import FinishedFrame, Numbers

COVERAGE_UNUSUAL: Final = "coverage_unusual"
MANY_LEFT: Final = "many_left"
DETECTOR_UNSURE: Final = "detector_unsure"
PICTURE_CLIPPED: Final = "picture_clipped"
OUT_OF_FOCUS: Final = "out_of_focus"
# Flags that no record holds: they follow from the numbers of a frame and of its roll.
COMPARED: Final = frozenset({COVERAGE_UNUSUAL, MANY_LEFT, DETECTOR_UNSURE, PICTURE_CLIPPED, OUT_OF_FOCUS})
# Frames of a roll below which a median says nothing.
_FEWEST_FRAMES: Final = 5
# Distance of a frame's number from the roll's median, in median distances, from which it is unusual: 6 median distances
# are 4 standard deviations.
_MEDIAN_DISTANCES: Final = 6.0
# The least distance of the coverage, as a part of the film: half a percent is what a single hair changes.
_LEAST_DISTANCE: Final = 0.005
# Regions that are worth a look: so many, and more than half of those found.
_MANY: Final = 20
# Part of the roll's usual sharpness below which a frame is out of focus: pictures of a roll differ by a third.
_SOFT: Final = 0.5
# The least distance of the clipped part, as a part of the picture: the sun and reflections cover less.
_LEAST_CLIPPED: Final = 0.01


@dataclass(frozen=True, slots=True)
class Flag:
    """A reason code of a frame, and the number that it is based on, in words; empty where none is stored."""

    code: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class RollNumbers:
    """Numbers of the frames of a roll, as far as they are told; each frame is compared with them.

    Attributes
    ----------
    coverages : tuple of float
        Changed part of the film, 0..1.
    sharpnesses : tuple of float
        Sharpness of the grain, above 0.
    clipped : tuple of float
        Clipped part of the picture, 0..1. Light beside the film clips, too, and does so on every frame.
    """

    coverages: tuple[float, ...] = ()
    sharpnesses: tuple[float, ...] = ()
    clipped: tuple[float, ...] = ()

    @classmethod
    def of(cls, frames: Sequence[FinishedFrame]) -> Self:
        """Return the numbers of these frames."""
        each = [frame.numbers for frame in frames]
        return cls(
            tuple(numbers.coverage for numbers in each if numbers.coverage is not None),
            tuple(numbers.sharpness for numbers in each if numbers.sharpness),
            tuple(numbers.clipped for numbers in each if numbers.clipped is not None),
        )


def flags_of(frame: FinishedFrame, roll: RollNumbers | None = None) -> tuple[Flag, ...]:
    """Return all flags of a frame.

    Parameters
    ----------
    roll : RollNumbers, optional
        Numbers of all frames of its roll; without them nothing is compared.
    """
    numbers, roll = frame.numbers, roll or RollNumbers()
    coded = [Flag(code, _number(code, numbers)) for code in dict.fromkeys(frame.codes)]
    derived = (
        _many_left(numbers),
        _detector_unsure(numbers),
        _picture_clipped(numbers.clipped, roll.clipped),
        _out_of_focus(numbers.sharpness, roll.sharpnesses),
        _unusual_coverage(numbers.coverage, roll.coverages),
    )
    return (*coded, *(flag for flag in derived if flag is not None))


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
    if left < _MANY or 2 * left <= found:
        return None
    return Flag(MANY_LEFT, f"{left} of {found} regions")


def _detector_unsure(numbers: Numbers) -> Flag | None:
    found, unsure = numbers.defects_found or 0, numbers.defects_unsure or 0
    if unsure < _MANY or 2 * unsure <= found:
        return None
    return Flag(DETECTOR_UNSURE, f"{unsure} regions, beside {found} defects")


def _picture_clipped(clipped: float | None, of_roll: Sequence[float]) -> Flag | None:
    usual = _unlike(clipped, of_roll, _LEAST_CLIPPED)
    if clipped is None or usual is None or clipped < usual:
        return None
    return Flag(PICTURE_CLIPPED, f"{100 * clipped:.1f} % of the picture, on this roll usually {100 * usual:.1f} %")


def _out_of_focus(sharpness: float | None, sharpnesses: Sequence[float]) -> Flag | None:
    if not sharpness or len(sharpnesses) < _FEWEST_FRAMES:
        return None
    median = statistics.median(sharpnesses)
    if sharpness >= _SOFT * median:
        return None
    return Flag(OUT_OF_FOCUS, f"grain {sharpness:.2f}, on this roll usually {median:.2f}")


def _unusual_coverage(coverage: float | None, coverages: Sequence[float]) -> Flag | None:
    usual = _unlike(coverage, coverages, _LEAST_DISTANCE)
    if coverage is None or usual is None:
        return None
    return Flag(COVERAGE_UNUSUAL, f"{100 * coverage:.2f} % of the film, on this roll usually {100 * usual:.2f} %")


def _unlike(value: float | None, of_roll: Sequence[float], least: float) -> float | None:
    """Return the roll's median where a number lies far from it, else None."""
    if value is None or len(of_roll) < _FEWEST_FRAMES:
        return None
    median = statistics.median(of_roll)
    spread = statistics.median(abs(one - median) for one in of_roll)
    return median if abs(value - median) > max(_MEDIAN_DISTANCES * spread, least) else None
