"""Starts a scanner's process, talks to it, and ends it when it crashes, freezes or is done."""

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

from filmscand.drivers.sane.messages import Cancel, Close, Command, Done, Failed, FrameReady, Reply, ScanFrame
from filmscand.drivers.sane.monitor import Monitor, Phase, Slot
from filmscand.drivers.sane.planes import map_plane
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

# How often the parent looks whether the child moves. Answers are noticed at once.
LOOK_S = 0.05
TERMINATE_S = 1.0
# Starting Python and importing what the child needs, on a machine that is busy cleaning frames.
SPAWN_S = 60.0
LAST_WORDS_BYTES = 2000
# python-sane takes new memory for each frame, twice; to get it from the kernel, page by page, takes longer than to read
# the frame. glibc keeps what the last frame needed (mallopt(3)); other C libraries pass these words over.
KEEPING_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1)}


class Silence:
    """Measures how long a child has been in one call without a sign of life."""

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
        self._ticks = monitor[Slot.TICKS]
        self._since_s = time.monotonic()

    @property
    def phase(self) -> Phase:
        """The call that the child is in."""
        return Phase(self._monitor[Slot.PHASE])

    def exceeded_s(self) -> float | None:
        """Give the seconds of silence once they are more than the call's budget."""
        ticks = self._monitor[Slot.TICKS]
        now_s = time.monotonic()
        if ticks != self._ticks:
            self._ticks, self._since_s = ticks, now_s
        silent_s = now_s - self._since_s
        return silent_s if silent_s > self._budgets_s[self.phase] else None


class ChildProcess:
    """One child with one device, called by one thread at a time.

    Parameters
    ----------
    environment : mapping
        Added to the child's environment, such as SANE_CONFIG_DIR.
    budgets : Budgets
        How long each call may be silent.
    after_kill : str
        What a person must do once the child had to be killed.
    cancelling : Event or None
        Set by whoever wants the call under way to be given up; cleared by its owner, never here.
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
        self._last_words = tempfile.TemporaryFile()  # noqa: SIM115  (closed by end)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "filmscand.drivers.sane.child_main",
                    str(theirs.fileno()),
                    str(self.monitor.descriptor),
                ],
                pass_fds=(theirs.fileno(), self.monitor.descriptor),
                env={**os.environ, **KEEPING_MEMORY, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
                stdin=subprocess.DEVNULL,
                stdout=self._last_words,
                stderr=self._last_words,
            )
        self._connection = Connection(ours.detach())

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the child is no more."""
        return self._process.poll() is not None

    def progress(self) -> tuple[Phase, float]:
        """Give the call that the child is in, and the part of the frame that has come."""
        try:
            return Phase(self.monitor[Slot.PHASE]), self.monitor.fraction()
        except ValueError:
            # Ended by the other thread between the question and the answer.
            return Phase.IDLE, 0.0

    def started(self) -> Started:
        """Give how far the start of the last frame has come."""
        return Started(self.monitor[Slot.STARTED])

    def call(self, command: Command) -> Reply:
        """Give a command and wait for its answer.

        Raises
        ------
        ScannerError
            The child's own error; or `ScannerStalledError`, `ScannerHungError`, `ScannerCrashedError`, after which the
            child has to be ended.
        """
        if isinstance(command, ScanFrame):
            # Here and not in the child: one that dies before it begins must not be judged by the frame before.
            self.monitor.begin_frame()
        try:
            self._connection.send(command)
            self._await_answer()
            reply: Reply = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._crashed() from error
        if isinstance(reply, Failed):
            # A read that is cancelled ends as cancelled or as an input/output error, whichever comes first.
            kind = ScanCancelledError if self._cancelling.is_set() else ERROR_TYPES[reply.error]
            raise kind(reply.message)
        return reply

    def value(self, command: Command) -> object:
        """Give a command whose answer is a value."""
        reply = self.call(command)
        assert isinstance(reply, Done)
        return reply.value

    def take_planes(self, frame: FrameReady) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16] | None]:
        """Map the planes of a frame that the child has announced; they outlive the child.

        Raises
        ------
        ScannerCrashedError
            If the child died before it could hand them over.
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
        silence = Silence(self.monitor, self._budgets)
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
            what = f"cancelled during {phase.name.lower()}; it went unheard, the scanner's process was killed"
            raise ScanCancelledError(what, advice=self._after_kill)

    def _give_up(self, phase: Phase, silent_s: float) -> None:
        what = f"no sign of life for {silent_s:.1f} s during {phase.name.lower()}"
        log.debug("%s; trying to cancel", what)
        if self._answers_to_cancel():
            raise ScannerStalledError(what)
        self._kill()
        raise ScannerHungError(what, advice=self._after_kill or None)

    def _answers_to_cancel(self) -> bool:
        self._connection.send(Cancel())
        return self._connection.poll(self._budgets.cancel_s)

    def _crashed(self) -> ScannerError:
        status = self._wait(TERMINATE_S)
        if status is None:
            self._kill()
            status = self._process.returncode
        self._last_words.seek(max(self._last_words.seek(0, os.SEEK_END) - LAST_WORDS_BYTES, 0))
        words = self._last_words.read().decode(errors="replace").strip()
        cause = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        phase = Phase(self.monitor[Slot.PHASE]).name.lower()
        return ScannerCrashedError(f"the scanner's process ended during {phase} ({cause}): {words.splitlines()[-1:]}")

    def end(self) -> None:
        """Let the child close its device and end; kill it where it does not. Harmless when done twice."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                self._connection.send(Close())
            if self._wait(self._budgets.close_s) is None:
                self._kill()
        self._connection.close()
        self.monitor.close()
        self._last_words.close()

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
