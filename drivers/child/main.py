"""The process of one open scanner. The driver's library may crash or freeze it; its parent handles both.

`filmscand.drivers.child.process` starts it. It imports only what is needed to drive one device.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import resource
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import Any

from filmscand.drivers.child.device import Device, HasButtons, ReadFrame
from filmscand.drivers.child.messages import (
    Cancel,
    Close,
    Command,
    Done,
    Failed,
    FrameReady,
    GetCapabilities,
    ListDevices,
    Open,
    Press,
    ScanFrame,
)
from filmscand.drivers.child.monitor import Monitor
from filmscand.drivers.child.planes import PlaneMemory
from filmscand.drivers.scanner.errors import ScannerError, ScannerSetupError

# Time after which a child that is frozen inside its driver's library ends itself, in seconds. Its parent would have
# killed it long before; this is for a child whose parent is gone. Two passes over a slide take 14400 s at most
# (`Budgets.pass_s`).
ORPHAN_S = 6 * 3600.0


class ScannerChild:
    """Executes one command after another; a second thread receives a cancel while the first is busy.

    Parameters
    ----------
    connection : Connection
        Connection to the parent.
    monitor : Monitor
        Shared memory in which the child reports its progress.
    """

    def __init__(self, connection: Connection, monitor: Monitor) -> None:
        self._connection = connection
        self._monitor = monitor
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._device: Device | None = None

    def run(self) -> None:
        """Execute commands until the parent sends `Close`."""
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        while True:
            command = self._commands.get()
            faulthandler.dump_traceback_later(ORPHAN_S, exit=True)
            if isinstance(command, Close):
                self._close()
                return
            self._answer(command)
            faulthandler.cancel_dump_traceback_later()

    def _listen(self) -> None:
        while True:
            try:
                command: Command = self._connection.recv()
            except (EOFError, OSError):
                # The parent is gone: nobody can receive a frame any more.
                os._exit(0)
            if isinstance(command, Cancel):
                if self._device is not None:
                    self._device.interrupt()
            else:
                self._commands.put(command)

    def _answer(self, command: Command) -> None:
        try:
            value = self._execute(command)
        except ScannerError as error:
            self._connection.send(Failed(type(error).__name__, str(error), error.advice))
            return
        except Exception as error:
            # This is the process's main loop: report an unexpected error to the parent instead of ending silently.
            traceback.print_exc()
            self._connection.send(Failed(ScannerSetupError.__name__, f"unexpected error in the driver: {error!r}", ""))
            return
        if isinstance(value, ReadFrame):
            self._send_frame(value)
        else:
            self._connection.send(Done(value))

    def _execute(self, command: Command) -> Any:
        if isinstance(command, Open):
            self._device = command.opener.open(self._monitor)
            return None
        if isinstance(command, ListDevices):
            return command.lister.list(self._monitor)
        assert self._device is not None
        if isinstance(command, GetCapabilities):
            return self._device.capabilities()
        if isinstance(command, Press):
            assert isinstance(self._device, HasButtons)
            return self._device.press(command.button)
        assert isinstance(command, ScanFrame)
        return self._device.capture(command.request, command.frame, feed=command.feed)

    def _send_frame(self, frame: ReadFrame) -> None:
        planes = [frame.rgb] if frame.infrared is None else [frame.rgb, frame.infrared]
        infrared_shape = frame.infrared.shape if frame.infrared is not None else None
        self._connection.send(FrameReady(frame.rgb.shape, infrared_shape, frame.info, frame.icc_profile))
        for plane in planes:
            self._send_plane(plane)

    def _send_plane(self, plane: PlaneMemory) -> None:
        send_handle(self._connection, plane.descriptor, os.getppid())
        plane.close()

    def _close(self) -> None:
        if self._device is not None:
            self._device.close()


def main(arguments: list[str]) -> None:
    """Run the process; its arguments are the file descriptors of the connection and of the monitor."""
    # Ctrl-C at a terminal goes to the whole process group, and an interrupted read of libsane ends the interpreter.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The exit status already reports a crash of libsane; a core file would contain whole frames and help nobody.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection_descriptor, monitor_descriptor = (int(argument) for argument in arguments)
    ScannerChild(Connection(connection_descriptor), Monitor(monitor_descriptor)).run()
    # Skip the exit function of libsane: python-sane crashes if any of its objects is used after that.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
