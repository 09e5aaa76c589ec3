"""Faults are read from text and happen as often as they say."""

from __future__ import annotations

import pytest

from filmscand.drivers.virtual.faults import Fault, FaultBook, FaultKind, Moment, Plane


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("jammed", Fault(FaultKind.JAMMED)),
        ("stall@start:3", Fault(FaultKind.STALL, Moment.START, 3)),
        ("io_error@read:4/0.25+infrared", Fault(FaultKind.IO_ERROR, Moment.READ, 4, 0.25, Plane.INFRARED)),
        ("busy@start:2x5", Fault(FaultKind.BUSY, Moment.START, 2, times=5)),
        ("empty@start:7xall", Fault(FaultKind.EMPTY, Moment.START, 7, times=None)),
    ],
)
def test_a_fault_is_read_from_text(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "sneeze", "reset@start", "jammed@option", "stall@noon", "io_error:2/7"])
def test_a_fault_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError):
        Fault.parse(text)


def test_a_fault_happens_as_often_as_it_says_and_then_no_more():
    faults = FaultBook([Fault(FaultKind.BUSY, Moment.START, 2, times=2)])
    happened = [faults.take(Moment.START, 2) is not None for _ in range(4)]
    assert happened == [True, True, False, False]


def test_a_fault_without_an_end_happens_until_somebody_clears_it():
    faults = FaultBook()
    faults.add(Fault(FaultKind.JAMMED, Moment.START, 1, times=None))
    assert all(faults.take(Moment.START, 1) for _ in range(5))
    faults.clear()
    assert faults.take(Moment.START, 1) is None


def test_two_faults_of_one_moment_happen_one_after_the_other():
    first, second = (Fault(kind, Moment.START, 4) for kind in (FaultKind.STALL, FaultKind.JAMMED))
    faults = FaultBook([first, second])
    assert [faults.take(Moment.START, 4) for _ in range(3)] == [first, second, None]
