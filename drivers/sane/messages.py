"""What a scanner's process and its parent say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Open:
    """Open this device, by this recipe."""

    name: DeviceName
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class AskCapabilities:
    """Say what the open device offers."""


@dataclass(frozen=True, slots=True)
class ScanFrame:
    """Scan a frame."""

    request: ScanRequest
    frame: int
    feed: bool


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Say what SANE sees; `probe` opens each device to look at its options."""

    recipes: tuple[Recipe, ...]
    probe: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up what is under way; heard at any time, never answered."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the device and end."""


Command = Open | AskCapabilities | ScanFrame | ListDevices | Cancel | Close


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a command that succeeded."""

    value: object = None


@dataclass(frozen=True, slots=True)
class FrameReady:
    """A frame lies in memory; the descriptors of its planes follow, picture first."""

    rgb_shape: tuple[int, int, int]
    infrared_shape: tuple[int, int] | None
    origin: InfraredOrigin
    bits_per_sample: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer to a command that failed: an error of `filmscand.drivers.scanner.errors`, by its name."""

    error: str
    message: str


Reply = Done | FrameReady | Failed
