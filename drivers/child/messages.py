"""The messages between a scanner's process and its parent."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.base import CaptureInfo
from filmscand.drivers.child.device import Lister, Opener
from filmscand.drivers.scanner.protocol import ScanRequest


@dataclass(frozen=True, slots=True)
class Open:
    """Open a device; answered by `Done`."""

    opener: Opener


@dataclass(frozen=True, slots=True)
class GetCapabilities:
    """Return what the open device offers; answered by `Done` with `Capabilities`."""


@dataclass(frozen=True, slots=True)
class ScanFrame:
    """Scan frame number `frame`; `feed` feeds the next slide first. Answered by `FrameReady`."""

    request: ScanRequest
    frame: int
    feed: bool


@dataclass(frozen=True, slots=True)
class Press:
    """Press a button of the open device; answered by `Done`."""

    button: str


@dataclass(frozen=True, slots=True)
class ListDevices:
    """List the devices of a driver; answered by `Done` with a tuple of `DeviceInfo`."""

    lister: Lister


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the current command; accepted at any time and not answered itself."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the device and end the process; not answered."""


Command = Open | GetCapabilities | ScanFrame | Press | ListDevices | Cancel | Close


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a command that succeeded."""

    value: object = None


@dataclass(frozen=True, slots=True)
class FrameReady:
    """A frame is ready in memory; the file descriptors of its planes follow, the picture first."""

    rgb_shape: tuple[int, ...]
    infrared_shape: tuple[int, ...] | None
    info: CaptureInfo
    icc_profile: bytes | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer to a command that failed: class name, message and advice of an error of `drivers.scanner.errors`."""

    error: str
    message: str
    advice: str


Reply = Done | FrameReady | Failed
