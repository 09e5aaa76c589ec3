"""Tiles of frames for deep zoom, made in a child process on demand; the last ones are kept.

The child keeps the picture that was looked at last, decoded, and ends when nobody looks any more. The service itself
holds only finished tiles.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.cleaning.deep_zoom import TILE_PX, Cut, Layer, Tile, ZoomPicture, ZoomSource, size_at, top_level
from filmscand.daemon.core.description.orientation import Orientation
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.limited_process import LimitedProcess
from filmscand.daemon.core.request import Role
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.web.frames import NoSuchFrameError, numbered_revision, read_known
from filmscand.drivers.base import InfraredOrigin

# Planes of 80 megapixels as they are decoded. The memory is taken only while somebody looks at such a frame.
_MEMORY_BYTES: Final = 2 << 30
_LIMIT_S: Final = 60.0
# A tile has about 100 KB: three screens full.
_KEPT_BYTES: Final = 16 << 20
# A decoded frame of 24 megapixels takes 250 MB, which cleaning may need.
IDLE_S: Final = 90.0
# Niceness of the child, as that of a worker: a scanner that is read too slowly stops in the middle of a slide.
_BEHIND_SCANNING: Final = 10


@dataclass(frozen=True, slots=True)
class TileOrder:
    """A tile or a cut to make, and the files that it is made from."""

    source: ZoomSource
    tile: Tile | Cut


@dataclass(frozen=True, slots=True)
class Zoomable:
    """A revision of a frame that can be looked at in tiles.

    Attributes
    ----------
    source : ZoomSource
        Its files.
    rows, cols : int
        Its size as captured, pixels.
    layers : tuple of Layer
        What there is to see.
    described : Orientation
        How people want the frame to be shown.
    """

    source: ZoomSource
    rows: int
    cols: int
    layers: tuple[Layer, ...]
    described: Orientation

    def require(self, tile: Tile) -> None:
        """Require that there is such a tile.

        Raises
        ------
        NoSuchFrameError
            The revision has no such layer, or the tile lies outside its pyramid.
        """
        if tile.layer not in self.layers:
            raise NoSuchFrameError(f"there is no layer {tile.layer} to see")
        if tile.level <= top_level(self.rows, self.cols):
            rows, cols = size_at(tile.level, *tile.shown.shape(self.rows, self.cols))
            if tile.row * TILE_PX < rows and tile.col * TILE_PX < cols:
                return
        raise NoSuchFrameError(f"there is no tile {tile.col}_{tile.row} at level {tile.level}")


def zoomable(station: Station, connection: sqlite3.Connection, frame: FrameId, number: int) -> Zoomable:
    """Return a revision of a frame for deep zoom; it reads the sidecar.

    Raises
    ------
    NoSuchFrameError
        The station does not know the frame, or it has no such revision or file.
    IntegrityError
        A name that the sidecar records leads elsewhere.
    """
    archive, sidecar = read_known(station, connection, frame)
    revision = numbered_revision(sidecar, number)
    files = sidecar.files_of(revision)
    for file in (*sidecar.originals, *sidecar.replaced_originals, *revision.files):
        archive.frame_folder(frame).require_own(file)
    if not {Role.RAW, Role.CLEAN, Role.MASK} <= files.keys():
        raise NoSuchFrameError(f"{frame}: revision {number} lacks a file that its tiles are made from")
    paths = {role: (frame.folder / file.name).as_posix() for role, file in files.items()}
    capture = sidecar.capture
    source = ZoomSource(
        root=str(station.archive),
        raw=paths[Role.RAW],
        infrared=paths.get(Role.INFRARED),
        clean=paths[Role.CLEAN],
        mask=paths[Role.MASK],
        fourth_sample_is_infrared=revision.options.fourth_sample_is_infrared,
        linear=capture.linear,
        bits=capture.bits_per_sample,
        inverted=sidecar.is_inverted(revision),
        key=" ".join(file.sha256 for file in files.values()),
    )
    without = () if capture.infrared_origin is not InfraredOrigin.NONE else (Layer.INFRARED,)
    layers = tuple(layer for layer in Layer if layer not in without)
    return Zoomable(source, capture.rows, capture.cols, layers, sidecar.orientation)


# The picture of the child's last tile.
_open_picture: dict[str, ZoomPicture] = {}


def prepare_child() -> None:
    """Load what a tile needs, before the child's memory is limited."""
    import numba

    os.nice(_BEHIND_SCANNING)
    numba.set_num_threads(1)


def make_tile(order: TileOrder) -> bytes:
    """Return a tile or a cut (the task of the child)."""
    picture = _open_picture.get(order.source.key)
    if picture is None:
        # First of all its memory is free again.
        _open_picture.clear()
        picture = _open_picture[order.source.key] = ZoomPicture(order.source)
    return picture.tile(order.tile) if isinstance(order.tile, Tile) else picture.cut(order.tile)


class Tiles:
    """Makes tiles one after another, and keeps the last ones. Call `make` and `close_idle` from one thread only.

    The child dies with the thread that started it.
    """

    def __init__(self) -> None:
        self._child = LimitedProcess(make_tile, _MEMORY_BYTES, _LIMIT_S, prepare_child)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Tile | Cut], bytes] = OrderedDict()
        self._used_s = 0.0

    def find(self, key: str, tile: Tile | Cut) -> bytes | None:
        """Return a tile that was made before; `key` names the files."""
        with self._lock:
            found = self._kept.get((key, tile))
            if found is not None:
                self._kept.move_to_end((key, tile))
            return found

    def make(self, order: TileOrder) -> bytes:
        """Return a tile.

        Raises
        ------
        TaskLostError
            The child died of the files, or needed too much memory.
        LookupError
            The frame has no such layer.
        DriverError, OSError, TransientError
            A file cannot be read.
        """
        made = self.find(order.source.key, order.tile)
        if made is None:
            made = self._child.ask(order)
            with self._lock:
                self._kept[order.source.key, order.tile] = made
                while sum(map(len, self._kept.values())) > _KEPT_BYTES:
                    self._kept.popitem(last=False)
        self._used_s = time.monotonic()
        return made

    def close_idle(self) -> None:
        """End the child if no tile was made for a while."""
        if time.monotonic() - self._used_s >= IDLE_S:
            self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a child, and in it a decoded picture."""
        return self._child.is_running

    def interrupt(self) -> None:
        """Give up the tile that is being made; callable from any thread."""
        self._child.interrupt()

    def close(self) -> None:
        """End the child."""
        self._child.close()
