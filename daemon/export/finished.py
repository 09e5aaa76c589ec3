"""The finished picture of a frame, and how it is written as JPEG, as 16-bit TIFF, and as raw TIFF with infrared."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from filmscand.daemon.archive.files.atomic_file import Writer
from filmscand.daemon.archive.files.source_file import open_below
from filmscand.daemon.archive.frames.encode import linear_profile, srgb_profile, write_jpeg
from filmscand.daemon.archive.frames.frame_folder import FrameFolder
from filmscand.daemon.archive.frames.verify_frame import check_file
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.cleaning.access_image import Rendering, rendering_of
from filmscand.daemon.cleaning.access_tones import PictureProperties
from filmscand.daemon.cleaning.turning import turned
from filmscand.daemon.core.decision import Verdict, verdict_of
from filmscand.daemon.core.description.orientation import Orientation
from filmscand.daemon.core.errors import DaemonError, FrameMissingError, IntegrityError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.request import CleanOutcome, Role
from filmscand.daemon.export.tags import PictureTexts, exif_for_photos, tags_of
from filmscand.drivers.base import Capture
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.files.writer import write_tiff

# At 95 with full colour the differences to the picture lie below the grain of film; 90 shows in smooth skies once the
# picture is edited again, and 98 has twice the size. The quality is that of libjpeg.
JPEG_QUALITY: Final = 95
# Where the name of the colour space stands in a profile (ICC.1:2022, 7.2).
_SPACE: Final = slice(16, 20)

Rgb16 = npt.NDArray[np.uint16]


class NoInfraredError(DaemonError):
    """The frame was scanned without infrared: export it in another format."""


class PictureFormat(StrEnum):
    """As what a frame is given away."""

    JPEG = "jpeg"
    TIFF = "tiff"
    RGBI = "rgbi"


# What the names of exported files end with, after `<roll>_<0007>`.
ENDINGS: Final = {PictureFormat.JPEG: ".jpg", PictureFormat.TIFF: ".tif", PictureFormat.RGBI: "_rgbi.tif"}


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """A frame to give away.

    Attributes
    ----------
    root : Path
        Top of the archive.
    sidecar : Sidecar
        Record of the frame.
    texts : PictureTexts
        What the file says of itself.
    format : PictureFormat
        As what.
    file : str
        Name of the exported file, with its ending.
    """

    root: Path
    sidecar: Sidecar
    texts: PictureTexts
    format: PictureFormat
    file: str

    @property
    def role(self) -> Role:
        """Which file of the frame it is made from."""
        return Role.RAW if self.format is PictureFormat.RGBI else finished_role(self.sidecar)


def finished_role(sidecar: Sidecar) -> Role:
    """Return which picture of a frame is the finished one: raw where a person wants it or nothing was cleaned."""
    current = sidecar.current
    keep_raw = verdict_of(sidecar.decisions, current.number) is Verdict.KEEP_RAW
    return Role.RAW if keep_raw or current.outcome is CleanOutcome.UNCLEANED else Role.CLEAN


def picture_writer(order: PictureOrder) -> Writer:
    """Read a frame, and return what writes it in its format, front to back.

    Raises
    ------
    IntegrityError
        A file of the archive differs from its record: a damaged picture is not given away.
    FrameMissingError
        The frame's record names no such file.
    NoInfraredError
        It has no infrared.
    DriverError, OSError, TransientError
        A file of the archive cannot be read.
    """
    paths = _checked_files(order)
    fourth = order.sidecar.current.options.fourth_sample_is_infrared
    capture = read_capture(paths[Role.RAW], paths.get(Role.INFRARED), fourth_sample_is_infrared=fourth)
    if order.format is PictureFormat.RGBI:
        return _rgbi_writer(capture, order)
    clean = order.role is Role.CLEAN
    rgb = read_capture(paths[Role.CLEAN], fourth_sample_is_infrared=False).rgb if clean else capture.rgb
    rendering = _rendering(order.sidecar, capture, rgb)
    if order.format is PictureFormat.JPEG:
        return _jpeg_writer(rendering.applied_to(rgb), order)
    return _tiff_writer(rendering, rgb, order)


def _checked_files(order: PictureOrder) -> dict[Role, Path]:
    """Return the files that a format needs, each compared with its record."""
    folder = FrameFolder(order.root, order.sidecar.frame_id)
    files = order.sidecar.files_of(order.sidecar.current)
    needed = {Role.RAW, Role.INFRARED} | {order.role}
    if missing := {Role.RAW, order.role} - files.keys():
        raise FrameMissingError(f"{folder.sidecar}: expected the name of a file for {min(missing)}, found none")
    paths = {}
    for role, stored in files.items():
        if role in needed:
            folder.require_own(stored)
            # No link is followed below the archive.
            open_below(order.root, (order.sidecar.frame_id.folder / stored.name).as_posix()).close()
            problem = check_file(folder.path, stored, from_disk=False)
            if problem is not None:
                raise IntegrityError(f"{problem}; it is not given away. Run `filmscand verify`")
            paths[role] = folder.path / stored.name
    return paths


def _rendering(sidecar: Sidecar, capture: Capture, rgb: Rgb16) -> Rendering:
    """Return how the access image shows the frame: a negative loses its mask and is inverted."""
    info = sidecar.capture
    film = FilmKind.NEGATIVE if sidecar.is_inverted(sidecar.current) else FilmKind.UNKNOWN
    properties = PictureProperties(info.linear, film, capture.icc_profile, info.bits_per_sample)
    return rendering_of(rgb, properties, capture.infrared)


def _jpeg_writer(srgb: npt.NDArray[np.uint8], order: PictureOrder) -> Writer:
    picture = turned(Image.fromarray(srgb), order.sidecar.orientation)
    tags = tags_of(order.sidecar, order.texts, order.role, order.file, None)
    exif = exif_for_photos(tags, order.texts, (picture.height, picture.width))
    # Encoded here: what the encoder refuses is no fault of the disk.
    encoded = io.BytesIO()
    write_jpeg(encoded, picture, tags, exif, JPEG_QUALITY)
    return lambda out: out.write(encoded.getbuffer())


def _tiff_writer(rendering: Rendering, rgb: Rgb16, order: PictureOrder) -> Writer:
    """Return the writer of 16 bits: what is encoded for viewing keeps counts and profile, the rest becomes sRGB."""
    own = rendering.icc_profile
    # A grey scan is written as three channels; its profile is for one.
    profile = own if own is not None and own[_SPACE] == b"RGB " else srgb_profile()
    picture = turned_counts(rendering.in_16_bits(rgb), order.sidecar.orientation)
    tags = tags_of(order.sidecar, order.texts, order.role, order.file, profile)
    return lambda out: write_tiff(out, picture, tags)


def _rgbi_writer(capture: Capture, order: PictureOrder) -> Writer:
    if capture.infrared is None:
        raise NoInfraredError(f"{order.sidecar.frame_id}: there is no infrared to give away; choose --jpeg or --tiff")
    profile = capture.icc_profile or (linear_profile() if order.sidecar.capture.linear else None)
    planes = np.concatenate([capture.rgb, capture.infrared[..., None]], axis=2)
    tags = tags_of(order.sidecar, order.texts, order.role, order.file, profile)
    return lambda out: write_tiff(out, planes, tags)


def turned_counts(rgb: Rgb16, orientation: Orientation) -> Rgb16:
    """Return counts as an orientation shows them: mirrored, then turned clockwise."""
    shown = rgb[:, ::-1] if orientation.mirrored else rgb
    return np.ascontiguousarray(np.rot90(shown, -orientation.turn // 90))
