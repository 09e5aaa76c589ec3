"""The session of one client of a virtual scanner: answers its calls in their order."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable
from typing import cast

from filmscand.drivers.virtual import wire
from filmscand.drivers.virtual.device import Mechanics, StartRefused, set_option
from filmscand.drivers.virtual.faults import STATUS_OF, Moment
from filmscand.drivers.virtual.frames import Frame
from filmscand.drivers.virtual.line import ControlLine, Hangup
from filmscand.drivers.virtual.options import Info, OptionRefused, OptionSet, Type, Value, code_value, read_value
from filmscand.drivers.virtual.sender import Delays, Sender
from filmscand.drivers.virtual.wire import Procedure, Status

log = logging.getLogger(__name__)

SET_VALUE, SET_AUTO = 1, 2
BYTE_ORDER = 0x1234 if sys.byteorder == "little" else 0x4321


class ClientSession:
    """Serves the control connection of one client until it ends.

    Parameters
    ----------
    connection : socket
        Connection to the client.
    machine : Mechanics
        The scanner.
    delays : Delays
        How long starts and rows take.
    stopping : Event
        Set when the scanner stops.
    """

    def __init__(
        self, connection: socket.socket, machine: Mechanics, delays: Delays, stopping: threading.Event
    ) -> None:
        self._connection = connection
        self._reader = wire.Reader(connection)
        self._machine = machine
        self._delays = delays
        self._stopping = stopping
        self._line = ControlLine(connection, machine, stopping)
        self._options: OptionSet | None = None
        self._frame: Frame | None = None
        self._sender: Sender | None = None

    def serve(self) -> None:
        """Answer calls until the client leaves, the scanner stops or a fault cuts the connection."""
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
            raise wire.WireError("expected INIT as the first call")
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

    def _read_handle(self) -> OptionSet:
        self._reader.word()
        if self._options is None:
            raise wire.WireError("expected a call for an open handle")
        return self._options

    def _get_devices(self) -> None:
        model = self._machine.model
        device = [wire.string(text) for text in (model.device, model.vendor, model.product, "film scanner")]
        self._reply(wire.word(Status.GOOD), wire.pointer_array([b"".join(device)]))

    def _open(self) -> None:
        status = self._open_status(self._reader.string())
        if status is Status.GOOD:
            self._machine.opened = True
            self._options = OptionSet(self._machine.model.options(self._machine.gate), self._machine.press)
        self._reply(wire.words(status, 0), wire.string(None))

    def _open_status(self, name: str) -> Status:
        if name not in ("", self._machine.model.device):
            return Status.INVAL
        if self._machine.opened:
            return Status.DEVICE_BUSY
        fault = self._line.take_fault(Moment.OPEN)
        return STATUS_OF[fault.kind] if fault else Status.GOOD

    def _close(self) -> None:
        self._read_handle()
        self._stop_sending()
        self._options, self._frame = None, None
        self._machine.opened = False
        self._reply(wire.word(0))

    def _get_descriptors(self) -> None:
        self._reply(self._read_handle().descriptors())

    def _control_option(self) -> None:
        options = self._read_handle()
        index, action = self._reader.word(), self._reader.word()
        kind, size, value = Type.BUTTON, 0, cast(Value, 0)
        if action != SET_AUTO:
            kind, size = Type(self._reader.word()), self._reader.word()
            value = read_value(self._reader, kind)
        status, info, value = self._control(options, index, action, value)
        self._reply(wire.words(status, info, kind, size), code_value(kind, size, value), wire.string(None))

    def _control(self, options: OptionSet, index: int, action: int, value: Value) -> tuple[Status, Info, Value]:
        if not 0 <= index < len(options.options):
            return Status.INVAL, Info.NOTHING, value
        if action not in (0, SET_VALUE):
            return Status.UNSUPPORTED, Info.NOTHING, value
        if action == 0:
            return Status.GOOD, Info.NOTHING, options.get(index)
        fault = self._line.take_fault(Moment.OPTION)
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

    def _get_parameters(self) -> None:
        options = self._read_handle()
        fault = self._line.take_fault(Moment.PARAMETERS, self._frame.slide if self._frame else None)
        frame = self._frame or self._machine.describe_frame(options)
        self._reply(wire.words(STATUS_OF[fault.kind] if fault else Status.GOOD, *frame.wire_parameters))

    def _start(self) -> None:
        options = self._read_handle()
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
        fault = self._line.take_fault(Moment.START, machine.requested_slide(options), plane)
        if fault:
            raise StartRefused(STATUS_OF[fault.kind])
        frame = machine.start(options)
        self._line.wait(self._delays.start_s(frame, machine.model))
        machine.after_start(options)
        fault = machine.faults.take(Moment.READ, frame.slide, plane)
        self._frame = frame
        self._sender = Sender(frame, machine, options, self._delays, fault, self._cut_control_line)
        return self._sender.listen(self._connection.getsockname()[0])

    def _cancel(self) -> None:
        self._read_handle()
        self._stop_sending()
        self._frame = None
        self._reply(wire.word(0))

    def _stop_sending(self) -> None:
        if self._sender is not None:
            self._sender.stop()
            self._sender = None

    def _cut_control_line(self) -> None:
        # The sender's thread ends the control connection; the session's own thread then finds it closed.
        self._connection.shutdown(socket.SHUT_RDWR)
