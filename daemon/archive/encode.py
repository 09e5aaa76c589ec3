"""Writes the 8-bit files of a revision, front to back."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

JPEG_QUALITY: Final = 90


def write_mask_png(file: BinaryIO, defect_mask: npt.NDArray[np.bool_]) -> None:
    """Write a mask as 8-bit grey: 255 where the picture was changed, else 0."""
    # Fast compression is enough: a mask is nearly all zeros, and the strongest level takes ten times as long.
    Image.fromarray(defect_mask.view(np.uint8) * np.uint8(255)).save(file, "PNG", compress_level=1)


def write_access_jpeg(file: BinaryIO, srgb: npt.NDArray[np.uint8], resolution_dpi: float | None) -> None:
    """Write (rows, cols, 3) sRGB bytes as a JPEG that says so."""
    dpi = {} if resolution_dpi is None else {"dpi": (round(resolution_dpi), round(resolution_dpi))}
    Image.fromarray(srgb).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, icc_profile=srgb_profile(), **dpi)


@cache
def srgb_profile() -> bytes:
    """Return an sRGB profile; always the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Little CMS stamps the time of making into bytes 24 to 35; the same picture has to give the same file.
    profile[24:36] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
    return bytes(profile)
