"""The three files of a revision, encoded and written side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.daemon.archive.files.atomic_file import publish_together
from filmscand.daemon.archive.frames.encode import write_access_jpeg, write_mask_png
from filmscand.daemon.archive.frames.frame_folder import FrameFolder
from filmscand.daemon.archive.records.sidecar import stored_file
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.drivers.files.writer import TiffTags, write_tiff


@dataclass(frozen=True, slots=True)
class RevisionContent:
    """The pictures of a new revision.

    Attributes
    ----------
    number : int
        Revision number, from 1.
    rgb : (rows, cols, 3) ndarray of uint16
        The cleaned picture.
    defect_mask : (rows, cols) ndarray of bool
        Every pixel that was changed.
    access : (rows, cols, 3) ndarray of uint8
        The access image, sRGB.
    tags : TiffTags
        Tags of the cleaned TIFF.
    access_tags : TiffTags
        Tags of the access image.
    """

    number: int
    rgb: npt.NDArray[np.uint16]
    defect_mask: npt.NDArray[np.bool_]
    access: npt.NDArray[np.uint8]
    tags: TiffTags
    access_tags: TiffTags


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """The files of a revision.

    Attributes
    ----------
    files : tuple of StoredFile
        The cleaned picture, the defect mask and the access image.
    seconds : dict of str to float
        Time to encode, write and sync each ("write_clean", "write_mask", "write_access"), seconds.
    """

    files: tuple[StoredFile, ...]
    seconds: dict[str, float]


def publish_revision(folder: FrameFolder, content: RevisionContent) -> StoredRevision:
    """Write the files of a revision into a frame's folder; existing files of these names are replaced.

    Raises
    ------
    StorageFullError, ArchiveUnwritableError
        The disk did not take one of them.
    """
    paths = folder.revision_files(content.number)
    done = publish_together(
        {
            paths[Role.CLEAN]: lambda file: write_tiff(file, content.rgb, content.tags),
            paths[Role.MASK]: lambda file: write_mask_png(file, content.defect_mask),
            paths[Role.ACCESS]: lambda file: write_access_jpeg(file, content.access, content.access_tags),
        }
    )
    files = tuple(stored_file(role, path, done[path][0]) for role, path in paths.items())
    return StoredRevision(files, {f"write_{role}": done[path][1] for role, path in paths.items()})
