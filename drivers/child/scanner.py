"""A scanner for the service: it returns frames or raises typed errors, whatever its driver does in its process."""

from __future__ import annotations

import itertools
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self, cast

from filmscand.drivers.base import Capture, Rgb
from filmscand.drivers.child.device import Opener
from filmscand.drivers.child.messages import FrameReady, GetCapabilities, Open, Press, ScanFrame
from filmscand.drivers.child.monitor import Phase
from filmscand.drivers.child.process import ChildProcess
from filmscand.drivers.scanner.errors import MagazineEmptyError, Recovery, ScannerError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Capabilities, ScanProgress, ScanRequest
from filmscand.drivers.scanner.recipes import Budgets, FeederWay
from filmscand.drivers.scanner.slide_gate import SlideGate

log = logging.getLogger(__name__)


class ChildScanner(ABC):
    """Drives one scanner in a child process that is started when needed; each driver derives its scanner from it.

    The object stays usable after an error: the next call opens the scanner again if necessary. Only one thread may use
    it, except for `cancel` and `progress`.

    Parameters
    ----------
    budgets : Budgets
        How long each call may show no progress.
    environment : mapping of str to str
        Variables to add to the child's environment.
    after_kill : str
        What a person must do after the child had to be killed.
    """

    def __init__(self, budgets: Budgets, environment: Mapping[str, str], after_kill: str) -> None:
        self._budgets = budgets
        self._environment = environment
        self._after_kill = after_kill
        self._child: ChildProcess | None = None
        self._capabilities: Capabilities | None = None
        self._cancelled = threading.Event()
        self._frame = 0
        self._gate = SlideGate()

    @abstractmethod
    def _opener(self) -> Opener:
        """Return what opens the device in the child."""

    @abstractmethod
    def _require_button(self, button: str) -> None:
        """Raise ScannerSetupError if the scanner has no such button."""

    def capabilities(self) -> Capabilities:
        """Return what the scanner offers; open it first if it is closed.

        Raises
        ------
        ScannerError
            If it cannot be opened.
        """
        self._cancelled.clear()
        with self._discarding_after_failure():
            return self._read_capabilities(self._open_child())

    def capture(self, request: ScanRequest, frame: int) -> Capture:
        """Scan frame number `frame`; the same number again scans the same slide again.

        Parameters
        ----------
        request : ScanRequest
            What to scan and how.
        frame : int
            Number of the frame, from 1: the holder's frame number if the scanner can address it, else only counted.

        Raises
        ------
        ScannerError
            If anything went wrong; `recovery` tells what can be done, `slide` where the slide is.
        """
        self._cancelled.clear()
        return self._capture(request, frame)

    def scan(self, request: ScanRequest) -> Iterator[Capture]:
        """Scan frame after frame from number 1 until `request.frames` are scanned, the magazine is empty or `cancel`.

        Raises
        ------
        ScannerError
            If anything went wrong; the end of the magazine is an error only if `request.frames` is given.
        """
        self._cancelled.clear()
        if request.frames is None and not self.capabilities().notices_empty:
            raise ScannerSetupError("this scanner does not notice an empty magazine: say how many frames to scan")
        frames = range(1, request.frames + 1) if request.frames is not None else itertools.count(1)
        for frame in frames:
            if self._cancelled.is_set():
                return
            try:
                yield self._capture(request, frame)
            except MagazineEmptyError:
                if request.frames is None and frame > 1:
                    return
                raise

    def resume_after(self, last: Rgb | None) -> None:
        """Continue an interrupted run, for example after a power cut, instead of beginning with a full magazine.

        The slide in the gate is then scanned before any slide is fed. If it shows `last`, the next one is fed.

        Parameters
        ----------
        last : (rows, cols, 3) ndarray of uint16 or None
            Picture of the last frame that was kept; None if there is none.
        """
        self._gate.resume(last)

    def progress(self) -> ScanProgress:
        """Return how far the current frame is; any thread may call this."""
        child = self._child
        if child is None:
            return ScanProgress(Phase.IDLE.name.lower(), self._frame, 0.0)
        phase, fraction = child.progress()
        return ScanProgress(phase.name.lower(), self._frame, fraction)

    def cancel(self) -> None:
        """Stop the current frame and let `scan` end; any thread may call this, repeatedly; returns at once."""
        self._cancelled.set()

    def press(self, button: str) -> None:
        """Press a button such as ``load`` or ``eject``.

        Raises
        ------
        ScannerSetupError
            If the scanner has no such button.
        ScannerError
            If the scanner refuses.
        """
        self._require_button(button)
        self._press(button)
        self._gate.record_button(button)

    def _press(self, button: str) -> None:
        self._cancelled.clear()
        with self._discarding_after_failure():
            self._open_child().call(Press(button))

    def close(self) -> None:
        """Release the scanner for good; may be called repeatedly."""
        self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_child(self) -> ChildProcess:
        if self._child is None:
            child = ChildProcess(
                self._environment, self._budgets, after_kill=self._after_kill, cancelling=self._cancelled
            )
            self._child = child
            self._capabilities = None
            try:
                child.value(Open(self._opener()))
            except ScannerError:
                self._discard()
                raise
        return self._child

    def _read_capabilities(self, child: ChildProcess) -> Capabilities:
        if self._capabilities is None:
            self._capabilities = cast(Capabilities, child.value(GetCapabilities()))
        return self._capabilities

    def _discard(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    @contextmanager
    def _discarding_after_failure(self) -> Iterator[None]:
        try:
            yield
        except ScannerError as error:
            if error.recovery is Recovery.REOPEN or (self._child is not None and self._child.ended):
                self._discard()
            raise

    def _capture(self, request: ScanRequest, frame: int) -> Capture:
        self._frame = frame
        if not self._gate.uncertain:
            return self._capture_fed(request, frame, feed=self._gate.must_feed(frame))
        # The feeder may or may not have moved. Scanning the slide in the gate loses nothing; one feed too many loses a
        # slide.
        try:
            capture = self._capture_fed(request, frame, feed=False)
        except MagazineEmptyError:
            return self._capture_fed(request, frame, feed=True)
        if self._gate.shows_last_slide_again():
            log.info("frame %d: the previous slide is still in the gate; feeding the next one", frame)
            self._gate.record_repeated_slide()
            return self._capture_fed(request, frame, feed=True)
        return capture

    def _capture_fed(self, request: ScanRequest, frame: int, *, feed: bool) -> Capture:
        with self._discarding_after_failure():
            child = self._open_child()
            way = FeederWay(self._read_capabilities(child).feeder)
            # A scanner that moves on at the end of its start has the requested slide in the gate already.
            feed = request.advance and (feed or way is FeederWay.ADVANCE)
            try:
                reply = child.call(ScanFrame(request, frame, feed))
                assert isinstance(reply, FrameReady)
                rgb, infrared = child.take_planes(reply)
            except ScannerError as error:
                error.slide = self._gate.record_failure(error, frame, way, child.started(), fed=feed)
                raise
        self._gate.record_scan(frame, rgb)
        return Capture(rgb, infrared, reply.info, reply.icc_profile)
