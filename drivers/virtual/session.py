"""One client of a virtual scanner: answers its calls in the order they come."""

from __future__ import annotations

import logging
import math
import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import cast

from drivers.virtual import wire
from drivers.virtual.device import Mechanics, StartRefused, set_option
from drivers.virtual.faults import STATUS_OF, Fault, FaultKind, Moment, Plane
from drivers.virtual.frames import Frame
from drivers.virtual.options import Info, OptionRefused, OptionSet, Type, Value, from_words, to_word
from drivers.virtual.sender import Pace, Sender
from drivers.virtual.wire import Procedure, Status

log = logging.getLogger(__name__)

SET_VALUE, SET_AUTO = 1, 2
BYTE_ORDER = 0x1234 if sys.byteorder == "little" else 0x4321
# A pause between looks at whether a client, or the whole scanner, has gone while a fault holds the line.
LOOK_S = 0.05


class Hangup(Exception):
    """The session ends: the client left, or a fault cuts the line."""


class Session:
    """Serves one control connection until it ends."""

    def __init__(self, connection: socket.socket, machine: Mechanics, pace: Pace, stopping: threading.Event) -> None:
        self._connection = connection
        self._reader = wire.Reader(connection)
        self._machine = machine
        self._pace = pace
        self._stopping = stopping
        self._options: OptionSet | None = None
        self._frame: Frame | None = None
        self._sender: Sender | None = None

    def serve(self) -> None:
        """Answer calls until the client leaves, the scanner stops or a fault cuts the line."""
        try:
            self._greet()
            while not self._stopping.is_set():
                self._answer(Procedure(self._reader.word()))
        except (wire.WireError, Hangup, OSError, ValueError) as reason:
            log.debug("session ends: %s", reason)
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Close everything that belongs to this client."""
        self._stop_sending()
        if self._options is not None:
            self._options = None
            self._machine.opened = False
        self._reader.close()
        self._connection.close()

    def _greet(self) -> None:
        if self._reader.word() != Procedure.INIT:
            raise wire.WireError("the first call is not INIT")
        self._reader.word()
        self._reader.string()
        self._reply(wire.words(Status.GOOD, wire.PROTOCOL_VERSION))

    def _answer(self, procedure: Procedure) -> None:
        answers: dict[Procedure, Callable[[], None]] = {
            Procedure.GET_DEVICES: self._get_devices,
            Procedure.OPEN: self._open,
            Procedure.CLOSE: self._close,
            Procedure.GET_OPTION_DESCRIPTORS: self._get_descriptors,
            Procedure.CONTROL_OPTION: self._control_option,
            Procedure.GET_PARAMETERS: self._get_parameters,
            Procedure.START: self._start,
            Procedure.CANCEL: self._cancel,
        }
        if procedure not in answers:
            raise Hangup(procedure.name)
        answers[procedure]()

    def _reply(self, *parts: bytes) -> None:
        self._connection.sendall(b"".join(parts))

    def _opened(self) -> OptionSet:
        self._reader.word()
        if self._options is None:
            raise wire.WireError("a call for a handle that is not open")
        return self._options

    def _get_devices(self) -> None:
        model = self._machine.model
        device = [wire.string(text) for text in (model.device, model.vendor, model.product, "film scanner")]
        self._reply(wire.word(Status.GOOD), wire.pointer_array([b"".join(device)]))

    def _open(self) -> None:
        status = self._opening(self._reader.string())
        if status is Status.GOOD:
            self._machine.opened = True
            self._options = OptionSet(self._machine.model.options(self._machine.gate), self._machine.press)
        self._reply(wire.words(status, 0), wire.string(None))

    def _opening(self, name: str) -> Status:
        if name not in ("", self._machine.model.device):
            return Status.INVAL
        if self._machine.opened:
            return Status.DEVICE_BUSY
        fault = self._due(Moment.OPEN)
        return STATUS_OF[fault.kind] if fault else Status.GOOD

    def _close(self) -> None:
        self._opened()
        self._stop_sending()
        self._options, self._frame = None, None
        self._machine.opened = False
        self._reply(wire.word(0))

    def _get_descriptors(self) -> None:
        self._reply(self._opened().descriptors())

    def _control_option(self) -> None:
        options = self._opened()
        index, action = self._reader.word(), self._reader.word()
        kind, size, value = Type.BUTTON, 0, cast(Value, 0)
        if action != SET_AUTO:
            kind, size = Type(self._reader.word()), self._reader.word()
            value = self._read_value(kind)
        status, info, value = self._control(options, index, action, value)
        self._reply(wire.words(status, info, kind, size), self._coded(kind, size, value), wire.string(None))

    def _control(self, options: OptionSet, index: int, action: int, value: Value) -> tuple[Status, Info, Value]:
        if not 0 <= index < len(options.options):
            return Status.INVAL, Info.NOTHING, value
        if action not in (0, SET_VALUE):
            return Status.UNSUPPORTED, Info.NOTHING, value
        if action == 0:
            return Status.GOOD, Info.NOTHING, options.get(index)
        fault = self._due(Moment.OPTION)
        if fault:
            return STATUS_OF[fault.kind], Info.NOTHING, value
        self._frame = None if self._sender is None else self._frame
        try:
            info = set_option(self._machine.model, options, index, value)
        except OptionRefused:
            return Status.INVAL, Info.NOTHING, value
        except StartRefused as refusal:
            return refusal.status, Info.NOTHING, value
        return Status.GOOD, info, options.get(index)

    def _read_value(self, kind: Type) -> Value:
        length = self._reader.word()
        if not 0 <= length <= wire.LONGEST_STRING_BYTES:
            raise wire.WireError(f"a value of {length} elements")
        if kind is Type.STRING:
            return self._reader.bytes(length).split(b"\0")[0].decode("latin-1")
        if kind in (Type.BUTTON, Type.GROUP):
            return 0
        return from_words(kind, [self._reader.word() for _ in range(length)])

    @staticmethod
    def _coded(kind: Type, size: int, value: Value) -> bytes:
        if kind is Type.STRING:
            text = str(value).encode("latin-1")[: max(size - 1, 0)]
            return wire.word(size) + text.ljust(size, b"\0")
        if kind in (Type.BUTTON, Type.GROUP):
            return wire.word(0)
        return wire.words(1, to_word(kind, float(value)))

    def _get_parameters(self) -> None:
        options = self._opened()
        fault = self._due(Moment.PARAMETERS, self._frame.slide if self._frame else None)
        frame = self._frame or self._machine.description(options)
        self._reply(wire.words(STATUS_OF[fault.kind] if fault else Status.GOOD, *frame.wire_parameters))

    def _start(self) -> None:
        options = self._opened()
        self._stop_sending()
        try:
            listener = self._begin(options)
        except StartRefused as refusal:
            self._reply(wire.words(refusal.status, 0, BYTE_ORDER), wire.string(None))
            return
        self._reply(wire.words(Status.GOOD, listener.getsockname()[1], BYTE_ORDER), wire.string(None))

    def _begin(self, options: OptionSet) -> socket.socket:
        machine = self._machine
        plane = machine.plane_of_start(options)
        fault = self._due(Moment.START, machine.wanted_slide(options), plane)
        if fault:
            raise StartRefused(STATUS_OF[fault.kind])
        frame = machine.start(options)
        self._hold_the_line(self._pace.start_s(frame, machine.model))
        machine.after_start(options)
        fault = machine.faults.take(Moment.READ, frame.slide, plane)
        self._frame = frame
        self._sender = Sender(frame, machine, options, self._pace, fault, self._cut_line)
        return self._sender.listen(self._connection.getsockname()[0])

    def _cancel(self) -> None:
        self._opened()
        self._stop_sending()
        self._frame = None
        self._reply(wire.word(0))

    def _stop_sending(self) -> None:
        if self._sender is not None:
            self._sender.stop()
            self._sender = None

    def _cut_line(self) -> None:
        # Ends the control connection from the sender's thread; the session's own thread then sees it closed.
        self._connection.shutdown(socket.SHUT_RDWR)

    def _due(self, moment: Moment, slide: int | None = None, plane: Plane = Plane.PICTURE) -> Fault | None:
        """Play the fault that is due, if it is one that never comes to an answer; give the others back."""
        fault = self._machine.faults.take(moment, slide or self._machine.coming_slide(), plane)
        if fault is None or fault.kind in STATUS_OF:
            return fault
        self._play(fault.kind)
        raise Hangup(fault.kind)

    def _play(self, kind: FaultKind) -> None:
        if kind is FaultKind.STALL:
            self._hold_the_line()
        elif kind is FaultKind.GARBAGE:
            self._connection.sendall(os.urandom(256))
        elif kind is FaultKind.RESET:
            reset_on_close(self._connection)

    def _hold_the_line(self, duration_s: float = math.inf) -> None:
        watch = select.poll()
        watch.register(self._connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            # A client that is killed while the scanner is busy must not keep it from the next one.
            if self._stopping.is_set() or watch.poll(min(LOOK_S, left_s) * 1000):
                raise Hangup("the client left, or the scanner stops")


def reset_on_close(connection: socket.socket) -> None:
    """Let the next close of a connection reset it instead of ending it in good order."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
