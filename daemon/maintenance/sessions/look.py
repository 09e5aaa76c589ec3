"""A look at what lies in a scanner: one frame at a low resolution, which goes nowhere but to the person who asked.

A feeder that loads a slide for each scan cannot show it first: the session would begin with the next slide.
"""

from __future__ import annotations

import io
from contextlib import closing
from typing import Final

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.sessions import SessionError, Sessions
from filmscand.daemon.maintenance.sessions.order import NoScannerError, only_scanner
from filmscand.daemon.scanning.drivers import drivers_of
from filmscand.daemon.station.configuration import Station
from filmscand.drivers.base import Capture
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.protocol import Capabilities, Scanner, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay

# A slide of 24 by 36 mm has 425 columns then: enough to see which picture it is and how it lies.
LOOK_DPI: Final = 300
_DISPLAY_GAMMA: Final = 2.2
# Holders whose frames are addressed, and scanners without a feeder; see `Capabilities.feeder`.
_FEEDING_NOTHING: Final = frozenset({FeederWay.FRAME, FeederWay.NONE})


class LookOrder(BaseModel):
    """What to look at.

    Attributes
    ----------
    device : str or None
        Name of the scanner, as listed; None: the only one that a recipe drives.
    position : int
        Frame of the strip or holder, from 1; a scanner without a feeder shows what lies in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str | None = Field(default=None, min_length=1, max_length=500)
    position: int = Field(default=1, ge=1, le=999)


def look(station: Station, order: LookOrder) -> bytes:
    """Scan one frame at a low resolution without infrared; nothing is fed.

    Returns
    -------
    bytes
        A JPEG in sRGB; a negative stays one.

    Raises
    ------
    SessionError
        A session has the scanner, or its feeder loads a slide for each scan.
    NoScannerError
        No scanner was named, and there is not exactly one; or no recipe drives the one that was named.
    ScannerError
        The scanner failed.
    """
    device = order.device or only_scanner(station)
    _require_free(station, device)
    with _found(station, device) as scanner:
        offered = scanner.capabilities()
        if offered.feeder not in _FEEDING_NOTHING:
            raise SessionError(f"{device}: its feeder would load a slide, and a session begin with the next one")
        request = ScanRequest(low_resolution(offered), 8, infrared=False, frames=1, autofocus=False, advance=False)
        return _as_jpeg(scanner.capture(request, order.position))


def _found(station: Station, device: str) -> Scanner:
    try:
        return drivers_of(station).open(device)
    except ScannerSetupError as error:
        raise NoScannerError(str(error)) from error


def low_resolution(offered: Capabilities) -> int:
    """Return the lowest resolution of a scanner from 300 dpi on, or its highest if that is lower."""
    if offered.resolution_range_dpi is not None:
        low, high = offered.resolution_range_dpi
        return round(min(max(low, LOOK_DPI), high))
    highest = max(offered.resolutions_dpi, default=LOOK_DPI)
    return next((dpi for dpi in offered.resolutions_dpi if dpi >= LOOK_DPI), highest)


def _require_free(station: Station, device: str) -> None:
    if not station.database.exists():
        return
    with closing(open_to_read(station.database)) as connection:
        holders = [one.session_id for one in Sessions(connection).unfinished() if one.plan.device == device]
    if holders:
        raise SessionError(f"{device}: session {holders[0]} has this scanner; wait until it ends, or end it")


def _as_jpeg(capture: Capture) -> bytes:
    light = capture.rgb.astype(np.float32)
    shown = np.clip(light / max(float(np.quantile(light, 0.995)), 1.0), 0, 1)
    if capture.info.linear:
        shown **= 1 / _DISPLAY_GAMMA
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * shown).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()
