"""Writes a roll as a ZIP file: the same content gives the same bytes.

Every entry has the same date and the same rights, entries are in the order of their names, and nothing is compressed:
grain does not compress, and a later zlib would give other bytes.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import BinaryIO, Final, cast

from filmscand.daemon.export.roll_files import RollContent, copy_checked

# The first moment that a ZIP file can tell.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_RIGHTS: Final = (stat.S_IFREG | 0o644) << 16
_UNIX: Final = 3


def write_zip(out: BinaryIO, root: Path, content: RollContent) -> None:
    """Write the files of a roll below a folder with the roll's name.

    Parameters
    ----------
    out : BinaryIO
        The open file; it is written from front to back.
    root : Path
        Top of the archive.

    Raises
    ------
    IntegrityError, SourceChangedError, SourceUnreadableError
        See `copy_checked`.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for file in content.files:
            entry = zipfile.ZipInfo(f"{content.roll.name}/{file.name}", _DATE)
            entry.external_attr, entry.create_system, entry.file_size = _RIGHTS, _UNIX, file.digest.size_bytes
            with packed.open(entry, "w") as target:
                copy_checked(root, file, cast(BinaryIO, target))
