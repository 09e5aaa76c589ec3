"""A Coolscan inside its own process: finds the frames on the film, and scans them through nkscan."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from filmscand.drivers.base import CaptureInfo, InfraredOrigin
from filmscand.drivers.child.device import ReadFrame
from filmscand.drivers.child.monitor import Monitor, Phase
from filmscand.drivers.child.planes import PlaneMemory
from filmscand.drivers.nkscan.framing import Rectangle, cut_out, feeder_way, offered_resolutions, offered_samples
from filmscand.drivers.nkscan.library import PREFIX, converted_errors, load_nkscan
from filmscand.drivers.scanner.errors import (
    FilmNotReadyError,
    MagazineEmptyError,
    ScannerIoError,
    ScannerSetupError,
    ShortFrameError,
)
from filmscand.drivers.scanner.protocol import Capabilities, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay

RECIPE: Final = "nkscan"
BUTTONS: Final = ("eject", "load")
_COLOURS: Final = ("red", "green", "blue")
# nkscan stretches what the scanner measured (12 to 16 bits) over 16, and does not say how many they were.
_BITS: Final = 16


class NkscanDevice:
    """One scanner; only one thread may use it, except for `interrupt`.

    Parameters
    ----------
    location : str
        Where nkscan finds it, such as ``usb:1-3.2`` or ``/dev/sg4``.
    monitor : Monitor
        Shared memory in which progress is reported.
    """

    def __init__(self, location: str, monitor: Monitor) -> None:
        self._location = location
        self._monitor = monitor
        self._session: Any = None
        self._discovery: Any = None
        self._exposures: dict[bool, dict[str, int]] = {}
        self._interrupted = threading.Event()

    def open(self) -> None:
        """Open the scanner.

        Raises
        ------
        ScannerError
            If it cannot be opened.
        """
        self._monitor.enter(Phase.OPEN)
        nkscan = load_nkscan()
        with converted_errors():
            self._session = nkscan.Session(self._location)
        self._monitor.enter(Phase.IDLE)

    def close(self) -> None:
        """Release the scanner."""
        if self._session is not None:
            self._monitor.enter(Phase.CLOSE)
            self._session.close()

    def interrupt(self) -> None:
        """Stop the current pass at its next report; for another thread than the one that scans."""
        self._interrupted.set()

    def capabilities(self) -> Capabilities:
        """Return what the scanner and the adapter in it offer."""
        with converted_errors():
            caps = self._session.capabilities
        way = feeder_way(caps)
        return Capabilities(
            vendor=caps.vendor,
            model=caps.model or caps.product,
            device=PREFIX + self._location,
            recipe=RECIPE,
            resolutions_dpi=offered_resolutions(caps),
            resolution_range_dpi=None,
            infrared=True,
            samples=offered_samples(caps),
            feeder=way.value,
            frame_count=None if self._discovery is None or way is not FeederWay.FRAME else len(self._discovery.frames),
            notices_empty=way is not FeederWay.NONE,
            buttons=BUTTONS if caps.eject else (),
        )

    def press(self, button: str) -> None:
        """Eject the film, or load what waits in the adapter."""
        self._interrupted.clear()
        self._monitor.enter(Phase.START)
        with converted_errors():
            done = self._session.eject() if button == "eject" else self._session.load()
        self._discovery = None
        self._monitor.enter(Phase.IDLE)
        if not done:
            raise ScannerIoError(f"the scanner did not react to {button}")

    def capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        """Scan one frame; see `child.device.Device`.

        Raises
        ------
        ScannerError
            If anything went wrong.
        """
        self._interrupted.clear()
        try:
            with converted_errors():
                return self._capture(request, frame, feed=feed)
        finally:
            self._monitor.enter(Phase.IDLE)

    def _capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        caps = self._session.capabilities
        _require_offered(request, caps)
        way = feeder_way(caps)
        self._monitor.request_start()
        if feed and way is FeederWay.AUTOLOAD:
            self._feed()
        self._require_film(way)
        rectangle = self._find_frame(frame if way is FeederWay.FRAME else 1)
        if request.region is not None:
            rectangle = cut_out(rectangle, request.region, caps.optical_dpi)
        kept = None if request.autoexposure else self._exposures.get(request.infrared)
        result = self._session.scan_frame(
            rectangle,
            dpi=request.resolution_dpi,
            samples=request.samples,
            infrared=request.infrared,
            base_density=self._discovery.base_density,
            exposures=kept,
            focus="auto" if request.autofocus and caps.autofocus else "hold",
            progress=self._reporting(),
        )
        self._exposures.setdefault(request.infrared, dict(result.exposures))
        return self._delivered(request, result, caps)

    def _feed(self) -> None:
        """Put the slide in the gate out, and the next one in."""
        if self._session.media_loaded():
            self._session.eject()
        self._discovery = None
        if not self._session.load():
            raise MagazineEmptyError("the feeder has no slide left")
        self._monitor.start_succeeded()
        self._session.stage()

    def _require_film(self, way: FeederWay) -> None:
        if self._session.media_loaded():
            return
        if way is FeederWay.AUTOLOAD:
            raise MagazineEmptyError("no slide lies in the gate")
        self._discovery = None
        if not self._session.load():
            raise FilmNotReadyError("no film or holder is in the scanner")

    def _find_frame(self, number: int) -> Rectangle:
        """Return where a frame lies, by a pass over the whole strip if it is the first one that is asked for."""
        if self._discovery is None:
            self._monitor.enter(Phase.START)
            self._discovery = self._session.discover_frames(progress=self._alive)
        frames: list[Rectangle] = self._discovery.frames
        if not frames:
            raise FilmNotReadyError("the scanner found no frames on the film")
        if number > len(frames):
            raise MagazineEmptyError(f"the film has {len(frames)} frames, found {number}")
        return frames[number - 1]

    def _alive(self, *_: object) -> bool:
        self._monitor.enter(Phase.START)
        return not self._interrupted.is_set()

    def _reporting(self) -> Callable[[str, int, int, int], bool]:
        reading = False

        def report(phase: str, _number: int, done_bytes: int, total_bytes: int) -> bool:
            nonlocal reading
            if phase != "scan":
                return self._alive()
            if not reading:
                reading = True
                self._monitor.start_succeeded()
                self._monitor.begin_pass(0, total_bytes)
                self._monitor.enter(Phase.READ)
            self._monitor.advance(done_bytes)
            return not self._interrupted.is_set()

        return report

    def _delivered(self, request: ScanRequest, result: Any, caps: Any) -> ReadFrame:
        self._monitor.start_succeeded()
        if not result.complete:
            raise ShortFrameError(f"only {result.blocks} blocks of the frame arrived")
        if request.infrared and result.ir is None:
            raise ScannerIoError("the scanner delivered no infrared, expected it")
        missing = [colour for colour in _COLOURS if colour not in result.colors]
        if missing:
            raise ScannerIoError(f"the scanner delivered no {' and no '.join(missing)}")
        rgb = PlaneMemory((result.rows, result.cols, 3))
        for sample, colour in enumerate(_COLOURS):
            rgb.counts[..., sample] = result.colors[colour]
        infrared = None
        if request.infrared:
            infrared = PlaneMemory((result.rows, result.cols))
            infrared.fill(np.ascontiguousarray(result.ir))
        return ReadFrame(rgb, infrared, _info(request, result, caps))


def _require_offered(request: ScanRequest, caps: Any) -> None:
    resolutions, samples = offered_resolutions(caps), offered_samples(caps)
    if request.resolution_dpi not in resolutions:
        raise ScannerSetupError(f"the scanner offers {resolutions} dpi, found {request.resolution_dpi}")
    if request.samples not in samples:
        raise ScannerSetupError(f"the scanner averages {samples} readings of a line, found {request.samples}")


def _info(request: ScanRequest, result: Any, caps: Any) -> CaptureInfo:
    return CaptureInfo(
        rows=result.rows,
        cols=result.cols,
        scanned=True,
        layout=RECIPE,
        bits_per_sample=_BITS,
        resolution_dpi=float(result.dpi),
        linear=True,
        make=caps.vendor,
        model=caps.model or caps.product,
        software=RECIPE,
        captured_at=datetime.now(UTC),
        infrared_origin=InfraredOrigin.SAME_PASS if request.infrared else InfraredOrigin.NONE,
    )


@dataclass(frozen=True, slots=True)
class NkscanOpener:
    """Opens a scanner through nkscan; see `child.device.Opener`."""

    location: str

    def open(self, monitor: Monitor) -> NkscanDevice:
        """Open the device."""
        device = NkscanDevice(self.location, monitor)
        device.open()
        return device
