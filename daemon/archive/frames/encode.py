"""Writes the 8-bit files of a revision: defect mask and access image."""

from __future__ import annotations

import struct
from functools import cache
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms

from filmscand.drivers.files.writer import TiffTags

JPEG_QUALITY: Final = 90
# Exif 2.32, ColorSpace.
_SRGB: Final = 1


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


def write_access_jpeg(file: BinaryIO, srgb: npt.NDArray[np.uint8], tags: TiffTags) -> None:
    """Write an access image as a JPEG with an sRGB profile.

    Parameters
    ----------
    file : BinaryIO
        The open file; it is written from front to back.
    srgb : (rows, cols, 3) ndarray of uint8
        sRGB, 0..255.
    tags : TiffTags
        Title, maker, model, software and time as EXIF, the packet as XMP, and the resolution. The colour profile is not
        taken from them: it is always sRGB.
    """
    write_jpeg(file, Image.fromarray(srgb), tags, exif_of(tags, srgb.shape[:2]), JPEG_QUALITY)


def write_jpeg(file: BinaryIO, picture: Image.Image, tags: TiffTags, exif: Image.Exif, quality: int) -> None:
    """Write an sRGB picture as a JPEG with its colours at full size; XMP and resolution are those of the tags."""
    dpi = {} if tags.resolution_dpi is None else {"dpi": (round(tags.resolution_dpi), round(tags.resolution_dpi))}
    xmp = {} if tags.xmp is None else {"xmp": tags.xmp}
    options = {"quality": quality, "subsampling": 0, "icc_profile": srgb_profile(), "exif": exif}
    picture.save(file, "JPEG", **options, **dpi, **xmp)


def exif_of(tags: TiffTags, shape: tuple[int, ...]) -> Image.Exif:
    """Return the EXIF tags of an sRGB picture of this many rows and columns."""
    exif = Image.Exif()
    taken = tags.captured_at.strftime("%Y:%m:%d %H:%M:%S") if tags.captured_at else None
    texts = {
        ExifTags.Base.DocumentName: tags.document_name,
        ExifTags.Base.ImageDescription: tags.description,
        ExifTags.Base.Make: tags.make,
        ExifTags.Base.Model: tags.model,
        ExifTags.Base.Software: tags.software,
        ExifTags.Base.DateTime: taken,
    }
    for tag, text in texts.items():
        if text:
            exif[tag] = text
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.ExifVersion: b"0232",
            ExifTags.Base.ColorSpace: _SRGB,
            ExifTags.Base.ExifImageWidth: shape[1],
            ExifTags.Base.ExifImageHeight: shape[0],
        }
    )
    if taken:
        # Photo managers sort by these two: when the frame was scanned is all that is known of its date.
        times: dict[int, str] = {ExifTags.Base.DateTimeOriginal: taken, ExifTags.Base.DateTimeDigitized: taken}
        # Without the zone, a time in UTC would count as local time.
        zone = tags.captured_at.isoformat()[-6:] if tags.captured_at and tags.captured_at.tzinfo else None
        zones = (ExifTags.Base.OffsetTime, ExifTags.Base.OffsetTimeOriginal, ExifTags.Base.OffsetTimeDigitized)
        exif.get_ifd(ExifTags.IFD.Exif).update(times)
        if zone:
            exif.get_ifd(ExifTags.IFD.Exif).update(dict.fromkeys(zones, zone))
    return exif


@cache
def srgb_profile() -> bytes:
    """Return an sRGB profile (ICC), always the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Little CMS writes the current time into bytes 24 to 35; the same picture has to give the same file.
    profile[24:36] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
    return bytes(profile)


@cache
def linear_profile() -> bytes:
    """Return a colour profile (ICC 2.4) of counts that are proportional to light, with the primaries of sRGB.

    The scanner's own primaries are not known. What the profile is for is the curve: without one a program takes the
    counts for encoded ones, and shows a linear scan nearly black.
    """
    profile = srgb_profile()
    count = struct.unpack_from(">I", profile, 128)[0]
    found = (struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(count))
    tags = {name: profile[at : at + size] for name, at, size in found}
    # A curve of no entries is the identity (ICC.1:2022, 10.6).
    curve = b"curv" + bytes(8)
    kept = {name: tags[name] for name in (b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ")}
    text = b"Linear light, sRGB primaries"
    kept[b"cprt"] = b"text" + bytes(4) + b"No copyright, use freely\0"
    # Of the description's three forms (ASCII, Unicode, Macintosh) the last two are empty.
    kept[b"desc"] = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)
    kept |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile_of(profile, kept)


def _profile_of(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(value))
        body += value.ljust(-(-len(value) // 4) * 4, b"\0")
    start = bytearray(header[:128])
    start[:4] = struct.pack(">I", at + len(body))
    start[8:12] = bytes.fromhex("02400000")
    # The digest of another profile (bytes 84 to 99) is not this one's.
    start[84:100] = bytes(16)
    return bytes(start) + table + body
