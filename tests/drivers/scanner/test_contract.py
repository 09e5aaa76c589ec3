"""What every scanner does: one class of tests for all of them, whatever drives them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.sane.devices import open_scanner
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import MagazineEmptyError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Region, ScanRequest
from filmscand.drivers.virtual.server import VirtualScanner
from support.command_station import ProgramStation
from support.coolscan import coolscan
from support.scanner_station import (
    COLS,
    MODEL,
    RESOLUTION_DPI,
    ROWS,
    make_magazine,
    needs_sane,
    quick_recipe,
    slide_numbers,
)

SLIDES = 3


class ScannerContract:
    """Every scanner passes these; a class below says what it is."""

    resolution_dpi: int
    # Whose slides it shows, in `support.scanner_station`.
    model = MODEL
    origin = InfraredOrigin.NONE
    notices_empty = True
    # What a request says to keep the slide in the gate, where the scanner or a person would change it.
    slide_stays: ClassVar[dict[str, bool]] = {}

    @property
    def request(self) -> ScanRequest:
        return ScanRequest(self.resolution_dpi)

    def test_it_says_what_it_offers(self, scanner):
        offered = scanner.capabilities()
        lowest, highest = offered.resolution_range_dpi or (0, 0)
        assert self.resolution_dpi in offered.resolutions_dpi or lowest <= self.resolution_dpi <= highest
        assert offered.infrared == (self.origin is not InfraredOrigin.NONE)
        assert offered.notices_empty == self.notices_empty
        assert offered.vendor
        assert offered.model

    def test_a_frame_has_colour_and_the_infrared_that_it_offers(self, scanner):
        capture = scanner.capture(self.request, 1)
        assert capture.rgb.dtype == np.uint16
        assert capture.rgb.ndim == 3
        assert capture.rgb.shape[2] == 3
        assert capture.info.infrared_origin is self.origin
        assert capture.info.resolution_dpi == self.resolution_dpi
        if self.origin is InfraredOrigin.NONE:
            assert capture.infrared is None
        else:
            assert capture.infrared.dtype == np.uint16
            assert capture.infrared.shape == capture.rgb.shape[:2]

    def test_asked_for_the_same_frame_again_it_scans_the_same_slide_again(self, scanner):
        request = ScanRequest(self.resolution_dpi, **self.slide_stays)
        first, again = (scanner.capture(request, 1) for _ in range(2))
        assert np.array_equal(first.rgb, again.rgb)

    def test_infrared_that_is_not_wanted_is_not_given(self, scanner):
        capture = scanner.capture(ScanRequest(self.resolution_dpi, infrared=False), 1)
        assert capture.infrared is None
        assert capture.info.infrared_origin is InfraredOrigin.NONE

    def test_infrared_may_be_wanted_of_one_frame_and_not_of_the_next(self, scanner):
        shapes = []
        for frame, infrared in enumerate((True, False, True), start=1):
            capture = scanner.capture(ScanRequest(self.resolution_dpi, infrared=infrared), frame)
            shapes.append(capture.rgb.shape[1:])
            assert (capture.infrared is not None) == (infrared and self.origin is not InfraredOrigin.NONE)
        assert len(set(shapes)) == 1

    def test_a_region_comes_with_all_its_rows(self, scanner):
        per_mm = self.resolution_dpi / 25.4
        region = Region(top_mm=8 / per_mm, left_mm=12 / per_mm, height_mm=30 / per_mm, width_mm=41 / per_mm)
        whole = scanner.capture(ScanRequest(self.resolution_dpi, **self.slide_stays), 1)
        part = scanner.capture(ScanRequest(self.resolution_dpi, region=region), 1)
        assert part.rgb.shape == (30, 41, 3)
        assert np.array_equal(part.rgb, whole.rgb[8:38, 12:53])

    def test_a_resolution_that_it_does_not_offer_is_refused_and_the_next_frame_comes(self, scanner):
        with pytest.raises(ScannerSetupError, match="99999"):
            scanner.capture(ScanRequest(99_999), 1)
        assert scanner.capture(self.request, 1).rgb.size > 0

    def test_more_samples_of_each_line_than_it_can_take_are_refused(self, scanner):
        with pytest.raises(ScannerSetupError, match="99"):
            scanner.capture(ScanRequest(self.resolution_dpi, samples=99), 1)

    def test_a_frame_is_the_callers_after_the_scanner_is_closed(self, scanner):
        capture = scanner.capture(self.request, 1)
        before = capture.rgb.sum()
        scanner.close()
        capture.rgb[0, 0] = 7
        assert capture.rgb[0, 0, 0] == 7
        assert abs(int(capture.rgb.sum()) - int(before)) < 3 * 65536

    def test_frames_come_in_order_and_as_many_as_asked_for(self, scanner):
        captures = list(scanner.scan(ScanRequest(self.resolution_dpi, frames=2)))
        assert len(captures) == 2
        self.check_slides(captures, [1, 2])

    def check_slides(self, captures, numbers):
        assert slide_numbers(captures, SLIDES, self.model) == numbers

    def test_cancelling_and_closing_twice_is_harmless(self, scanner):
        scanner.cancel()
        scanner.cancel()
        assert scanner.capture(self.request, 1).rgb.size > 0
        scanner.cancel()
        scanner.close()
        scanner.close()

    def test_a_scan_that_is_cancelled_ends_at_the_next_frame(self, scanner):
        frames = scanner.scan(ScanRequest(self.resolution_dpi, frames=3))
        next(frames)
        scanner.cancel()
        assert list(frames) == []

    def test_its_progress_is_full_after_a_frame(self, scanner):
        assert scanner.progress().fraction == 0.0
        scanner.capture(self.request, 1)
        assert scanner.progress().frame == 1
        assert scanner.progress().fraction > 0.9

    def test_a_button_that_it_does_not_have_is_refused(self, scanner):
        with pytest.raises(ScannerSetupError, match="fly"):
            scanner.press("fly")


@needs_sane
class VirtualContract(ScannerContract):
    """What holds for every virtual scanner beside the rest."""

    model: str

    @pytest.fixture
    def virtual(self):
        with VirtualScanner(self.model, make_magazine(self.model, SLIDES), address=None) as virtual:
            yield virtual

    @pytest.fixture
    def scanner(self, virtual):
        with SaneScanner(virtual.device, quick_recipe(self.model)) as scanner:
            yield scanner

    @property
    def resolution_dpi(self):
        return RESOLUTION_DPI[self.model]

    def test_the_frame_is_the_slide_to_the_last_bit(self, scanner):
        capture = scanner.capture(self.request, 1)
        assert slide_numbers([capture], SLIDES, self.model) == [1]
        assert capture.rgb.shape[1] == COLS
        # The spare row that an inline frame loses its tail of does not exist at the end of the scan area.
        assert capture.rgb.shape[0] == (ROWS - 1 if self.origin is InfraredOrigin.FOURTH_SAMPLE else ROWS)

    def test_its_recipe_is_found_by_its_name(self, virtual):
        with open_scanner(virtual.device) as scanner:
            assert scanner.capabilities().recipe == self.model

    def test_a_magazine_is_scanned_until_it_is_empty_or_its_count_has_to_be_said(self, scanner):
        if self.notices_empty:
            assert len(list(scanner.scan(self.request))) == SLIDES
            with pytest.raises(MagazineEmptyError):
                scanner.capture(self.request, SLIDES + 1)
        else:
            with pytest.raises(ScannerSetupError, match="how many"):
                next(scanner.scan(self.request))


class TestCoolscan2(VirtualContract):
    model = "coolscan2"
    origin = InfraredOrigin.SAME_PASS


class TestCoolscan3(VirtualContract):
    model = "coolscan3"
    origin = InfraredOrigin.FOURTH_SAMPLE


class TestPieusb(VirtualContract):
    model = "pieusb"
    origin = InfraredOrigin.FOURTH_SAMPLE
    notices_empty = False
    slide_stays: ClassVar = {"advance": False}


class TestGenesys(VirtualContract):
    model = "genesys"
    origin = InfraredOrigin.SECOND_PASS
    notices_empty = False
    slide_stays: ClassVar = {"infrared": False}


class TestPixma(VirtualContract):
    model = "pixma"
    origin = InfraredOrigin.SECOND_PASS
    notices_empty = False
    slide_stays: ClassVar = {"infrared": False}


class CommandContract(ScannerContract):
    """What holds for every scanner that another program drives."""

    resolution_dpi = RESOLUTION_DPI[MODEL]

    @pytest.fixture
    def station(self, tmp_path):
        return ProgramStation(tmp_path / "station", SLIDES)

    def test_its_end_is_noticed(self, scanner):
        assert len(list(scanner.scan(self.request))) == SLIDES
        with pytest.raises(MagazineEmptyError):
            scanner.capture(self.request, SLIDES + 1)


class NkscanContract(ScannerContract):
    """What holds for every Coolscan that nkscan drives, here through its stand-in."""

    resolution_dpi = RESOLUTION_DPI[MODEL]
    origin = InfraredOrigin.SAME_PASS
    adapter: str

    @pytest.fixture
    def scanner(self, tmp_path, monkeypatch):
        with coolscan(tmp_path / "coolscan", self.adapter, SLIDES, monkeypatch) as (_, opened), opened() as scanner:
            yield scanner

    def test_its_end_is_noticed(self, scanner):
        assert len(list(scanner.scan(self.request))) == SLIDES
        with pytest.raises(MagazineEmptyError):
            scanner.capture(self.request, SLIDES + 1)


class TestNkscanStrip(NkscanContract):
    adapter = "strip"


class TestNkscanFeeder(NkscanContract):
    adapter = "feeder"


class TestCommandFeeder(CommandContract):
    origin = InfraredOrigin.FOURTH_SAMPLE

    @pytest.fixture
    def scanner(self, station):
        with CommandScanner(station.program()) as scanner:
            yield scanner


class TestCommandStrip(CommandContract):
    origin = InfraredOrigin.PAIR

    @pytest.fixture
    def scanner(self, station):
        with CommandScanner(station.strip()) as scanner:
            yield scanner


@needs_sane
class TestSaneTestBackend(ScannerContract):
    """SANE's own test device: colour of 16 bits, without infrared and without slides."""

    resolution_dpi = 200
    notices_empty = False

    @pytest.fixture
    def scanner(self):
        with SaneScanner("test:0", quick_recipe("test")) as scanner:
            yield scanner

    def test_a_region_comes_with_all_its_rows(self, scanner):
        # Its edges are whole millimetres, and its picture begins anew in each scan area.
        region = Region(top_mm=10.0, left_mm=20.0, height_mm=30.0, width_mm=40.0)
        part = scanner.capture(ScanRequest(self.resolution_dpi, region=region), 1)
        assert part.rgb.shape == (int(30 / 25.4 * 200), int(40 / 25.4 * 200), 3)

    def check_slides(self, captures, numbers):
        assert len({capture.rgb.tobytes() for capture in captures}) == 1

    def test_its_colours_reach_from_black_to_full_scale(self, scanner):
        capture = scanner.capture(self.request, 1)
        assert (capture.rgb.min(), capture.rgb.max()) == (0, 65535)

    def test_eight_bits_are_spread_over_sixteen(self, scanner):
        capture = scanner.capture(ScanRequest(self.resolution_dpi, depth_bits=8), 1)
        assert capture.info.bits_per_sample == 8
        assert (capture.rgb % 257 == 0).all()
        assert capture.rgb.max() == 65535
