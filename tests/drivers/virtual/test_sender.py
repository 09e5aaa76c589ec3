"""A frame is sent in records of whole rows, with the times of the model and the fault that is due."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from filmscand.drivers.virtual.device import Mechanics
from filmscand.drivers.virtual.faults import Fault, FaultBook, FaultKind
from filmscand.drivers.virtual.frames import Content, Frame, Grid
from filmscand.drivers.virtual.line import GARBAGE
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.options import OptionSet
from filmscand.drivers.virtual.sender import Delays, Sender
from filmscand.drivers.virtual.wire import END_OF_FRAME, Status
from support.scanner_station import COLS, ROWS, make_magazine, make_slide

FRAME = Frame(slide=1, content=Content.COLOUR, grid=Grid(0, ROWS, 0, COLS, 1.0), sample_bits=16)
FRAME_BYTES = ROWS * COLS * 3 * 2


@pytest.fixture
def machine():
    return Mechanics(MODELS["coolscan3"], make_magazine("coolscan3", 2), FaultBook())


class Transfer:
    """A frame that is sent to us."""

    def __init__(self, machine: Mechanics, fault: Fault | None = None, delays: Delays | None = None) -> None:
        options = OptionSet(machine.model.options(machine.gate))
        self.cut = threading.Event()
        self.sender = Sender(FRAME, machine, options, delays or Delays(), fault, self.cut.set)
        self.address = self.sender.listen("127.0.0.1").getsockname()

    def receive(self) -> bytes:
        data = b""
        with socket.create_connection(self.address, timeout=10) as connection:
            try:
                while part := connection.recv(1 << 16):
                    data += part
            except ConnectionResetError:
                data += b"reset"
        self.sender.stop()
        return data


def records(data: bytes) -> tuple[bytes, bytes]:
    """Split a stream into the bytes of its records and the rest that is no record."""
    samples = b""
    while len(data) >= 4 and int.from_bytes(data[:4]) < 1 << 30:
        length = int.from_bytes(data[:4])
        samples, data = samples + data[4 : 4 + length], data[4 + length :]
    return samples, data


def test_a_frame_is_its_samples_and_then_the_end_of_the_frame(machine):
    samples, end = records(Transfer(machine).receive())
    assert samples == make_slide(1).rgb.tobytes()
    assert end == END_OF_FRAME.to_bytes(4) + bytes([Status.EOF])
    assert [(sent.slide, sent.content) for sent in machine.delivered] == [(1, Content.COLOUR)]


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (FaultKind.EARLY_END, END_OF_FRAME.to_bytes(4) + bytes([Status.EOF])),
        (FaultKind.JAMMED, END_OF_FRAME.to_bytes(4) + bytes([Status.JAMMED])),
        (FaultKind.CLOSE_DATA, b""),
        (FaultKind.CLOSE_ALL, b""),
        (FaultKind.RESET, b"reset"),
        (FaultKind.GARBAGE, (0x7FFFFFF0).to_bytes(4) + GARBAGE),
    ],
)
def test_a_fault_ends_the_frame_after_its_share(machine, kind, end):
    transfer = Transfer(machine, Fault(kind, fraction=0.25))
    samples, rest = records(transfer.receive())
    assert samples == make_slide(1).rgb.tobytes()[: FRAME_BYTES // 4 // 8 * 8]
    assert rest == end
    assert transfer.cut.is_set() == (kind is FaultKind.CLOSE_ALL)
    assert machine.delivered == []


def test_a_stalled_frame_ends_when_the_sender_is_stopped(machine):
    transfer = Transfer(machine, Fault(FaultKind.STALL, fraction=0.25))
    with socket.create_connection(transfer.address, timeout=10) as connection, connection.makefile("rb") as stream:
        sent_bytes = 4 + FRAME_BYTES // 4 // 8 * 8
        assert len(stream.read(sent_bytes)) == sent_bytes
        transfer.sender.stop()
        assert stream.read() == b""


def test_a_frame_that_drips_brings_one_row_after_another_until_the_sender_is_stopped(machine):
    transfer = Transfer(machine, Fault(FaultKind.DRIP, fraction=0.25))
    with socket.create_connection(transfer.address, timeout=10) as connection, connection.makefile("rb") as stream:
        stream.read(4 + FRAME_BYTES // 4 // 8 * 8)
        for _ in range(2):
            row_bytes = int.from_bytes(stream.read(4))
            assert row_bytes == COLS * 3 * 2
            assert len(stream.read(row_bytes)) == row_bytes
        transfer.sender.stop()


def test_a_sender_stops_before_anybody_has_connected(machine):
    Transfer(machine).sender.stop()
    assert machine.delivered == []


def test_a_slow_scanner_sends_a_few_rows_at_a_time_and_all_of_them(machine):
    # 10 ms a row: 61 rows in blocks of 0.1 s, at a hundredth of the time
    samples, _ = records(Transfer(machine, delays=Delays(0.01)).receive())
    assert np.array_equal(np.frombuffer(samples, np.uint16).reshape(ROWS, COLS, 3), make_slide(1).rgb)


@pytest.mark.parametrize(
    ("model", "start_s", "row_s"),
    [("coolscan3", 24.0, 0.020), ("pieusb", 2 * (15.0 + ROWS * 0.020), 0.0)],
)
def test_a_start_or_the_rows_take_the_time_of_the_model(model, start_s, row_s):
    delays = Delays(2.0)
    assert delays.start_s(FRAME, MODELS[model]) == pytest.approx(start_s)
    assert delays.row_s(FRAME, MODELS[model]) == pytest.approx(row_s)


def test_a_time_scale_of_0_never_waits():
    for model in MODELS.values():
        assert (Delays().start_s(FRAME, model), Delays().row_s(FRAME, model)) == (0.0, 0.0)
