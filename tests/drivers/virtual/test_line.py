"""Faults on the control connection become a status, or end the session."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from filmscand.drivers.virtual.device import Mechanics
from filmscand.drivers.virtual.faults import Fault, FaultBook, FaultKind, Moment, Plane
from filmscand.drivers.virtual.line import GARBAGE, ControlLine, Hangup
from filmscand.drivers.virtual.models import MODELS
from support.scanner_station import make_magazine


@pytest.fixture
def machine():
    return Mechanics(MODELS["coolscan3"], make_magazine("coolscan3", 3), FaultBook())


@pytest.fixture
def stopping():
    return threading.Event()


@pytest.fixture
def client():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def line(client, machine, stopping):
    return ControlLine(client[0], machine, stopping)


def test_without_a_fault_the_answer_is_as_usual(line):
    assert line.take_fault(Moment.START, 1) is None


def test_a_fault_with_a_status_is_left_to_the_answer(line, machine):
    fault = Fault(FaultKind.COVER_OPEN, Moment.OPTION, slide=1)
    machine.faults.add(fault)
    assert line.take_fault(Moment.OPTION) is fault
    assert line.take_fault(Moment.OPTION) is None


def test_a_fault_waits_for_its_slide_and_its_plane(line, machine):
    machine.faults.add(Fault(FaultKind.JAMMED, Moment.START, slide=2, plane=Plane.INFRARED))
    assert line.take_fault(Moment.START, 1, Plane.INFRARED) is None
    assert line.take_fault(Moment.START, 2, Plane.PICTURE) is None
    assert line.take_fault(Moment.START, 2, Plane.INFRARED) is not None


def test_garbage_is_sent_before_the_session_ends(line, machine, client):
    machine.faults.add(Fault(FaultKind.GARBAGE, Moment.OPEN))
    with pytest.raises(Hangup, match="garbage"):
        line.take_fault(Moment.OPEN)
    assert client[1].recv(1000) == GARBAGE


def test_a_cut_line_ends_the_session_without_an_answer(line, machine):
    machine.faults.add(Fault(FaultKind.CLOSE_ALL, Moment.START))
    with pytest.raises(Hangup, match="close_all"):
        line.take_fault(Moment.START, 1)


@pytest.mark.parametrize("end", ["client", "scanner"])
def test_a_stall_lasts_until_the_client_leaves_or_the_scanner_stops(line, machine, client, stopping, end):
    machine.faults.add(Fault(FaultKind.STALL, Moment.START))
    leave = client[1].close if end == "client" else stopping.set
    timer = threading.Timer(0.05, leave)
    timer.start()
    with pytest.raises(Hangup, match="the client has left, or the scanner stops"):
        line.take_fault(Moment.START, 1)
    timer.join()


def test_a_wait_ends_after_its_time(line):
    began_s = time.monotonic()
    line.wait(0.02)
    assert time.monotonic() - began_s >= 0.02
