"""Sends one frame over a data connection: records of whole rows, at the scanner's speed, with the fault that is due."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from filmscand.drivers.virtual import wire
from filmscand.drivers.virtual.device import Mechanics
from filmscand.drivers.virtual.faults import STATUS_OF, Fault, FaultKind
from filmscand.drivers.virtual.frames import Frame, blocks
from filmscand.drivers.virtual.line import GARBAGE
from filmscand.drivers.virtual.models import Model
from filmscand.drivers.virtual.options import OptionSet
from filmscand.drivers.virtual.wire import Status

log = logging.getLogger(__name__)

# How long the client may take to connect, in seconds.
CONNECT_S = 30.0
# Time of the rows in one block of a slow scanner, in seconds: it sends a few rows at a time, as the carriage moves.
BLOCK_S = 0.1
# Pause between two rows of a scanner that drips, in seconds: shorter than any silence that a recipe allows.
DRIP_S = 0.3
SEND_BUFFER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a start and a row take: the times of a real scanner multiplied by `time_scale`; 0 never waits."""

    time_scale: float = 0.0

    def start_s(self, frame: Frame, model: Model) -> float:
        """Return how long a start takes, in seconds."""
        reading_s = self._rows_s(frame, model) if model.scans_in_start else 0.0
        return model.timing.start_s * self.time_scale + reading_s

    def row_s(self, frame: Frame, model: Model) -> float:
        """Return how long a row takes to read, in seconds."""
        return 0.0 if model.scans_in_start else self._rows_s(frame, model) / frame.grid.rows

    def _rows_s(self, frame: Frame, model: Model) -> float:
        return model.timing.row_ms / 1000.0 * frame.grid.rows * self.time_scale


class Sender:
    """Sends one frame over its data connection, in a thread of its own.

    Parameters
    ----------
    frame : Frame
        The frame.
    machine : Mechanics
        The scanner.
    options : OptionSet
        Options of the client's handle.
    delays : Delays
        How long a row takes.
    fault : Fault or None
        Fault to simulate while the frame is sent.
    cut_control_line : callable
        Closes the control connection, for `FaultKind.CLOSE_ALL`.
    """

    def __init__(
        self,
        frame: Frame,
        machine: Mechanics,
        options: OptionSet,
        delays: Delays,
        fault: Fault | None,
        cut_control_line: Callable[[], None],
    ) -> None:
        self._frame = frame
        self._machine = machine
        self._options = options
        self._row_s = delays.row_s(frame, machine.model)
        self._fault = fault
        self._cut_control_line = cut_control_line
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._data: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="virtual-scanner-data", daemon=True)

    def listen(self, address: str) -> socket.socket:
        """Open the port that the client connects to, and wait for the client in the background."""
        self._listener = socket.create_server((address, 0))
        self._listener.settimeout(CONNECT_S)
        self._thread.start()
        return self._listener

    def stop(self) -> None:
        """End the data connection, connected or not."""
        self._stopping.set()
        for connection in (self._data, self._listener):
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _run(self) -> None:
        assert self._listener is not None
        try:
            with self._listener, self._listener.accept()[0] as self._data:
                self._data.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._data.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                self._send_frame(self._data)
        except OSError as reason:
            log.debug("data connection ends: %s", reason)

    def _send_frame(self, data: socket.socket) -> None:
        limit = self._frame.total_bytes
        if self._fault is not None:
            # A multiple of a pixel: libsane's byte swapping would corrupt a record of odd length.
            limit = int(limit * self._fault.fraction) // 8 * 8
        sent = self._send_rows(data, limit)
        share = sent / self._frame.total_bytes if self._fault else 1.0
        self._machine.record_sent(self._frame, share, self._options)
        self._end(data)

    def _send_rows(self, data: socket.socket, limit: int) -> int:
        sent, began_s = 0, time.monotonic()
        most_rows = int(BLOCK_S / self._row_s) if self._row_s else self._frame.grid.rows
        for block in blocks(self._frame, self._machine.magazine, most_rows):
            record = block[: limit - sent]
            if record:
                data.sendall(wire.word(len(record)))
                data.sendall(record)
            sent += len(record)
            # The carriage moves on while a client is slow: rows that are late are then sent at once.
            next_s = began_s + self._row_s * sent / self._frame.bytes_per_line
            if sent >= limit or self._stopping.wait(max(next_s - time.monotonic(), 0.0)):
                break
        return sent

    def _end(self, data: socket.socket) -> None:
        if self._stopping.is_set():
            return
        kind = self._fault.kind if self._fault else FaultKind.EARLY_END
        if kind is FaultKind.STALL:
            self._stopping.wait()
        elif kind is FaultKind.DRIP:
            self._drip(data)
        elif kind is FaultKind.GARBAGE:
            data.sendall(wire.word(0x7FFFFFF0) + GARBAGE)
        elif kind is FaultKind.RESET:
            # A reset discards bytes that the client has not read yet: wait until it has.
            time.sleep(0.05)
            data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif kind is FaultKind.CLOSE_ALL:
            self._cut_control_line()
        elif kind is not FaultKind.CLOSE_DATA:
            status = STATUS_OF.get(kind, Status.EOF)
            data.sendall(wire.word(wire.END_OF_FRAME) + bytes([status]))

    def _drip(self, data: socket.socket) -> None:
        """Send a row now and then, until the client leaves."""
        row = bytes(self._frame.bytes_per_line)
        while not self._stopping.wait(DRIP_S):
            data.sendall(wire.word(len(row)))
            data.sendall(row)
