"""A SANE scanner as the service sees it: frames or typed errors, whatever libsane does in its process."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self, cast

from filmscand.drivers.base import Capture, CaptureInfo, Rgb
from filmscand.drivers.sane.child import ChildProcess
from filmscand.drivers.sane.configuration import SaneConfig, press_button
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.sane.messages import AskCapabilities, FrameReady, Open, ScanFrame
from filmscand.drivers.sane.monitor import Phase
from filmscand.drivers.scanner.errors import MagazineEmptyError, Recovery, ScannerError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Capabilities, ScanProgress, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay, Recipe
from filmscand.drivers.scanner.slide_gate import SlideGate

log = logging.getLogger(__name__)


class SaneScanner:
    """Drive one scanner through SANE, in a child process that is started when needed.

    After an error the object stays usable: the next call opens the scanner anew where that is needed. Used by one
    thread, save for `cancel` and `progress`.

    Parameters
    ----------
    device : str
        Name by which SANE opens it, such as ``coolscan3:usb:libusb:001:004`` or ``net:127.0.0.2:pieusb:virtual``.
    recipe : Recipe
        How to drive it.
    vendor, model : str
        As SANE lists them; with both, the scanner is found again when its USB address has changed.
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
        """Say what the scanner offers; opens it where it is not open.

        Raises
        ------
        ScannerError
            If it cannot be opened.
        """
        self._cancelled.clear()
        with self._discarding_after_failure():
            return self._asked_capabilities(self._opened())

    def capture(self, request: ScanRequest, frame: int) -> Capture:
        """Scan frame number `frame`; asked again for the same number, it scans the same slide again.

        Raises
        ------
        ScannerError
            Whatever went wrong; `recovery` says what can be done, `slide` where the slide is.
        """
        self._cancelled.clear()
        return self._capture(request, frame)

    def scan(self, request: ScanRequest) -> Iterator[Capture]:
        """Scan frame after frame until the count is reached, the magazine is empty or `cancel` is called.

        Raises
        ------
        ScannerError
            Whatever went wrong, save the end of the magazine where no count was asked for.
        """
        self._cancelled.clear()
        if request.frames is None and not self.capabilities().notices_empty:
            raise ScannerSetupError("this scanner does not notice an empty magazine: say how many frames to scan")
        last = request.first_frame + request.frames if request.frames is not None else sys.maxsize
        for frame in range(request.first_frame, last):
            if self._cancelled.is_set():
                return
            try:
                yield self._capture(request, frame)
            except MagazineEmptyError:
                if request.frames is None and frame > request.first_frame:
                    return
                raise

    def resume_after(self, last: Rgb | None) -> None:
        """Say that a run goes on, as after a power cut, instead of beginning with a full magazine.

        The slide in the gate is then scanned before any is fed; one that shows `last` again is passed over.

        Parameters
        ----------
        last : (rows, cols, 3) ndarray of uint16 or None
            Picture of the last frame that was kept; None where there is none.
        """
        self._gate.resume(last)

    def progress(self) -> ScanProgress:
        """Say how far the frame under way is; any thread."""
        child = self._child
        if child is None:
            return ScanProgress(Phase.IDLE.name.lower(), self._frame, 0.0)
        phase, fraction = child.progress()
        return ScanProgress(phase.name.lower(), self._frame, fraction)

    def cancel(self) -> None:
        """Give up the frame under way and let `scan` end; any thread, idempotent, returns at once."""
        self._cancelled.set()

    def press(self, button: str) -> None:
        """Press a button such as ``load`` or ``eject``; the device is closed for it and opened again when needed.

        Raises
        ------
        ScannerSetupError
            If the recipe knows no such button.
        ScannerError
            If the scanner refuses.
        """
        if button not in self._recipe.buttons:
            raise ScannerSetupError(
                f"recipe {self._recipe.name} has the buttons {self._recipe.buttons}, not {button!r}"
            )
        self._discard()
        press_button(self._name.device, button, self._config, self._recipe.budgets.start_s)
        self._gate.pressed(button)

    def close(self) -> None:
        """Let go of the scanner, for good; idempotent."""
        self._discard()
        self._config.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> ChildProcess:
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

    def _asked_capabilities(self, child: ChildProcess) -> Capabilities:
        if self._capabilities is None:
            self._capabilities = cast(Capabilities, child.value(AskCapabilities()))
            known = self._capabilities
            self._name = DeviceName(self._name.device, known.vendor, known.model)
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
        # The feeder may have moved or not. Scanning what is there loses nothing; feeding once too often loses a slide.
        try:
            capture = self._capture_fed(request, frame, feed=False)
        except MagazineEmptyError:
            return self._capture_fed(request, frame, feed=True)
        if self._gate.shows_last_slide_again():
            log.info("frame %d: the slide before was still in the gate, feeding now", frame)
            self._gate.holds_last_slide_still()
            return self._capture_fed(request, frame, feed=True)
        return capture

    def _capture_fed(self, request: ScanRequest, frame: int, *, feed: bool) -> Capture:
        with self._discarding_after_failure():
            child = self._opened()
            way = FeederWay(self._asked_capabilities(child).feeder)
            # A scanner that moves at the end of its start has the slide in the gate already.
            feed = request.advance and (feed or way is FeederWay.ADVANCE)
            try:
                reply = child.call(ScanFrame(request, frame, feed))
                assert isinstance(reply, FrameReady)
                rgb, infrared = child.take_planes(reply)
            except ScannerError as error:
                error.slide = self._gate.failed(error, frame, way, child.started(), fed=feed)
                raise
        self._gate.scanned(frame, rgb)
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
