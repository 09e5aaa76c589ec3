"""The fault table: whatever a scanner does in the middle of a magazine is noticed, named, and survived."""

from __future__ import annotations

import random

import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    CoverOpenError,
    MagazineEmptyError,
    ScannerBusyError,
    ScannerCrashedError,
    ScannerError,
    ScannerHungError,
    ScannerIoError,
    ScannerJammedError,
    ScannerStalledError,
    ShortFrameError,
    SlideFate,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment, Plane
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import (
    RESOLUTION_DPI,
    make_magazine,
    needs_sane,
    quick_recipe,
    scan_as_operator,
    slide_numbers,
)

pytestmark = needs_sane


SLIDES = 10
# libsane either notices that the line is cut, or crashes on it.
CUT = (ScannerIoError, ScannerCrashedError)
INLINE_FAULTS = [
    ("jammed@open", ScannerJammedError),
    ("jammed@start", ScannerJammedError),
    ("jammed@read", ScannerJammedError),
    ("empty@start", MagazineEmptyError),
    ("empty@read", MagazineEmptyError),
    ("cover_open@option", CoverOpenError),
    ("cover_open@start", CoverOpenError),
    ("cover_open@read", CoverOpenError),
    ("io_error@open", ScannerIoError),
    ("io_error@option", ScannerIoError),
    ("io_error@parameters", ScannerIoError),
    ("io_error@start", ScannerIoError),
    ("io_error@read", ScannerIoError),
    ("busy@open", ScannerBusyError),
    ("busy@startx3", ScannerBusyError),
    ("early_end@read", ShortFrameError),
    ("stall@open", ScannerHungError),
    ("stall@option", ScannerHungError),
    ("stall@parameters", ScannerHungError),
    ("stall@start", ScannerHungError),
    ("stall@read", ScannerStalledError),
    ("close_data@read", ScannerStalledError),
    ("close_all@open", CUT),
    ("close_all@option", CUT),
    ("close_all@parameters", CUT),
    ("close_all@start", CUT),
    ("close_all@read", ScannerIoError),
    ("reset@read", ScannerIoError),
    ("garbage@open", CUT),
    ("garbage@option", CUT),
    ("garbage@parameters", CUT),
    ("garbage@start", CUT),
    ("garbage@read", ScannerIoError),
]
SECOND_FRAME_FAULTS = [
    ("jammed@start", ScannerJammedError),
    ("io_error@read", ScannerIoError),
    ("early_end@read", ShortFrameError),
    ("stall@start", ScannerHungError),
    ("stall@read", ScannerStalledError),
    ("close_all@read", ScannerIoError),
]
Kinds = type[ScannerError] | tuple[type[ScannerError], ...]


def fault_at_a_random_moment(text: str, plane: Plane, seed: str) -> Fault:
    """Put a fault somewhere into the magazine; the same seed puts it into the same place."""
    chance = random.Random(f"{text} {plane} {seed}")
    fault = Fault.parse(text)
    slide = 1 if fault.moment is Moment.OPEN else chance.randint(2, SLIDES - 1)
    return Fault(fault.kind, fault.moment, slide, chance.uniform(0.05, 0.95), plane, fault.times)


def run_with_fault(model: str, fault: Fault, expected: Kinds):
    """Run a magazine with the fault in it and print the line of the fault table."""
    with (
        VirtualScanner(model, make_magazine(model, SLIDES), [fault], address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe(model)) as scanner,
    ):
        outcome = scan_as_operator(scanner, model, SLIDES)
    numbers = slide_numbers(outcome.captures, SLIDES, model)
    named = " then ".join(
        f"{type(error).__name__} after {s:.2f} s"
        for error, s in zip(outcome.errors, outcome.error_times_s, strict=True)
    )
    print(f"| {model} | {fault.kind}@{fault.moment}:{fault.slide}/{fault.fraction:.2f}+{fault.plane} | {named} "
          f"| {len(numbers)} frames | {len(numbers) - len(set(numbers))} twice | lost {outcome.lost} |")  # fmt: skip
    assert any(isinstance(error, expected) for error in outcome.errors)
    return outcome, numbers


@pytest.mark.parametrize(("text", "expected"), INLINE_FAULTS, ids=[text for text, _ in INLINE_FAULTS])
def test_a_fault_in_a_slide_feeder_costs_no_frame_and_doubles_none(text, expected):
    fault = fault_at_a_random_moment(text, Plane.PICTURE, "coolscan3")
    outcome, numbers = run_with_fault("coolscan3", fault, expected)
    assert numbers == list(range(1, SLIDES + 1))
    assert outcome.lost == []


@pytest.mark.parametrize("model", ["coolscan2", "genesys"])
@pytest.mark.parametrize(("text", "expected"), SECOND_FRAME_FAULTS, ids=[text for text, _ in SECOND_FRAME_FAULTS])
def test_a_fault_in_the_infrared_frame_costs_no_frame_and_doubles_none(model, text, expected):
    fault = fault_at_a_random_moment(text, Plane.INFRARED, model)
    outcome, numbers = run_with_fault(model, fault, expected)
    assert numbers == list(range(1, SLIDES + 1))
    assert outcome.lost == []


@pytest.mark.parametrize("text", ["io_error@read", "early_end@read", "stall@read"])
def test_a_scanner_that_moves_on_in_its_start_loses_the_slide_that_has_passed_and_says_so(text):
    fault = fault_at_a_random_moment(text, Plane.PICTURE, "pieusb")
    outcome, numbers = run_with_fault("pieusb", fault, ScannerIoError)
    assert outcome.errors[0].slide is SlideFate.PASSED
    assert outcome.lost == [fault.slide]
    assert numbers == [number for number in range(1, SLIDES + 1) if number != fault.slide]


@pytest.mark.parametrize("plane", Plane)
def test_a_scanner_that_drips_is_given_up_like_a_frozen_one_and_the_frame_comes_after_that(plane):
    # a row each 0.3 s is never a silence of 0.9 s; of 61 rows a pass of 4 s has to bring 13 in 0.9 s
    recipe = quick_recipe("coolscan2")
    recipe = recipe.model_copy(update={"budgets": recipe.budgets.model_copy(update={"pass_s": 4.0})})
    fault = Fault(FaultKind.DRIP, Moment.READ, 2, 0.3, plane)
    with (
        VirtualScanner("coolscan2", make_magazine("coolscan2", 3), [fault], address=None) as virtual,
        SaneScanner(virtual.device, recipe) as scanner,
    ):
        outcome = scan_as_operator(scanner, "coolscan2", 3)
    (error,) = outcome.errors
    assert isinstance(error, (ScannerStalledError, ScannerHungError))
    assert slide_numbers(outcome.captures, 3, "coolscan2") == [1, 2, 3]


def test_a_stale_infrared_frame_of_a_failed_scan_is_never_taken_for_a_picture():
    # past a third of the picture, coolscan2 is armed and answers the next start with gray
    fault = Fault(FaultKind.IO_ERROR, Moment.READ, slide=3, fraction=0.8)
    _, numbers = run_with_fault("coolscan2", fault, ScannerIoError)
    assert numbers == list(range(1, SLIDES + 1))


def test_a_jam_after_a_start_that_went_silent_doubles_no_slide():
    # the silent start leaves open whether slide 4 was fed; the slide found in the gate is 3, and feeding then jams
    faults = [Fault(FaultKind.STALL, Moment.START, slide=4), Fault(FaultKind.JAMMED, Moment.START, slide=4)]
    with (
        VirtualScanner("coolscan3", make_magazine("coolscan3", 6), faults, address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("coolscan3")) as scanner,
    ):
        outcome = scan_as_operator(scanner, "coolscan3", 6)
    assert [type(error) for error in outcome.errors] == [ScannerHungError, ScannerJammedError]
    assert slide_numbers(outcome.captures, 6, "coolscan3") == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("failed_at", [Moment.START, Moment.READ])
def test_a_run_that_goes_on_after_a_power_cut_begins_with_the_first_missing_slide(failed_at):
    # cut off before slide 3 was fed, or while it was read: the next process cannot know which
    fault = Fault(FaultKind.IO_ERROR, failed_at, slide=3)
    request = ScanRequest(RESOLUTION_DPI["coolscan3"])
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 4), [fault], address=None) as virtual:
        with SaneScanner(virtual.device, quick_recipe("coolscan3")) as scanner:
            kept = [scanner.capture(request, frame) for frame in (1, 2)]
            with pytest.raises(ScannerIoError):
                scanner.capture(request, 3)
        with SaneScanner(virtual.device, quick_recipe("coolscan3")) as scanner:
            scanner.resume_after(kept[-1].rgb)
            kept += [scanner.capture(request, frame) for frame in (3, 4)]
    assert slide_numbers(kept, 4, "coolscan3") == [1, 2, 3, 4]


def test_a_jam_that_nobody_frees_stays_a_jam_until_somebody_does():
    fault = Fault(FaultKind.JAMMED, Moment.START, slide=2, times=None)
    with (
        VirtualScanner("coolscan3", make_magazine("coolscan3", 3), [fault], address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("coolscan3")) as scanner,
    ):
        stuck = scan_as_operator(scanner, "coolscan3", 3)
        assert len(stuck.captures) == 1
        assert {type(error) for error in stuck.errors} == {ScannerJammedError}
        assert "Free the slide" in stuck.errors[0].advice
        virtual.clear_faults()
        freed = scanner.capture(ScanRequest(RESOLUTION_DPI["coolscan3"]), 2)
    assert slide_numbers([freed], 3, "coolscan3") == [2]
