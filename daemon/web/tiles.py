"""Tiles of frames for the page, made in a child process on demand; the last ones are kept.

The child keeps the picture that was looked at last, decoded, and ends when nobody looks any more. The service itself
holds only finished tiles.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.cleaning.deep_zoom import Tile, ZoomPicture, ZoomSource
from filmscand.daemon.core.limited_process import LimitedProcess

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
    """A tile to make, and the files that it is made from."""

    source: ZoomSource
    tile: Tile


# The picture of the child's last tile.
_open_picture: dict[str, ZoomPicture] = {}


def prepare_child() -> None:
    """Load what a tile needs, before the child's memory is limited."""
    import numba

    os.nice(_BEHIND_SCANNING)
    numba.set_num_threads(1)


def make_tile(order: TileOrder) -> bytes:
    """Return a tile (the task of the child)."""
    picture = _open_picture.get(order.source.key)
    if picture is None:
        # First of all its memory is free again.
        _open_picture.clear()
        picture = _open_picture[order.source.key] = ZoomPicture(order.source)
    return picture.tile(order.tile)


class Tiles:
    """Makes tiles one after another, and keeps the last ones. Call `make` and `close_idle` from one thread only.

    The child dies with the thread that started it.
    """

    def __init__(self) -> None:
        self._child = LimitedProcess(make_tile, _MEMORY_BYTES, _LIMIT_S, prepare_child)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Tile], bytes] = OrderedDict()
        self._used_s = 0.0

    def find(self, key: str, tile: Tile) -> bytes | None:
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

    def close(self) -> None:
        """End the child."""
        self._child.close()
