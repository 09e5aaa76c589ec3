"""What a scanner's process runs: the device of one driver, behind one interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from filmscand.drivers.base import CaptureInfo
from filmscand.drivers.child.monitor import Monitor
from filmscand.drivers.child.planes import PlaneMemory
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.protocol import Capabilities, ScanRequest


@dataclass(frozen=True, slots=True)
class ReadFrame:
    """One frame in shared memory, and how it was captured.

    Attributes
    ----------
    rgb : PlaneMemory
        The picture, (rows, cols, 3).
    infrared : PlaneMemory or None
        The infrared plane, (rows, cols); None if the frame has none.
    info : CaptureInfo
        How it was captured.
    icc_profile : bytes or None
        Colour profile of the picture, None if it has none.
    """

    rgb: PlaneMemory
    infrared: PlaneMemory | None
    info: CaptureInfo
    icc_profile: bytes | None = None


class Device(Protocol):
    """One open scanner; only one thread uses it, except for `interrupt`."""

    def capabilities(self) -> Capabilities:
        """Return what the scanner offers."""

    def capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        """Scan one frame; `feed`: a feeder without frame numbers feeds the next slide first."""

    def interrupt(self) -> None:
        """Stop the current call; for another thread than the one that makes it."""

    def close(self) -> None:
        """Release the scanner."""


@runtime_checkable
class HasButtons(Protocol):
    """A device whose buttons are pressed while it is open."""

    def press(self, button: str) -> None:
        """Press a button such as ``eject``."""


class Opener(Protocol):
    """Opens the device of one driver inside the scanner's process, to which it travels by pickle."""

    def open(self, monitor: Monitor) -> Device:
        """Open the device; `monitor` is told of each call and of its progress."""


class Lister(Protocol):
    """Lists the devices of one driver inside a process of its own, to which it travels by pickle."""

    def list(self, monitor: Monitor) -> tuple[DeviceInfo, ...]:
        """Return the devices; `monitor` is told before each call."""
