"""Whole magazines through real libsane and the virtual scanner: every slide once, whatever happens."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.core.timing import ScanTiming
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobState, find_job
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Taken, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.scanning.run import AFTER_INTERRUPTION, SessionTools
from filmscand.daemon.scanning.threads import SessionThreads
from filmscand.daemon.station.configuration import Station
from filmscand.drivers.devices import Drivers
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.sane.devices import open_scanner
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import load_recipe
from filmscand.drivers.virtual.faults import Fault
from filmscand.drivers.virtual.film_slides import film_magazine
from filmscand.drivers.virtual.magazine import Magazine
from filmscand.drivers.virtual.server import VirtualScanner
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir import clean_frame
from support.live_station import LiveStation, leftovers, running, warm_up_engine
from support.scanner_station import RESOLUTION_DPI, make_magazine, make_slide, quick_recipe, shows

QUICK = ScanTiming(busy_first_s=0.02, busy_cap_s=0.1, retry_first_s=0.02, retry_cap_s=0.1, poll_s=0.02)


class ScanStation:
    """A station that scans and does not clean, and the supervisor that looks after it."""

    def __init__(self, root, model="coolscan3", timing=QUICK):
        self.root = root
        self.model = model
        self.archive = Archive(root / "archive")
        self.connection = connect_station(Station(root=root))
        self.sessions = Sessions(self.connection)
        self.queued = lambda: None
        self.recipe = quick_recipe
        self.tools = SessionTools(root / "station.db", root / "archive", timing, lambda: self.queued(), self.open)
        self.threads = SessionThreads(self.tools)

    def open(self, device):
        model = device.split(":")[2]
        return SaneScanner(device, self.recipe(model))

    def plan(self, virtual, **changes):
        return ScanPlan(roll="r", device=virtual.device, **changes)

    def run(self, session_id, until=lambda session: session.state is SessionState.FINISHED, at_most_s=30.0):
        """Look after the sessions until one of them is as it should be; return it."""
        deadline_s = time.monotonic() + at_most_s
        while not until(session := self.sessions.find(session_id)):
            assert time.monotonic() < deadline_s, session
            self.threads.update(self.connection)
            time.sleep(0.01)
        return session

    def scan(self, virtual, **changes):
        """Scan a magazine to its end; return the session."""
        return self.run(self.sessions.add(self.plan(virtual, **changes)).session_id)

    def captures(self, session_id=1):
        """Return what the archive holds of a session's frames, in order."""
        frames = [frame for frame in self.sessions.frames(session_id) if frame.taken is Taken.CAPTURED]
        ids = [self.sessions.find(session_id).plan.frame(frame.number) for frame in frames]
        return [
            read_capture(self.archive.frame_folder(one).raw(), self.archive.frame_folder(one).original(Role.INFRARED))
            for one in ids
        ]

    def slides(self, session_id=1):
        """Return which slide each captured frame shows, to the last bit; 0 for none."""
        return [
            next((number for number in range(1, 11) if shows(capture, make_slide(number), self.model)), 0)
            for capture in self.captures(session_id)
        ]

    def stop(self):
        self.threads.ask_to_stop()
        assert self.threads.join(10.0)
        self.connection.close()


@pytest.fixture
def station(tmp_path):
    station = ScanStation(tmp_path)
    yield station
    station.stop()


@contextmanager
def scanner(slides=4, *faults, model="coolscan3", **settings):
    """Run a virtual scanner with slides that can be told apart."""
    magazine = slides if isinstance(slides, Magazine) else make_magazine(model, slides)
    faults = [Fault.parse(text) for text in faults]
    with VirtualScanner(model, magazine, faults, address=None, **settings) as virtual:
        yield virtual


def is_attention(session):
    return session.state is SessionState.ATTENTION


def test_a_magazine_is_scanned_until_it_is_empty_and_every_slide_stands_in_line(station):
    with scanner(4) as virtual:
        session = station.scan(virtual, operator="Ada")
    assert (session.reason, session.message) == (FinishReason.MAGAZINE_EMPTY, "")
    assert station.slides() == [1, 2, 3, 4]
    jobs = [find_job(station.connection, frame.job_id) for frame in station.sessions.frames(1)]
    assert [(job.frame.stem, job.state) for job in jobs] == [(f"r_{n:04d}", JobState.QUEUED) for n in (1, 2, 3, 4)]
    request = jobs[0].request
    assert (request.flags, request.captured.layout, request.captured.scanned) == ((), "sane_coolscan3", True)
    assert [file.role for file in request.originals] == ["raw", "infrared"]
    assert request.captured.linear is True


def test_a_count_ends_the_session_and_the_next_one_goes_on_with_the_next_number(station):
    with scanner(5) as virtual:
        assert station.scan(virtual, frames=2).reason is FinishReason.COMPLETE
        station.scan(virtual, frames=3, first_number=3)
    assert station.slides(1) + station.slides(2) == [1, 2, 3, 4, 5]
    assert [frame.number for frame in station.sessions.frames(2)] == [3, 4, 5]


def test_a_magazine_that_holds_fewer_slides_than_asked_for_says_so(station):
    with scanner(2) as virtual:
        session = station.scan(virtual, frames=4)
    assert session.reason is FinishReason.MAGAZINE_EMPTY
    assert session.message == "the magazine held 2 slides, expected 4"
    assert station.slides() == [1, 2]


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("jammed@start:3xall", "Free the slide"),
        ("cover_open@start:2xall", "Close the scanner's cover"),
        ("io_error@read:3xall", "Check the cable"),
        ("empty@start:1xall", "Put slides in"),
    ],
)
def test_trouble_that_needs_a_hand_is_shown_with_advice_and_the_session_goes_on_when_told(station, fault, advice):
    with scanner(4, fault) as virtual:
        session_id = station.sessions.add(station.plan(virtual)).session_id
        session = station.run(session_id, is_attention)
        assert session.advice.startswith(advice)
        assert [alarm.key for alarm in Alarms(station.connection).standing()] == [f"session:{session_id}"]
        virtual.clear_faults()
        station.sessions.ask(session_id, Wish.RESUME)
        station.run(session_id)
    assert station.slides() == [1, 2, 3, 4]
    assert Alarms(station.connection).standing() == []


@pytest.mark.parametrize("fault", ["io_error@read:2x2", "early_end@read:3", "busy@start:2x3", "busy@open:1", "reset:2"])
def test_trouble_that_passes_calls_nobody(station, fault):
    seen = set()
    with scanner(3, fault) as virtual:
        session_id = station.sessions.add(station.plan(virtual)).session_id
        station.run(session_id, lambda session: seen.add(session.state) or session.state is SessionState.FINISHED)
    assert station.slides() == [1, 2, 3]
    assert SessionState.ATTENTION not in seen


def test_a_slide_that_the_scanner_has_moved_past_is_lost_its_number_stays_empty_and_the_rest_is_kept(tmp_path):
    station = ScanStation(tmp_path, "pieusb")
    with scanner(4, "early_end@read:2", model="pieusb") as virtual:
        session = station.scan(virtual, frames=4)
    assert session.reason is FinishReason.COMPLETE
    frames = station.sessions.frames(1)
    assert [frame.taken for frame in frames] == [Taken.CAPTURED, Taken.LOST, Taken.CAPTURED, Taken.CAPTURED]
    assert frames[1].error
    captures = station.captures()
    assert [shows(c, make_slide(n, "pieusb"), "pieusb") for c, n in zip(captures, (1, 3, 4), strict=True)] == [True] * 3
    station.stop()


def test_a_scanner_that_does_not_notice_its_end_wants_a_count(tmp_path):
    station = ScanStation(tmp_path)
    with scanner(2, model="pieusb") as virtual:
        session = station.scan(virtual)
    assert session.reason is FinishReason.FAILED
    assert "--frames" in session.advice
    station.stop()


def test_a_resolution_that_the_scanner_does_not_have_fails_before_a_slide_moves(station):
    with scanner(2) as virtual:
        session = station.scan(virtual, scanner={"resolution_dpi": 4001})
        assert virtual.delivered == ()
    assert session.reason is FinishReason.FAILED
    assert session.message


def test_a_scanner_that_no_recipe_drives_fails_the_session(tmp_path):
    station = ScanStation(tmp_path)
    station.threads = SessionThreads(
        SessionTools(tmp_path / "station.db", tmp_path / "archive", QUICK, lambda: None, Drivers().open)
    )
    session_id = station.sessions.add(ScanPlan(roll="r", device="toaster:0")).session_id
    session = station.run(session_id)
    assert session.reason is FinishReason.FAILED
    assert "no recipe" in session.message
    station.stop()


def test_a_session_pauses_and_is_cancelled_between_two_frames(station):
    with scanner(5) as virtual:
        session_id = station.sessions.add(station.plan(virtual)).session_id
        asker = iter([None, Wish.PAUSE, Wish.CANCEL])

        def ask():
            with closing(open_database(station.root / "station.db")) as connection:
                wish = next(asker)
                if wish is not None:
                    Sessions(connection).ask(session_id, wish)

        station.queued = ask
        station.run(session_id, lambda session: session.state is SessionState.PAUSED)
        assert station.slides() == [1, 2]
        station.sessions.ask(session_id, Wish.RESUME)
        session = station.run(session_id)
    assert session.reason is FinishReason.CANCELLED
    assert station.slides() == [1, 2, 3]
    assert [frame.taken for frame in station.sessions.frames(session_id)] == [Taken.CAPTURED] * 3


def test_a_person_who_feeds_by_hand_is_waited_for_after_each_slide(tmp_path):
    station = ScanStation(tmp_path, "genesys")
    with scanner(2, model="genesys") as virtual:
        session_id = station.sessions.add(station.plan(virtual, frames=2)).session_id
        session = station.run(session_id, lambda session: session.state is SessionState.PAUSED)
        assert (session.message, session.advice) == ("1 of 2 slides captured", "Put the next slide in, then go on.")
        station.sessions.ask(session_id, Wish.RESUME)
        assert station.run(session_id).reason is FinishReason.COMPLETE
    assert len(station.captures()) == 2
    station.stop()


def strip(tmp_path):
    return ScanStation(tmp_path, "coolscan2")


def test_chosen_positions_of_a_strip_are_scanned_in_their_order_and_numbered_on(tmp_path):
    station = strip(tmp_path)
    with scanner(4, model="coolscan2") as virtual:
        session = station.scan(virtual, positions=(2, 4), frames=2, first_number=7)
    assert session.reason is FinishReason.COMPLETE
    assert [(frame.position, frame.number) for frame in station.sessions.frames(1)] == [(2, 7), (4, 8)]
    assert station.slides() == [2, 4]
    station.stop()


def test_a_feeder_cannot_choose_positions(station):
    with scanner(4) as virtual:
        session = station.scan(virtual, positions=(2,), frames=1)
    assert session.reason is FinishReason.FAILED
    assert "--positions" in session.advice


def test_a_frame_that_always_fails_is_skipped_when_a_person_says_so_and_the_ones_behind_it_come(tmp_path):
    station = strip(tmp_path)
    with scanner(3, "io_error@start:2xall", model="coolscan2") as virtual:
        session = station.sessions.add(station.plan(virtual, frames=3))
        halted = station.run(session.session_id, is_attention)
        station.sessions.ask_to_skip(session.session_id)
        session = station.run(session.session_id)
    assert session.reason is FinishReason.COMPLETE
    assert station.slides() == [1, 3]
    lost = station.sessions.frames(1)[1]
    assert (lost.position, lost.taken) == (2, Taken.LOST)
    assert lost.error == f"skipped: {halted.message}"
    assert Alarms(station.connection).standing() == []
    station.stop()


@pytest.mark.parametrize("keep", [True, False])
def test_a_position_scanned_again_under_another_number_waits_for_a_person(tmp_path, keep):
    station = strip(tmp_path)
    with scanner(2, model="coolscan2") as virtual:
        station.scan(virtual, frames=1)
        again = station.sessions.add(station.plan(virtual, frames=1, first_number=3)).session_id
        halted = station.run(again, is_attention)
        assert "unsorted/unsorted/r_0001" in halted.message
        assert "--positions" in halted.advice
        if keep:
            station.sessions.ask(again, Wish.RESUME)
        else:
            station.sessions.ask_to_skip(again)
        station.run(again)
    (frame,) = station.sessions.frames(again)
    assert frame.taken is (Taken.CAPTURED if keep else Taken.LOST)
    assert frame.flags == (("same_slide",) if keep else ())
    station.stop()


def test_two_scanners_scan_side_by_side(station):
    # Neither gets past its first frame unless the other is there as well, however long that takes. Scanners without
    # a fault need no short budgets, which a busy machine exceeds.
    station.recipe = load_recipe
    both = threading.Barrier(2)
    waited = threading.local()

    def wait_for_the_other():
        if not getattr(waited, "once", False):
            waited.once = True
            both.wait()

    station.queued = wait_for_the_other
    with scanner(3) as first, scanner(3) as second:
        # A count: a session that looks for a fourth slide takes a number, and the other one then leaves it out.
        plans = [station.plan(virtual, frames=3) for virtual in (first, second)]
        ids = [station.sessions.add(plan).session_id for plan in plans]
        try:
            for session_id in ids:
                station.run(session_id, at_most_s=300.0)
        finally:
            both.abort()
    assert [station.slides(session_id) for session_id in ids] == [[1, 2, 3], [1, 2, 3]]
    numbers = [frame.number for session_id in ids for frame in station.sessions.frames(session_id)]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


def test_two_sessions_at_one_scanner_wait_for_each_other(station):
    with scanner(4) as virtual:
        ids = [station.sessions.add(station.plan(virtual, frames=2)).session_id for _ in range(2)]
        station.run(ids[1])
    assert station.slides(ids[0]) + station.slides(ids[1]) == [1, 2, 3, 4]


def test_blank_and_repeated_slides_are_flagged_and_kept(station):
    slide = make_slide(1)
    clear = type(slide)(np.full_like(slide.rgb, 65532), np.full_like(slide.infrared, 65532), slide.drift)
    with scanner(Magazine.of([slide, slide, clear, make_slide(2)])) as virtual:
        station.scan(virtual)
    flags = [frame.flags for frame in station.sessions.frames(1)]
    assert flags == [(), ("same_slide",), ("blank_clear",), ()]


def captured_slides(virtual, count):
    """Scan the first slides as a service did that was cut off then."""
    with SaneScanner(virtual.device, quick_recipe("coolscan3")) as device:
        return [device.capture(ScanRequest(RESOLUTION_DPI["coolscan3"]), frame) for frame in range(1, count + 1)]


@pytest.mark.parametrize("stored", ["nothing", "the infrared", "everything"])
def test_a_power_cut_in_the_middle_of_a_frame_neither_loses_nor_doubles_it(station, stored):
    with scanner(4) as virtual:
        session = station.sessions.add(station.plan(virtual))
        station.sessions.move(session.session_id, SessionState.WARMING)
        station.sessions.move(session.session_id, SessionState.SCANNING)
        first, second = captured_slides(virtual, 2)
        frame = station.sessions.reserve(session, station.archive.is_free, CleanRequest())
        station.archive.store_capture(session.plan.frame(1), first)
        station.sessions.keep(session.session_id, frame, [], CleanRequest())
        station.sessions.reserve(session, station.archive.is_free, CleanRequest(flags=("noted",)))
        if stored != "nothing":
            station.archive.store_capture(session.plan.frame(2), second)
        if stored == "the infrared":
            station.archive.frame_folder(session.plan.frame(2)).raw().unlink()
        station.run(session.session_id)
    assert station.slides() == [1, 2, 3, 4]
    flags = [frame.flags for frame in station.sessions.frames(session.session_id)]
    late = 2 if stored == "everything" else 1
    assert flags[1] == (("noted",) if stored == "everything" else (AFTER_INTERRUPTION,))
    assert flags[late] == (AFTER_INTERRUPTION,)


def test_a_service_that_stops_gives_the_frame_up_and_the_next_one_goes_on(tmp_path):
    # one second for a frame: it is stopped in the middle of one
    station = ScanStation(tmp_path)
    with scanner(3, time_scale=0.05) as virtual:
        session_id = station.sessions.add(station.plan(virtual)).session_id
        station.run(session_id, lambda _: len(station.captures()) == 1)
        station.stop()
        again = ScanStation(tmp_path)
        assert again.sessions.find(session_id).state is SessionState.SCANNING
        again.run(session_id)
        assert again.slides() == [1, 2, 3]
        again.stop()


def put_in_line(station, virtual):
    with closing(open_database(station.station.database)) as connection:
        Sessions(connection).add(ScanPlan(roll="r", device=virtual.device))


@pytest.fixture(scope="module")
def engine():
    warm_up_engine()


def test_a_service_killed_in_the_middle_of_a_magazine_archives_every_slide_once(tmp_path, engine):
    station = LiveStation(tmp_path)
    with scanner(6, time_scale=0.02) as virtual:
        put_in_line(station, virtual)
        for captured in (2, 4):
            with running(station):
                station.wait_for(lambda status, n=captured: status.sessions[0].captured >= n)
                station.kill()
        with running(station):
            station.wait_for_archived(6, at_most_s=60.0)
            station.wait_for(lambda status: status.sessions[0].reason is not None)
            assert station.stop() == 0
    archive = station.archive
    frames = sorted(archive.frames())
    assert [frame.stem for frame in frames] == [f"r_{number:04d}" for number in range(1, 7)]
    for number, frame in enumerate(frames, 1):
        capture = read_capture(archive.frame_folder(frame).raw(), archive.frame_folder(frame).original(Role.INFRARED))
        assert shows(capture, make_slide(number), "coolscan3")
        assert archive.verify(frame) == ()
        assert archive.read_sidecar(frame).capture.layout == "sane_coolscan3"
    assert leftovers(tmp_path) == []


def test_a_magazine_is_scanned_to_its_end_while_cleaning_stands_still(tmp_path, engine):
    station = LiveStation(tmp_path)
    with scanner(4, time_scale=0.02) as virtual, running(station):
        station.wait_for(lambda status: status.service.running and station.workers())
        for worker in station.workers():
            os.kill(worker, signal.SIGSTOP)
        put_in_line(station, virtual)
        status = station.wait_for(lambda status: status.sessions and status.sessions[0].reason is not None)
        assert (status.sessions[0].captured, status.states["queued"], status.outcomes["archived"]) == (4, 4, 0)
        for worker in station.workers():
            os.kill(worker, signal.SIGCONT)
        station.wait_for_archived(4)


def test_whoever_scans_goes_before_whoever_cleans(tmp_path, engine):
    station = LiveStation(tmp_path)
    with scanner(24, time_scale=0.02) as virtual, running(station):
        put_in_line(station, virtual)
        station.wait_for(lambda status: status.outcomes["archived"] and station.scanners())
        niceness = {
            who: {os.getpriority(os.PRIO_PROCESS, pid) for pid in pids}
            for who, pids in (("scan", [station.service.pid, *station.scanners()]), ("clean", station.workers()))
        }
    assert min(niceness["clean"]) > max(niceness["scan"])


def decibel(picture, truth):
    error = (picture.astype(np.float64) - truth) / 65535.0
    return -10.0 * np.log10(np.mean(error**2))


@pytest.fixture(scope="module")
def two_ways(engine):
    """Give the quality of one slide, as scanned and cleaned, by infrared of the same pass and of a second one."""
    # smaller frames have so few defects that a single one decides
    shape_px = (960, 1440)
    truth = simulate_frame(landscape(*shape_px, 5), KINDS["leaky_slide"], seed=5).clean_rgb
    quality = {}
    for model in ("coolscan3", "genesys"):
        magazine = film_magazine(model, ["leaky_slide"], shape_px, seed=5)
        with scanner(magazine, model=model) as virtual, open_scanner(virtual.device) as device:
            capture = device.capture(ScanRequest(RESOLUTION_DPI[model]), 1)
        whole = truth[: capture.rgb.shape[0]]
        cleaned = clean_frame(capture.rgb, capture.infrared)
        quality[model] = decibel(capture.rgb, whole), decibel(cleaned.rgb, whole)
    return quality


@pytest.mark.parametrize("model", ["coolscan3", "genesys"])
def test_a_slide_is_cleaned_whether_its_infrared_comes_with_the_picture_or_drifts_in_a_second_pass(two_ways, model):
    raw_db, cleaned_db = two_ways[model]
    assert cleaned_db > raw_db + 10.0


def test_a_second_pass_cleans_within_a_decibel_of_the_same_pass(two_ways):
    assert abs(two_ways["coolscan3"][1] - two_ways["genesys"][1]) < 1.0
