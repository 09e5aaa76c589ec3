"""What a frame shows to IIIF viewers: its finished picture, the way up that people described."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from filmscand.daemon.cleaning.deep_zoom import Layer
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.export.finished import finished_role
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.web.frames import read_known
from filmscand.daemon.web.tiles import Zoomable, zoomable


@dataclass(frozen=True, slots=True)
class ShownImage:
    """The image that a frame is at the Image API.

    Attributes
    ----------
    zoomable : Zoomable
        The revision that counts.
    layer : Layer
        Cleaned, or raw where a person decided so.
    rows, cols : int
        Its size as it is shown, pixels.
    """

    zoomable: Zoomable
    layer: Layer
    rows: int
    cols: int


def shown_image(station: Station, connection: sqlite3.Connection, frame: FrameId) -> ShownImage:
    """Return the image of a frame; it reads the sidecar.

    Raises
    ------
    NoSuchFrameError
        The station does not know the frame, or it is not cleaned yet.
    IntegrityError
        A name that the sidecar records leads elsewhere.
    """
    _, sidecar = read_known(station, connection, frame)
    found = zoomable(station, connection, frame, sidecar.current.number)
    layer = Layer.RAW if finished_role(sidecar) is Role.RAW else Layer.CLEAN
    return ShownImage(found, layer, *found.described.shape(found.rows, found.cols))
