"""The process that an open scanner lives in. It may crash or freeze: its parent sees to that.

Started by `filmscand.drivers.sane.child`; nothing of ours runs in it but what is needed to drive one device.
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

from filmscand.drivers.sane.device import ReadFrame, SaneDevice
from filmscand.drivers.sane.listing import list_here
from filmscand.drivers.sane.messages import (
    AskCapabilities,
    Cancel,
    Close,
    Command,
    Done,
    Failed,
    FrameReady,
    ListDevices,
    Open,
    ScanFrame,
)
from filmscand.drivers.sane.monitor import Monitor
from filmscand.drivers.sane.planes import PlaneMemory
from filmscand.drivers.scanner.errors import ScannerError, ScannerSetupError

# An orphan that is frozen inside libsane ends itself: its parent would have killed it long before.
ORPHAN_S = 3600.0


class ScannerChild:
    """Does one command after the other; a second thread hears a cancel while the first is busy."""

    def __init__(self, connection: Connection, monitor: Monitor) -> None:
        self._connection = connection
        self._monitor = monitor
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._device: SaneDevice | None = None

    def run(self) -> None:
        """Serve until told to close."""
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
                # The parent is gone, and with it everybody who could want a frame.
                os._exit(0)
            if isinstance(command, Cancel):
                if self._device is not None:
                    self._device.interrupt()
            else:
                self._commands.put(command)

    def _answer(self, command: Command) -> None:
        try:
            value = self._do(command)
        except ScannerError as error:
            self._connection.send(Failed(type(error).__name__, str(error)))
            return
        except Exception as error:
            # The worker loop: what nobody foresaw is told to the parent instead of ending in a silent exit.
            traceback.print_exc()
            self._connection.send(Failed(ScannerSetupError.__name__, f"unforeseen {error!r}"))
            return
        if isinstance(value, ReadFrame):
            self._send_frame(value)
        else:
            self._connection.send(Done(value))

    def _do(self, command: Command) -> Any:
        if isinstance(command, Open):
            self._device = SaneDevice(command.name, command.recipe, self._monitor)
            return self._device.open()
        if isinstance(command, ListDevices):
            return list_here(command.recipes, self._monitor, probe=command.probe)
        assert self._device is not None
        if isinstance(command, AskCapabilities):
            return self._device.capabilities()
        assert isinstance(command, ScanFrame)
        return self._device.capture(command.request, command.frame, feed=command.feed)

    def _send_frame(self, frame: ReadFrame) -> None:
        planes = [frame.rgb] if frame.infrared is None else [frame.rgb, frame.infrared]
        infrared_shape: Any = frame.infrared.shape if frame.infrared is not None else None
        rgb_shape: Any = frame.rgb.shape
        self._connection.send(FrameReady(rgb_shape, infrared_shape, frame.origin, frame.bits_per_sample, frame.flags))
        for plane in planes:
            self._send_plane(plane)

    def _send_plane(self, plane: PlaneMemory) -> None:
        send_handle(self._connection, plane.descriptor, os.getppid())
        plane.close()

    def _close(self) -> None:
        if self._device is not None:
            self._device.close()


def main(arguments: list[str]) -> None:
    """Run the process: file descriptors of the command line and of the monitor are its arguments."""
    # Ctrl-C at a terminal goes to the whole group; a read of libsane that it interrupts ends the interpreter.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A crash of libsane is expected and told by the exit status; core files of whole frames help nobody.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection_descriptor, monitor_descriptor = (int(argument) for argument in arguments)
    ScannerChild(Connection(connection_descriptor), Monitor(monitor_descriptor)).run()
    # Not through libsane's own exit: python-sane crashes when anything of it is touched after that.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
