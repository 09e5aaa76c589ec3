"""A SANE scanner for the service: it returns frames or raises typed errors, whatever libsane does in its process."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self, cast

from filmscand.drivers.base import Capture, CaptureInfo, Rgb
from filmscand.drivers.sane.child import ChildProcess
from filmscand.drivers.sane.configuration import SaneConfig, press_button
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.sane.messages import FrameReady, GetCapabilities, Open, ScanFrame
from filmscand.drivers.sane.monitor import Phase
from filmscand.drivers.scanner.errors import MagazineEmptyError, Recovery, ScannerError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Capabilities, ScanProgress, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay, Recipe
from filmscand.drivers.scanner.slide_gate import SlideGate

log = logging.getLogger(__name__)


class SaneScanner:
    """Drives one scanner through SANE, in a child process that is started when needed.

    The object stays usable after an error: the next call opens the scanner again if necessary. Only one thread may use
    it, except for `cancel` and `progress`.

    Parameters
    ----------
    device : str
        Name by which SANE opens the scanner, such as ``coolscan3:usb:libusb:001:004`` or
        ``net:127.0.0.2:pieusb:virtual``.
    recipe : Recipe
        How to drive it.
    vendor, model : str
        Names as SANE lists them; with both, the scanner is found again after its USB address has changed.
    """

    def __init__(self, device: str, recipe: Recipe, *, vendor: str = "", model: str = "") -> None:
        self._name = DeviceName(device, vendor, model)
        self._recipe = recipe
        self._config = SaneConfig.for_device(device, recipe.backend)
        self._child: ChildProcess | None = None
        self._capabilities: Capabilities | None = None
        self._cancelled = threading.Event()
        self._frame = 0
        self._gate = SlideGate()

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
        """Press a button such as ``load`` or ``eject``. The device is closed first and opened again when needed.

        Raises
        ------
        ScannerSetupError
            If the recipe lists no such button.
        ScannerError
            If the scanner refuses.
        """
        if button not in self._recipe.buttons:
            buttons = ", ".join(self._recipe.buttons) or "no buttons"
            raise ScannerSetupError(f"recipe {self._recipe.name} lists {buttons}, not {button!r}")
        self._discard()
        press_button(self._name.device, button, self._config, self._recipe.budgets.start_s)
        self._gate.record_button(button)

    def close(self) -> None:
        """Release the scanner for good; may be called repeatedly."""
        self._discard()
        self._config.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_child(self) -> ChildProcess:
        if self._child is None:
            child = ChildProcess(
                self._config.environment,
                self._recipe.budgets,
                after_kill=self._recipe.after_kill,
                cancelling=self._cancelled,
            )
            self._child = child
            self._capabilities = None
            try:
                child.value(Open(self._name, self._recipe))
            except ScannerError:
                self._discard()
                raise
        return self._child

    def _read_capabilities(self, child: ChildProcess) -> Capabilities:
        if self._capabilities is None:
            self._capabilities = cast(Capabilities, child.value(GetCapabilities()))
            self._name = DeviceName(self._name.device, self._capabilities.vendor, self._capabilities.model)
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
        return Capture(rgb, infrared, self._info(request, reply, rgb))

    def _info(self, request: ScanRequest, reply: FrameReady, rgb: Rgb) -> CaptureInfo:
        return CaptureInfo(
            rows=rgb.shape[0],
            cols=rgb.shape[1],
            scanned=True,
            layout=f"sane_{self._recipe.name}",
            bits_per_sample=reply.bits_per_sample,
            resolution_dpi=float(request.resolution_dpi),
            linear=self._recipe.linear,
            make=self._name.vendor or None,
            model=self._name.model or None,
            software=f"SANE {self._recipe.backend}",
            captured_at=datetime.now(UTC),
            infrared_origin=reply.origin,
            flags=reply.flags,
        )
