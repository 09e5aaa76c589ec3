"""The gate knows which slide lies in it, as far as anybody can."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.scanner.errors import (
    MagazineEmptyError,
    ScanCancelledError,
    ScannerIoError,
    ScannerJammedError,
    SlideFate,
)
from filmscand.drivers.scanner.recipes import FeederWay
from filmscand.drivers.scanner.slide_gate import SlideGate, Started

FIRST, SECOND = (np.random.default_rng(seed).integers(0, 65536, (48, 48, 3), dtype=np.uint16) for seed in (1, 2))


@pytest.fixture
def gate():
    return SlideGate()


def test_a_frame_is_fed_once_and_scanned_again_without_feeding(gate):
    assert gate.must_feed(1)
    gate.record_scan(1, FIRST)
    assert not gate.must_feed(1)
    assert gate.must_feed(2)


def test_two_frames_of_one_slide_are_noticed_and_the_second_still_has_to_be_fed(gate):
    gate.record_scan(1, FIRST)
    gate.record_scan(2, FIRST)
    assert gate.shows_last_slide_again()
    gate.record_repeated_slide()
    assert gate.must_feed(2)


def test_the_first_frame_repeats_nothing(gate):
    gate.record_scan(1, FIRST)
    assert not gate.shows_last_slide_again()


def test_a_resumed_run_compares_its_first_frame_with_the_last_one_kept(gate):
    gate.resume(FIRST)
    assert gate.uncertain
    gate.record_scan(3, FIRST)
    assert gate.shows_last_slide_again()
    assert not gate.uncertain


def test_a_resumed_run_without_a_kept_frame_has_nothing_to_compare(gate):
    gate.resume(None)
    gate.record_scan(1, SECOND)
    assert not gate.shows_last_slide_again()


@pytest.mark.parametrize(
    ("error", "way", "started", "fed", "fate"),
    [
        (ScannerIoError(""), FeederWay.FRAME, Started.REQUESTED, True, SlideFate.IN_GATE),
        (ScannerIoError(""), FeederWay.NONE, Started.SUCCEEDED, True, SlideFate.IN_GATE),
        (ScannerIoError(""), FeederWay.AUTOLOAD, Started.NOT_YET, True, SlideFate.IN_GATE),
        (ScannerIoError(""), FeederWay.AUTOLOAD, Started.REQUESTED, False, SlideFate.IN_GATE),
        (ScannerIoError(""), FeederWay.AUTOLOAD, Started.SUCCEEDED, True, SlideFate.IN_GATE),
        (ScannerIoError(""), FeederWay.ADVANCE, Started.SUCCEEDED, True, SlideFate.PASSED),
        (ScannerIoError(""), FeederWay.AUTOLOAD, Started.REQUESTED, True, SlideFate.UNCERTAIN),
        (ScannerIoError(""), FeederWay.ADVANCE, Started.REQUESTED, True, SlideFate.UNCERTAIN),
        (ScanCancelledError(""), FeederWay.AUTOLOAD, Started.REQUESTED, True, SlideFate.UNCERTAIN),
        (ScannerJammedError(""), FeederWay.AUTOLOAD, Started.REQUESTED, True, SlideFate.IN_GATE),
        (MagazineEmptyError(""), FeederWay.AUTOLOAD, Started.REQUESTED, True, SlideFate.IN_GATE),
    ],
)
def test_error_feeder_and_progress_of_the_start_decide_where_the_slide_is(gate, error, way, started, fed, fate):
    assert gate.record_failure(error, 4, way, started, fed=fed) is fate
    assert gate.uncertain == (fate is SlideFate.UNCERTAIN and way is FeederWay.AUTOLOAD)


def test_a_start_that_succeeded_leaves_the_frames_own_slide_in_the_gate(gate):
    gate.record_failure(ScannerIoError(""), 4, FeederWay.AUTOLOAD, Started.SUCCEEDED, fed=True)
    assert not gate.must_feed(4)


@pytest.mark.parametrize(("button", "uncertain"), [("load", True), ("eject", False)])
def test_only_a_loaded_slide_has_to_be_scanned_before_any_is_fed(gate, button, uncertain):
    gate.record_scan(1, FIRST)
    gate.record_button(button)
    assert gate.uncertain is uncertain
    assert gate.must_feed(1)


def test_a_slide_that_is_uncertain_stays_so_if_it_cannot_be_scanned_either(gate):
    gate.record_scan(1, FIRST)
    gate.record_failure(ScannerIoError("no answer"), 2, FeederWay.AUTOLOAD, Started.REQUESTED, fed=True)
    gate.record_failure(ScannerIoError("cut off"), 2, FeederWay.AUTOLOAD, Started.SUCCEEDED, fed=False)
    assert gate.uncertain
    assert gate.must_feed(2)
