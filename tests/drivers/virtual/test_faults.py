"""Faults are read from text and happen as often as they say."""

from __future__ import annotations

import pytest

from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment, Plane


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
