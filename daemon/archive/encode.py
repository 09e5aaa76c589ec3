"""Writes the 8-bit files of a revision: defect mask and access image."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

JPEG_QUALITY: Final = 90


def write_mask_png(file: BinaryIO, defect_mask: npt.NDArray[np.bool_]) -> None:
    """Write a defect mask as an 8-bit grey PNG: 255 where the picture was changed, else 0.

    Parameters
    ----------
    file : BinaryIO
        The open file; it is written from front to back.
    defect_mask : (rows, cols) ndarray of bool
        True for every pixel that was changed.
    """
    # Level 1 is enough: a mask is nearly all zeros, and the strongest level takes ten times as long.
    Image.fromarray(defect_mask.view(np.uint8) * np.uint8(255)).save(file, "PNG", compress_level=1)


def write_access_jpeg(file: BinaryIO, srgb: npt.NDArray[np.uint8], resolution_dpi: float | None) -> None:
    """Write an access image as a JPEG with an sRGB profile.

    Parameters
    ----------
    file : BinaryIO
        The open file; it is written from front to back.
    srgb : (rows, cols, 3) ndarray of uint8
        sRGB, 0..255.
    resolution_dpi : float or None
        Resolution of this image, samples per inch; None writes none.
    """
    dpi = {} if resolution_dpi is None else {"dpi": (round(resolution_dpi), round(resolution_dpi))}
    Image.fromarray(srgb).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, icc_profile=srgb_profile(), **dpi)


@cache
def srgb_profile() -> bytes:
    """Return an sRGB profile (ICC), always the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Little CMS writes the current time into bytes 24 to 35; the same picture has to give the same file.
    profile[24:36] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
    return bytes(profile)
