"""Small pictures for the page, made from access images and masks in a child process of limited memory.

The service itself decodes nothing: a file in the archive may have been changed by anybody who can write there.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PIL import Image

from filmscand.daemon.cleaning.mask_colour import coloured
from filmscand.daemon.cleaning.turning import turned
from filmscand.daemon.core.description.orientation import UPRIGHT, Orientation
from filmscand.daemon.core.limited_process import LimitedProcess

# A tile of the contact sheet on a screen of two pixels for each dot.
THUMBNAIL_PX: Final = 480
# As large as the picture can be shown on a screen of 4K, and each pixel of the mask is still to be seen.
OVERLAY_PX: Final = 2000
# 24 megapixels of a mask, decoded, and its smaller copy.
_MEMORY_BYTES: Final = 256 << 20
_LIMIT_S: Final = 20.0
# A contact sheet of 4,000 frames shows a few hundred at once; together about 15 MB.
_KEPT: Final = 600


class Small(StrEnum):
    """Which small picture is wanted."""

    THUMBNAIL = "thumbnail"
    OVERLAY = "overlay"
    # As large as the access image, only turned.
    VIEW = "view"


MEDIA_TYPES: Final = {Small.THUMBNAIL: "image/jpeg", Small.OVERLAY: "image/png", Small.VIEW: "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to make smaller: the content of its file, which small picture is wanted, and how it is turned."""

    kind: Small
    content: bytes
    turned: Orientation = UPRIGHT


def make_small(order: Order) -> bytes:
    """Return the small picture (the task of the child).

    A thumbnail is a JPEG of the access image. An overlay is a transparent PNG in which every defect of the mask is
    coloured; of the pixels that fall together the brightest counts, so that a speck of one pixel is not lost.
    """
    out = io.BytesIO()
    with Image.open(io.BytesIO(order.content), formats=["JPEG", "PNG"]) as image:
        if order.kind is Small.THUMBNAIL:
            # The decoder itself leaves out what is not needed: 8 times faster than decoding all.
            image.draft("RGB", (THUMBNAIL_PX, THUMBNAIL_PX))
            small = image.convert("RGB")
            small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
            turned(small, order.turned).save(out, "JPEG", quality=80)
        elif order.kind is Small.VIEW:
            turned(image.convert("RGB"), order.turned).save(out, "JPEG", quality=90)
        else:
            turned(_overlay(image.convert("L")), order.turned).save(out, "PNG", compress_level=3)
    return out.getvalue()


def _overlay(mask: Image.Image) -> Image.Image:
    from PIL import ImageFilter

    factor = max(1, round(max(mask.size) / OVERLAY_PX))
    if factor > 1:
        # Brightest of each neighbourhood, then one sample of each.
        mask = mask.filter(ImageFilter.MaxFilter(factor if factor % 2 else factor + 1))
        size = (max(1, mask.width // factor), max(1, mask.height // factor))
        mask = mask.resize(size, Image.Resampling.NEAREST)
    return coloured(mask)


_Key = tuple[str, Small, Orientation]


class SmallPictures:
    """Makes small pictures one after another, and keeps the last ones. Safe to use from any thread that stays alive.

    The child dies with the thread that started it.
    """

    def __init__(self) -> None:
        self._child = LimitedProcess(make_small, _MEMORY_BYTES, _LIMIT_S)
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()

    def find(self, sha256: str, kind: Small, turned: Orientation = UPRIGHT) -> bytes | None:
        """Return a small picture that was made before."""
        key = (sha256, kind, turned)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def make(self, sha256: str, order: Order) -> bytes:
        """Return a small picture; `sha256` names the content.

        Raises
        ------
        TaskLostError
            The child died of the file.
        OSError
            The file is no picture.
        """
        made = self.find(sha256, order.kind, order.turned)
        if made is None:
            made = self._child.ask(order)
            if order.kind is Small.VIEW:
                # Too large to keep hundreds of them; the browser keeps it.
                return made
            with self._lock:
                self._kept[sha256, order.kind, order.turned] = made
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return made

    def close(self) -> None:
        """End the child."""
        self._child.close()
