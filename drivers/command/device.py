"""A scanner that another program drives, inside a scanner's process: runs its commands and reads what it writes."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filmscand.drivers.base import Capture, InfraredOrigin
from filmscand.drivers.child.device import ReadFrame
from filmscand.drivers.child.monitor import Monitor, Phase
from filmscand.drivers.child.planes import PlaneMemory
from filmscand.drivers.command.arguments import Arguments, Condition, Placeholder, filled
from filmscand.drivers.command.output import check_size, output_bytes, read_output
from filmscand.drivers.command.recipe import Program
from filmscand.drivers.command.running import RunningCommand, cannot_start, error_of
from filmscand.drivers.scanner.errors import (
    MagazineEmptyError,
    ScanCancelledError,
    ScannerHungError,
    ScannerIoError,
    ScannerSetupError,
)
from filmscand.drivers.scanner.protocol import MM_PER_INCH, Capabilities, Region, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay

_OUTPUT_NAME: Final = "frame.tif"
# Share of the time to react to a cancel that the program has before it is killed; the rest is for what comes after.
_GRACE_SHARE: Final = 0.5


class CommandDevice:
    """One scanner; only one thread may use it, except for `interrupt`.

    Parameters
    ----------
    program : Program
        The recipe.
    folder : Path
        A private folder for the files of the frames.
    monitor : Monitor
        Shared memory in which progress is reported.
    """

    def __init__(self, program: Program, folder: Path, monitor: Monitor) -> None:
        self._program = program
        self._folder = folder
        self._monitor = monitor
        self._interrupted = threading.Event()
        self._running: RunningCommand | None = None
        self._bytes_before: dict[ScanRequest, int] = {}

    def open(self) -> None:
        """Find out whether the program is installed and the scanner is there.

        Raises
        ------
        ScannerError
            If it is not.
        """
        self._monitor.enter(Phase.OPEN)
        for left in self._folder.iterdir():
            # The files of a frame whose process was killed.
            shutil.rmtree(left)
        if (missing := self._program.missing_program()) is not None:
            raise cannot_start(missing, "no such program")
        if self._program.probe:
            self._run(self._program.probe, self._folder)
        self._monitor.enter(Phase.IDLE)

    def capabilities(self) -> Capabilities:
        """Return what the recipe says that the scanner offers."""
        program = self._program
        lowest_and_highest = program.resolution_range_dpi
        return Capabilities(
            vendor=program.vendor,
            model=program.model,
            device=program.device,
            recipe=program.name,
            resolutions_dpi=tuple(sorted(program.resolutions_dpi)),
            resolution_range_dpi=lowest_and_highest,
            infrared=program.infrared,
            samples=tuple(sorted(program.samples)),
            feeder=program.feeder.value,
            frame_count=program.frame_count,
            notices_empty=program.notices_empty,
            buttons=tuple(program.buttons),
        )

    def capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        """Scan one frame; see `child.device.Device`.

        Raises
        ------
        ScannerError
            If anything went wrong; the program has ended before the error is raised.
        """
        self._interrupted.clear()
        self._require_offered(request, frame)
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            self._scan(request, frame, folder, feed=feed)
            self._monitor.enter(Phase.READ)
            capture = read_output(folder, folder / _OUTPUT_NAME, self._name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._monitor.enter(Phase.IDLE)
        if (area := self._area(request)) is not None:
            check_size(capture, area, self._name)
        return self._delivered(request, capture)

    def press(self, button: str) -> None:
        """Run the command of a button."""
        self._interrupted.clear()
        self._monitor.enter(Phase.START)
        self._run(self._program.buttons[button], self._folder)
        self._monitor.enter(Phase.IDLE)

    def interrupt(self) -> None:
        """End the command that runs; for another thread than the one that waits for it."""
        self._interrupted.set()
        running = self._running
        if running is not None:
            running.ask_to_end()

    def close(self) -> None:
        """Leave nothing: no command runs between two calls."""

    @property
    def _name(self) -> str:
        """What messages call the program: often an interpreter runs it, whose name tells nothing."""
        return f"the program of {self._program.device}"

    def _require_offered(self, request: ScanRequest, frame: int) -> None:
        program = self._program
        if not program.offers_resolution(request.resolution_dpi):
            offered = program.resolution_range_dpi or program.resolutions_dpi
            raise ScannerSetupError(f"{program.device} offers {offered} dpi, found {request.resolution_dpi}")
        if request.samples not in program.samples:
            raise ScannerSetupError(f"{program.device} averages {program.samples} readings, found {request.samples}")
        if request.region is not None and not program.takes_region:
            raise ScannerSetupError(f"{program.device} scans its whole area: its recipe has no `if: region`")
        if program.frame_count is not None and frame > program.frame_count:
            raise MagazineEmptyError(f"{program.device} has {program.frame_count} frames, found {frame}")

    def _scan(self, request: ScanRequest, frame: int, folder: Path, *, feed: bool) -> None:
        """Run the commands that feed and scan; tell the monitor when the slide is certainly in the gate."""
        self._monitor.request_start()
        if feed and self._program.feed:
            self._run(self._program.feed, folder)
            self._monitor.start_succeeded()
            self._monitor.enter(Phase.START)
        growth = _Growth(folder, self._monitor, self._bytes_before.get(request, 0))
        arguments = filled(
            self._program.scan, self._values(request, frame, folder), _conditions(self._program, request, feed=feed)
        )
        self._run_filled(arguments, folder, growth.look)
        self._monitor.start_succeeded()
        self._bytes_before[request] = growth.complete()

    def _values(self, request: ScanRequest, frame: int, folder: Path) -> dict[Placeholder, str]:
        region = request.region or Region(0, 0, 1, 1)
        return {
            Placeholder.OUTPUT: str(folder / _OUTPUT_NAME),
            Placeholder.FOLDER: str(folder),
            Placeholder.FRAME: str(frame),
            Placeholder.DPI: str(request.resolution_dpi),
            Placeholder.DEPTH: str(self._program.depth_for(request.depth_bits)),
            Placeholder.SAMPLES: str(request.samples),
            Placeholder.TOP_MM: f"{region.top_mm:.4f}",
            Placeholder.LEFT_MM: f"{region.left_mm:.4f}",
            Placeholder.HEIGHT_MM: f"{region.height_mm:.4f}",
            Placeholder.WIDTH_MM: f"{region.width_mm:.4f}",
        }

    def _area(self, request: ScanRequest) -> tuple[float, float] | None:
        """Return the rows and columns of the area that was asked for, None if that is unknown."""
        size = self._program.area_mm
        if request.region is not None:
            size = (request.region.height_mm, request.region.width_mm)
        if size is None:
            return None
        return size[0] / MM_PER_INCH * request.resolution_dpi, size[1] / MM_PER_INCH * request.resolution_dpi

    def _run(self, command: Arguments, folder: Path) -> None:
        self._run_filled(filled(command, {}, ()), folder, lambda: None)

    def _run_filled(self, arguments: Sequence[str], folder: Path, look: Callable[[], None]) -> None:
        budgets = self._program.budgets
        running = RunningCommand(arguments, folder, limit_s=budgets.pass_s, grace_s=_GRACE_SHARE * budgets.cancel_s)
        self._running = running
        if self._interrupted.is_set():
            running.ask_to_end()
        try:
            ended = running.wait(look)
        finally:
            self._running = None
        error = error_of(self._name, ended, dict(self._program.exit_codes), self._program.after_kill)
        if self._interrupted.is_set() and not isinstance(error, ScannerHungError):
            raise ScanCancelledError(f"{self._name} was asked to end")
        if error is not None:
            raise error

    def _delivered(self, request: ScanRequest, capture: Capture) -> ReadFrame:
        wanted = request.infrared and self._program.infrared
        if wanted and capture.infrared is None:
            raise ScannerIoError(f"{self._name} wrote a picture without infrared, expected it with infrared")
        rgb = PlaneMemory(capture.rgb.shape)
        rgb.fill(capture.rgb)
        infrared = None
        changes: dict[str, object] = {
            "scanned": True,
            "layout": f"command_{self._program.name}",
            "resolution_dpi": float(request.resolution_dpi),
            "make": self._program.vendor,
            "model": self._program.model,
            "software": capture.info.software or Path(str(self._program.scan[0])).name,
            "captured_at": datetime.now(UTC),
            "flags": tuple(flag for flag in capture.info.flags if flag != "no_infrared"),
        }
        if self._program.linear is not None:
            changes["linear"] = self._program.linear
        if wanted and capture.infrared is not None:
            infrared = PlaneMemory(capture.infrared.shape)
            infrared.fill(capture.infrared)
        else:
            changes |= {"infrared_origin": InfraredOrigin.NONE, "infrared_red_correlation": None}
        return ReadFrame(rgb, infrared, capture.info.model_copy(update=changes), capture.icc_profile)


def _conditions(program: Program, request: ScanRequest, *, feed: bool) -> set[Condition]:
    holds = {
        Condition.INFRARED: request.infrared and program.infrared,
        Condition.REGION: request.region is not None,
        Condition.FEED: feed and program.feeder in (FeederWay.AUTOLOAD, FeederWay.ADVANCE),
        Condition.AUTOFOCUS: request.autofocus,
        Condition.AUTOEXPOSURE: request.autoexposure,
    }
    return {condition for condition, true in holds.items() if true}


class _Growth:
    """Tells the monitor how much a program has written: its only sign of life."""

    def __init__(self, folder: Path, monitor: Monitor, expected_bytes: int) -> None:
        self._folder = folder
        self._monitor = monitor
        self._expected_bytes = expected_bytes
        self._written_bytes = 0

    def look(self) -> None:
        written_bytes = output_bytes(self._folder)
        if written_bytes <= self._written_bytes:
            return
        if self._written_bytes == 0:
            self._monitor.start_succeeded()
            self._monitor.begin_pass(0, self._expected_bytes)
            self._monitor.enter(Phase.READ)
        self._written_bytes = written_bytes
        self._monitor.advance(written_bytes)

    def complete(self) -> int:
        """Report that all has been written, and return how many bytes that are."""
        self._monitor.begin_pass(0, self._written_bytes)
        self._monitor.advance(self._written_bytes)
        return self._written_bytes


@dataclass(frozen=True, slots=True)
class CommandOpener:
    """Opens a scanner that another program drives; see `child.device.Opener`."""

    program: Program
    folder: Path

    def open(self, monitor: Monitor) -> CommandDevice:
        """Open the device."""
        device = CommandDevice(self.program, self.folder, monitor)
        device.open()
        return device
