"""The messages between a scanner's process and its parent."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Open:
    """Open the named device and drive it by this recipe; answered by `Done`."""

    name: DeviceName
    recipe: Recipe


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
class ListDevices:
    """List the devices that SANE finds; `probe` opens each. Answered by `Done` with a tuple of `DeviceInfo`."""

    recipes: tuple[Recipe, ...]
    probe: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the current command; accepted at any time and not answered itself."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the device and end the process; not answered."""


Command = Open | GetCapabilities | ScanFrame | ListDevices | Cancel | Close


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a command that succeeded."""

    value: object = None


@dataclass(frozen=True, slots=True)
class FrameReady:
    """A frame is ready in memory; the file descriptors of its planes follow, the picture first."""

    rgb_shape: tuple[int, int, int]
    infrared_shape: tuple[int, int] | None
    origin: InfraredOrigin
    bits_per_sample: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer to a command that failed: class name and message of an error of `drivers.scanner.errors`."""

    error: str
    message: str


Reply = Done | FrameReady | Failed
