"""A scanner stays usable after faults, cancels and other scanners' faults."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    MagazineEmptyError,
    ScanCancelledError,
    SlideFate,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import load_recipe
from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment
from filmscand.drivers.virtual.magazine import Magazine, Slide
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import (
    MODEL,
    REQUEST,
    RESOLUTION_DPI,
    make_magazine,
    needs_sane,
    quick_recipe,
    scan_as_operator,
    slide_numbers,
    wait_until,
)

pytestmark = needs_sane


def test_a_scan_is_given_up_in_the_middle_and_the_same_slide_scanned_again():
    # tall and narrow, for it is the rows that take their time
    slides = [Slide(np.full((2000, 8, 3), 4000 * n, np.uint16), np.zeros((2000, 8), np.uint16)) for n in (1, 2)]
    with (
        VirtualScanner(MODEL, Magazine.of(slides), address=None, time_scale=0.05) as slow,
        SaneScanner(slow.device, load_recipe(MODEL)) as scanner,
    ):
        canceller = threading.Thread(target=cancel_in_the_middle, args=(scanner,))
        canceller.start()
        with pytest.raises(ScanCancelledError) as cancelled:
            scanner.capture(REQUEST, 1)
        canceller.join()
        assert cancelled.value.slide is SlideFate.IN_GATE
        assert (scanner.capture(REQUEST, 1).rgb == 4000).all()


def cancel_in_the_middle(scanner):
    wait_until(lambda: 0.05 < scanner.progress().fraction < 0.9)
    scanner.cancel()


def test_a_cancel_that_comes_while_the_scanner_starts_is_heard_and_the_next_scan_is_not_cancelled():
    # a start of 12 s, shortened to 2.4
    with (
        VirtualScanner(MODEL, make_magazine(MODEL, 2), address=None, time_scale=0.2) as slow,
        SaneScanner(slow.device, quick_recipe(MODEL)) as scanner,
    ):
        canceller = threading.Thread(target=cancel_in_the_start, args=(scanner,))
        canceller.start()
        with pytest.raises(ScanCancelledError) as cancelled:
            scanner.capture(REQUEST, 1)
        canceller.join()
        # a cancel waits for the answer to the start, on the same line: the process had to be ended
        assert "Turn the Coolscan off" in cancelled.value.advice
        assert cancelled.value.slide is SlideFate.UNCERTAIN
        assert scanner.capabilities().infrared


def cancel_in_the_start(scanner):
    wait_until(lambda: scanner.progress().phase == "start")
    scanner.cancel()


def test_two_scanners_run_side_by_side_and_one_that_hangs_does_not_hold_the_other_up(virtual):
    hung = Fault(FaultKind.STALL, Moment.START, slide=2)
    with VirtualScanner("genesys", make_magazine("genesys", 4), [hung], address=None) as other:
        outcomes = {}

        def run(device, model):
            with SaneScanner(device, quick_recipe(model)) as scanner:
                outcomes[model] = scan_as_operator(scanner, model, 4)

        threads = [
            threading.Thread(target=run, args=pair) for pair in ((virtual.device, MODEL), (other.device, "genesys"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for model, outcome in outcomes.items():
        assert slide_numbers(outcome.captures, 4, model) == [1, 2, 3, 4]
    assert outcomes[MODEL].errors == []
    assert len(outcomes["genesys"].errors) == 1


def test_a_count_beyond_the_end_of_the_magazine_is_an_error(virtual):
    with SaneScanner(virtual.device, quick_recipe(MODEL)) as scanner:
        frames = scanner.scan(ScanRequest(RESOLUTION_DPI[MODEL], frames=6))
        assert len([next(frames) for _ in range(4)]) == 4
        with pytest.raises(MagazineEmptyError):
            next(frames)
