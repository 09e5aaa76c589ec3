"""Tags and XMP packet of the archive's TIFF files; the same frame gets the same ones each time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from filmscand.daemon.archive.frames.encode import linear_profile
from filmscand.daemon.archive.frames.xmp import DC, PHOTOSHOP, TIFF, XMP, XMP_MM, XmpPacket
from filmscand.daemon.core.frame_id import FrameId
from filmscand.drivers.base import Capture, CaptureInfo
from filmscand.drivers.files.writer import TiffTags

if TYPE_CHECKING:
    from filmscand.ir.identity import EngineIdentity

# Never changes: a file that is made again has to get the same UUID, and name its origin by the same UUID.
_NAMESPACE: Final = uuid.UUID("6f0d5b0e-5f0a-5f55-9d0c-0e8f3d2b7c11")


@dataclass(frozen=True, slots=True)
class FileTitle:
    """The permanent name of a file; unlike its path it stays the same wherever the file is copied.

    Attributes
    ----------
    frame : str
        Name of the frame, unique in the archive.
    name : str
        Name of the file, without ending.
    """

    frame: str
    name: str

    @property
    def document_id(self) -> str:
        """UUID derived from the name: the same file has the same UUID each time it is made."""
        return f"uuid:{uuid.uuid5(_NAMESPACE, f'{self.frame}/{self.name}')}"


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a derived file was made from, and a sentence about how."""

    title: FileTitle
    instructions: str


def original_title(frame: FrameId, suffix: str) -> FileTitle:
    """Return the name of a frame's `raw` or `ir` file."""
    return FileTitle(str(frame), f"{frame.stem}_{suffix}")


def clean_title(frame: FrameId, revision: int) -> FileTitle:
    """Return the name of a frame's cleaned picture."""
    return FileTitle(str(frame), f"{frame.stem}_r{revision:02d}_clean")


def access_title(frame: FrameId, revision: int) -> FileTitle:
    """Return the name of a frame's access image."""
    return FileTitle(str(frame), f"{frame.stem}_r{revision:02d}_access")


def capture_tags(title: FileTitle, capture: Capture, *, colour: bool) -> TiffTags:
    """Return the tags of a file as captured.

    Parameters
    ----------
    colour : bool
        True for the picture; False for the infrared plane, which gets no colour profile.
    """
    return _tags(title, capture.info, None, capture.icc_profile if colour else None)


@dataclass(frozen=True, slots=True)
class CleanedBy:
    """What cleaned a picture: engine, sensitivity (0..1), and the command that filled the defects, if one did."""

    engine: EngineIdentity
    sensitivity: float
    healer: str | None = None

    def __str__(self) -> str:
        engine = f"by filmscand, engine {self.engine.label}, sensitivity {self.sensitivity:g}"
        if self.healer is None:
            return f"Dust and scratches removed {engine}."
        return f"Dust and scratches found {engine}, and removed by `{self.healer}`."


def clean_tags(title: FileTitle, raw: FileTitle, capture: Capture, by: CleanedBy) -> TiffTags:
    """Return the tags of a cleaned picture, which name the raw file and what cleaned it."""
    instructions = f"{by} Pixels outside the defect mask are as captured."
    return _tags(title, capture.info, Origin(raw, instructions), _clean_profile(capture))


def access_tags(title: FileTitle, clean: FileTitle, capture: Capture) -> TiffTags:
    """Return the tags of an access image, which name the cleaned picture that it was made from.

    Its XMP says what photo managers show: title, description, date, scanner and program.
    """
    instructions = "Made for viewing from the cleaned picture, at most 3000 samples on the long side."
    tags = _tags(title, capture.info, Origin(clean, instructions), None)
    return replace(tags, xmp=_xmp(title, capture.info, Origin(clean, instructions), for_viewers=True))


def _clean_profile(capture: Capture) -> bytes | None:
    """Return the profile of the scan; a scan that is known to be linear and has none gets that of linear light."""
    return capture.icc_profile or (linear_profile() if capture.info.linear else None)


def _tags(title: FileTitle, info: CaptureInfo, origin: Origin | None, icc_profile: bytes | None) -> TiffTags:
    return TiffTags(
        description=_ascii(title.frame),
        document_name=_ascii(title.name),
        make=_ascii(info.make),
        model=_ascii(info.model),
        software=program(),
        captured_at=info.captured_at,
        resolution_dpi=info.resolution_dpi,
        icc_profile=icc_profile,
        xmp=_xmp(title, info, origin),
    )


def _ascii(text: str | None) -> str | None:
    return text.encode("ascii", "replace").decode() if text else None


def _xmp(title: FileTitle, info: CaptureInfo, origin: Origin | None, *, for_viewers: bool = False) -> bytes:
    packet = XmpPacket()
    packet.add(DC, "identifier", title.name)
    packet.add_alternative("title", title.name)
    if info.captured_at is not None:
        packet.add(XMP, "CreateDate", info.captured_at.isoformat(timespec="seconds"))
    packet.add(PHOTOSHOP, "Source", info.software)
    if for_viewers:
        _add_for_viewers(packet, title, info)
    packet.add(XMP_MM, "DocumentID", title.document_id)
    if origin is not None:
        packet.add_origin(origin.title.document_id, origin.title.name)
        packet.add(PHOTOSHOP, "Instructions", origin.instructions)
    return packet.to_bytes()


def _add_for_viewers(packet: XmpPacket, title: FileTitle, info: CaptureInfo) -> None:
    packet.add_alternative("description", title.frame)
    packet.add(XMP, "CreatorTool", program())
    if info.captured_at is not None:
        packet.add(PHOTOSHOP, "DateCreated", info.captured_at.isoformat(timespec="seconds"))
    packet.add(TIFF, "Make", info.make)
    packet.add(TIFF, "Model", info.model)


def program() -> str:
    """Return name and version of this program."""
    return f"filmscand {version('filmscand')}"
