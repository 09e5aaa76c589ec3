"""Parent and child see the same words of one shared memory."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.drivers.child.monitor import Monitor, Phase, Slot
from filmscand.drivers.scanner.slide_gate import Started


@pytest.fixture
def monitor():
    monitor = Monitor.create()
    yield monitor
    monitor.close()


def test_what_one_side_reports_the_other_side_reads(monitor):
    other = Monitor(os.dup(monitor.descriptor))
    monitor.enter(Phase.READ)
    monitor.advance(77)
    assert (other[Slot.PHASE], other[Slot.DONE_BYTES]) == (Phase.READ, 77)
    other.close()


def test_every_call_and_every_byte_count_is_a_sign_of_progress(monitor):
    ticks = monitor[Slot.TICKS]
    monitor.enter(Phase.OPTION)
    monitor.request_start()
    monitor.advance(10)
    assert monitor[Slot.TICKS] == ticks + 3


def test_a_second_start_does_not_hide_that_the_first_one_succeeded(monitor):
    monitor.request_start()
    assert monitor[Slot.STARTED] == Started.REQUESTED
    monitor.start_succeeded()
    monitor.request_start()
    assert monitor[Slot.STARTED] == Started.SUCCEEDED
    monitor.begin_frame()
    assert monitor[Slot.STARTED] == Started.NOT_YET


def test_the_share_of_a_frame_counts_both_passes():
    monitor = Monitor.create()
    monitor.begin_frame()
    assert monitor.fraction() == 0.0
    monitor.expect_passes(2)
    monitor.begin_pass(0, 1000)
    monitor.advance(500)
    assert monitor.fraction() == 0.25
    monitor.begin_pass(1, 200)
    assert monitor.fraction() == 0.5
    monitor.advance(200)
    assert monitor.fraction() == 1.0
    monitor.close()


@given(done=st.integers(0, 10**12), total=st.integers(0, 10**10), number=st.integers(0, 3), passes=st.integers(0, 3))
def test_the_share_of_a_frame_is_never_outside_0_to_1(done, total, number, passes):
    monitor = Monitor.create()
    monitor.expect_passes(passes)
    monitor.begin_pass(number, total)
    monitor.advance(done)
    assert 0.0 <= monitor.fraction() <= 1.0
    monitor.close()


def test_closing_twice_is_harmless(monitor):
    monitor.close()
    monitor.close()
