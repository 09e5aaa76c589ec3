"""What an exported picture says of itself: title, caption, date, scanner, for photo programs (EXIF and XMP).

The date is the one that a person typed for the frame, else that of the scan. Photo programs sort by a whole date and
time, and know no other: of 1974-07 they get its first second, and the typed date itself stands beside it (`dc:date`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image

from filmscand.daemon.archive.frames.encode import exif_of
from filmscand.daemon.archive.frames.metadata import FileTitle, clean_title, original_title, program
from filmscand.daemon.archive.frames.xmp import DC, EXIF, PHOTOSHOP, TIFF, XMP, XMP_MM, XmpPacket
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.core.description.dates import first_moment
from filmscand.daemon.core.description.record import NOTHING
from filmscand.daemon.core.request import Role
from filmscand.drivers.files.writer import TiffTags

# `2026-11-29T10:00:00`, before a zone.
_SECONDS: Final = 19
_ZONES: Final = (
    ExifTags.Base.OffsetTime,
    ExifTags.Base.OffsetTimeOriginal,
    ExifTags.Base.OffsetTimeDigitized,
)


@dataclass(frozen=True, slots=True)
class PictureTexts:
    """The texts of an exported picture.

    Attributes
    ----------
    title : str
        Name of the roll and number of the frame.
    caption : str
        What a person wrote about it; the name of the frame where nobody wrote anything.
    taken : str or None
        When it was taken, ISO 8601 to the second, with a zone if it is known.
    typed_date : str or None
        The date as it was typed.
    """

    title: str
    caption: str
    taken: str | None
    typed_date: str | None


def texts_of(sidecar: Sidecar, roll_title: str) -> PictureTexts:
    """Return the texts of a frame; `roll_title` is the name of its roll for people."""
    description = sidecar.description or NOTHING
    scanned = sidecar.capture.captured_at
    typed = None if description.date is None else first_moment(description.date)
    return PictureTexts(
        title=f"{roll_title}, {sidecar.frame.number}",
        caption=description.caption or str(sidecar.frame_id),
        taken=typed or (None if scanned is None else scanned.isoformat(timespec="seconds")),
        typed_date=description.date,
    )


def tags_of(sidecar: Sidecar, texts: PictureTexts, role: Role, file: str, icc_profile: bytes | None) -> TiffTags:
    """Return the tags of an exported file.

    Parameters
    ----------
    role : Role
        Which file of the frame it was made from.
    file : str
        Its name, with its ending.
    """
    info = sidecar.capture
    return TiffTags(
        # Other letters are in the XMP packet; a program that finds no description here looks there.
        description=texts.caption if texts.caption.isascii() else None,
        document_name=Path(file).stem,
        make=_only_ascii(info.make),
        model=_only_ascii(info.model),
        software=program(),
        captured_at=info.captured_at,
        resolution_dpi=info.resolution_dpi,
        icc_profile=icc_profile,
        xmp=_xmp(sidecar, texts, role, file),
    )


def exif_for_photos(tags: TiffTags, texts: PictureTexts, shape: tuple[int, int]) -> Image.Exif:
    """Return the EXIF tags of an exported JPEG of this many rows and columns."""
    exif = exif_of(tags, shape)
    # In UTF-8, as photo programs write and read it, whatever EXIF before 3.0 says.
    exif[ExifTags.Base.ImageDescription] = texts.caption.encode()
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    if texts.taken is not None:
        photo[ExifTags.Base.DateTimeOriginal] = texts.taken[:_SECONDS].replace("-", ":").replace("T", " ")
        for tag in _ZONES:
            # Some programs take the zone of any of the three for the time when it was taken.
            photo.pop(tag, None)
        zone = texts.taken[_SECONDS:].replace("Z", "+00:00")
        if zone:
            photo[ExifTags.Base.OffsetTimeOriginal] = zone
    return exif


def _xmp(sidecar: Sidecar, texts: PictureTexts, role: Role, file: str) -> bytes:
    info, frame = sidecar.capture, sidecar.frame_id
    packet = XmpPacket()
    packet.add(DC, "identifier", str(frame))
    packet.add_alternative("title", texts.title)
    packet.add_alternative("description", texts.caption)
    if texts.typed_date is not None:
        packet.add_list("date", texts.typed_date)
    packet.add(EXIF, "DateTimeOriginal", texts.taken)
    packet.add(PHOTOSHOP, "DateCreated", texts.taken)
    if info.captured_at is not None:
        scanned = info.captured_at.isoformat(timespec="seconds")
        packet.add(EXIF, "DateTimeDigitized", scanned)
        packet.add(XMP, "CreateDate", scanned)
    packet.add(XMP, "CreatorTool", program())
    packet.add(PHOTOSHOP, "Source", info.software)
    packet.add(TIFF, "Make", info.make)
    packet.add(TIFF, "Model", info.model)
    packet.add(XMP_MM, "DocumentID", FileTitle(str(frame), file).document_id)
    origin = original_title(frame, "raw") if role is Role.RAW else clean_title(frame, sidecar.current.number)
    packet.add_origin(origin.document_id, origin.name)
    return packet.to_bytes()


def _only_ascii(text: str | None) -> str | None:
    return text.encode("ascii", "replace").decode() if text else None
