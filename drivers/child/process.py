"""Starts a scanner's process, exchanges messages with it, and ends it when it crashes, freezes or is done."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle

import numpy as np
import numpy.typing as npt

from filmscand.drivers.child.messages import Cancel, Close, Command, Done, Failed, FrameReady, Reply, ScanFrame
from filmscand.drivers.child.monitor import Monitor, Phase, Slot
from filmscand.drivers.child.planes import map_plane
from filmscand.drivers.scanner.errors import (
    ERROR_TYPES,
    ScanCancelledError,
    ScannerCrashedError,
    ScannerError,
    ScannerHungError,
    ScannerStalledError,
)
from filmscand.drivers.scanner.recipes import Budgets
from filmscand.drivers.scanner.slide_gate import Started

log = logging.getLogger(__name__)

# Interval at which the parent checks the child's progress, in seconds. An answer is noticed at once.
LOOK_S = 0.05
# Time for a terminated process to end before it is killed, in seconds.
TERMINATE_S = 1.0
# Time for the child to start Python and import its modules while the machine is busy cleaning frames, in seconds.
SPAWN_S = 60.0
# How much of the end of a crashed child's output is read, in bytes.
OUTPUT_TAIL_BYTES = 2000
# python-sane allocates new memory for each frame, twice, and a reader of files does so too. Getting it from the kernel
# page by page takes longer than reading the frame. These settings make glibc keep the memory of the last frame
# (mallopt(3)); other C libraries ignore them.
KEEP_MEMORY_ENVIRONMENT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1)}


class SilenceTimer:
    """Measures how long a child has shown no progress in its current call, or less than any real scanner shows.

    A pass over a slide takes `budgets.pass_s` at most, so in a time of `budgets.read_s` at least the share
    read_s / pass_s of its bytes has to come. A scanner may be silent for read_s before, so this is judged over twice
    that time: one that drips counts as frozen.

    Parameters
    ----------
    monitor : Monitor
        Shared memory in which the child counts its progress.
    budgets : Budgets
        Longest silence of each call.
    """

    def __init__(self, monitor: Monitor, budgets: Budgets) -> None:
        self._monitor = monitor
        self._budgets_s = {
            Phase.IDLE: SPAWN_S,
            Phase.OPEN: budgets.open_s,
            Phase.OPTION: budgets.option_s,
            Phase.START: budgets.start_s,
            Phase.PARAMETERS: budgets.parameters_s,
            Phase.READ: budgets.read_s,
            Phase.CLOSE: budgets.close_s,
        }
        self._share = min(budgets.read_s / budgets.pass_s, 1.0)
        self._drip_s = 2 * budgets.read_s
        self._ticks = monitor[Slot.TICKS]
        self._since_s = self._share_since_s = time.monotonic()
        self._read = (0, 0)

    @property
    def phase(self) -> Phase:
        """The call that the child is in."""
        return Phase(self._monitor[Slot.PHASE])

    def exceeded_s(self) -> float | None:
        """Return the seconds without progress if they exceed the budget of the call, else None."""
        ticks = self._monitor[Slot.TICKS]
        now_s = time.monotonic()
        if ticks != self._ticks:
            self._ticks, self._since_s = ticks, now_s
        silent_s = now_s - self._since_s
        if silent_s > self._budgets_s[self.phase]:
            return silent_s
        dripping_s = self._dripping_s(now_s)
        return dripping_s if dripping_s > self._drip_s else None

    def _dripping_s(self, now_s: float) -> float:
        """Return for how many seconds less than the least share of a pass has been read, 0 outside of a read."""
        this_pass, done = self._monitor[Slot.PASS], self._monitor[Slot.DONE_BYTES]
        before_pass, before = self._read
        enough = done - before >= self._share * self._monitor[Slot.TOTAL_BYTES]
        if self.phase is not Phase.READ or this_pass != before_pass or done < before or enough:
            self._read, self._share_since_s = (this_pass, done), now_s
        return now_s - self._share_since_s


class ChildProcess:
    """One child process with one device; only one thread at a time may call it.

    Parameters
    ----------
    environment : mapping of str to str
        Variables to add to the child's environment, such as SANE_CONFIG_DIR.
    budgets : Budgets
        How long each call may show no progress.
    after_kill : str
        What a person must do after the child had to be killed.
    cancelling : Event or None
        Set by any thread to cancel the current call; its owner clears it, this class never does.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        budgets: Budgets,
        *,
        after_kill: str = "",
        cancelling: threading.Event | None = None,
    ) -> None:
        self._budgets = budgets
        self._after_kill = after_kill
        self._cancelling = cancelling or threading.Event()
        self.monitor = Monitor.create()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed by end)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "filmscand.drivers.child.main",
                    str(theirs.fileno()),
                    str(self.monitor.descriptor),
                ],
                pass_fds=(theirs.fileno(), self.monitor.descriptor),
                env={**os.environ, **KEEP_MEMORY_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
            )
        self._connection = Connection(ours.detach())

    @property
    def pid(self) -> int:
        """Process ID of the child."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the child has ended."""
        return self._process.poll() is not None

    def progress(self) -> tuple[Phase, float]:
        """Return the call that the child is in, and the share of the frame that has arrived, 0..1."""
        try:
            return Phase(self.monitor[Slot.PHASE]), self.monitor.fraction()
        except ValueError:
            # Another thread has called `end`, which releases the monitor's memory.
            return Phase.IDLE, 0.0

    def started(self) -> Started:
        """Return how far the start of the last frame got."""
        return Started(self.monitor[Slot.STARTED])

    def call(self, command: Command) -> Reply:
        """Send a command and wait for its answer.

        Raises
        ------
        ScannerError
            The error that the child reports; or `ScannerStalledError`, `ScannerHungError` or `ScannerCrashedError`,
            after which the caller has to `end` the child.
        """
        if isinstance(command, ScanFrame):
            # The parent resets the monitor, not the child: a child that dies before it begins must not leave the
            # figures of the previous frame.
            self.monitor.begin_frame()
        try:
            self._connection.send(command)
            self._await_answer()
            reply: Reply = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._crashed() from error
        if isinstance(reply, Failed):
            raise self._error(reply)
        return reply

    def _error(self, reply: Failed) -> ScannerError:
        if not self._cancelling.is_set():
            return ERROR_TYPES[reply.error](reply.message, advice=reply.advice)
        # A cancelled read ends with the status "cancelled" or with an I/O error, whichever comes first.
        advice = reply.advice if reply.error in (ScanCancelledError.__name__, ScannerHungError.__name__) else ""
        return ScanCancelledError(reply.message, advice=advice)

    def value(self, command: Command) -> object:
        """Send a command whose answer is a value, and return the value; raises as `call` does."""
        reply = self.call(command)
        assert isinstance(reply, Done)
        return reply.value

    def take_planes(self, frame: FrameReady) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16] | None]:
        """Map the planes of a frame that the child has announced; their memory outlives the child.

        Parameters
        ----------
        frame : FrameReady
            The child's message, with the shapes of the planes.

        Returns
        -------
        rgb : (rows, cols, 3) ndarray of uint16
            Counts of the picture, 0..65535.
        infrared : (rows, cols) ndarray of uint16 or None
            Counts of the infrared plane, 0..65535; None if the frame has none.

        Raises
        ------
        ScannerCrashedError
            If the child died before it sent the planes.
        """
        try:
            rgb = self._take_plane(frame.rgb_shape)
            return rgb, None if frame.infrared_shape is None else self._take_plane(frame.infrared_shape)
        except (EOFError, OSError, RuntimeError) as error:
            raise self._crashed() from error

    def _take_plane(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint16]:
        descriptor = recv_handle(self._connection)
        try:
            return map_plane(descriptor, shape)
        finally:
            os.close(descriptor)

    def _await_answer(self) -> None:
        silence = SilenceTimer(self.monitor, self._budgets)
        while not self._connection.poll(LOOK_S):
            if self._cancelling.is_set():
                self._cancel_on_request(silence.phase)
                return
            silent_s = silence.exceeded_s()
            if silent_s is not None:
                self._give_up(silence.phase, silent_s)

    def _cancel_on_request(self, phase: Phase) -> None:
        if not self._answers_to_cancel():
            self._kill()
            message = f"cancelled during {phase.name.lower()}; the scanner did not react, so its process was killed"
            raise ScanCancelledError(message, advice=self._after_kill)

    def _give_up(self, phase: Phase, silent_s: float) -> None:
        message = f"the scanner made no progress, or hardly any, for {silent_s:.1f} s during {phase.name.lower()}"
        log.debug("%s; trying to cancel", message)
        if self._answers_to_cancel():
            raise self._hung_below(message) or ScannerStalledError(f"{message}; the scan was cancelled")
        self._kill()
        raise ScannerHungError(f"{message}; its process was killed", advice=self._after_kill or None)

    def _hung_below(self, message: str) -> ScannerHungError | None:
        """Return the error if the child answered, but had to kill the program that drives the scanner."""
        with contextlib.suppress(EOFError, OSError):
            reply = self._connection.recv()
            if isinstance(reply, Failed) and reply.error == ScannerHungError.__name__:
                return ScannerHungError(f"{message}; {reply.message}", advice=reply.advice)
        return None

    def _answers_to_cancel(self) -> bool:
        self._connection.send(Cancel())
        return self._connection.poll(self._budgets.cancel_s)

    def _crashed(self) -> ScannerError:
        status = self._wait(TERMINATE_S)
        if status is None:
            self._kill()
            status = self._process.returncode
        self._output.seek(max(self._output.seek(0, os.SEEK_END) - OUTPUT_TAIL_BYTES, 0))
        output = self._output.read().decode(errors="replace").strip()
        cause = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        phase = Phase(self.monitor[Slot.PHASE]).name.lower()
        last_line = f": {output.splitlines()[-1]}" if output else ""
        return ScannerCrashedError(f"the scanner's process ended during {phase} ({cause}){last_line}")

    def end(self) -> None:
        """Let the child close its device and end; kill it if it does not. May be called repeatedly."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                self._connection.send(Close())
            if self._wait(self._budgets.close_s) is None:
                self._kill()
        self._connection.close()
        self.monitor.close()
        self._output.close()

    def _kill(self) -> None:
        self._process.terminate()
        if self._wait(TERMINATE_S) is None:
            self._process.kill()
            self._process.wait()

    def _wait(self, timeout_s: float) -> int | None:
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
