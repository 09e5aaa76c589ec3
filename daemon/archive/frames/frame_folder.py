"""The paths of one frame in the archive."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    FrameIdError,
    FrameMissingError,
    IntegrityError,
    storing,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.drivers.files.errors import SUFFIXES

# What the names of a frame's files end with, after `<roll>_<0007>_` and, for a revision's, `r<01>_`.
ORIGINAL_SUFFIXES: Final = {Role.RAW: "raw", Role.INFRARED: "ir"}
# The endings that an original can have. A checksum file or a note beside it has another one.
FILM_ENDINGS: Final = sorted(SUFFIXES | {".png", ".jpg", ".jpeg"})
REVISION_ENDINGS: Final = {Role.CLEAN: "clean.tif", Role.MASK: "mask.png", Role.ACCESS: "access.jpg"}


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """The folder of one frame, and where each of its files lies.

    Attributes
    ----------
    root : Path
        Top of the archive.
    frame : FrameId
        The frame.
    """

    root: Path
    frame: FrameId

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.root / self.frame.folder

    @property
    def sidecar(self) -> Path:
        """The sidecar: where it exists, the frame is complete."""
        return self.path / f"{self.frame.stem}.json"

    def original(self, role: Role) -> Path | None:
        """Return the raw or infrared file as it is on the disk, None where there is none.

        This is for frames of which nothing is recorded yet. Afterwards the recorded name counts: `recorded`.

        Raises
        ------
        ArchiveUnwritableError
            The folder cannot be read.
        IntegrityError
            Two files could be the original.
        """
        with storing(self.path, "read"):
            targets = (self.original_target(role, ending) for ending in FILM_ENDINGS)
            found = [target for target in targets if os.path.lexists(target)]
        if len(found) > 1:
            names = " and ".join(target.name for target in found)
            raise IntegrityError(f"{self.path}: expected one {role} file, found {names}; remove the one that is wrong")
        return found[0] if found else None

    def recorded(self, files: Iterable[StoredFile], role: Role) -> Path | None:
        """Return where the original lies that a record names, None where the record names none.

        Raises
        ------
        IntegrityError
            The recorded name leads out of the frame's folder.
        """
        for file in files:
            if file.role is role:
                self.require_own(file)
                return self.path / file.name
        return None

    def require_own(self, file: StoredFile) -> None:
        """Require that a recorded name is the name of a file of this frame.

        Raises
        ------
        IntegrityError
            It is another frame's, or leads out of the frame's folder.
        """
        if not file.name.startswith(f"{self.frame.stem}_") or "/" in file.name or "\0" in file.name:
            raise IntegrityError(
                f"{self.sidecar}: expected names that begin with {self.frame.stem}_, found {file.name!r}"
            )

    def raw(self) -> Path:
        """Return the raw file as it is on the disk.

        Raises
        ------
        FrameMissingError
            The folder has no raw file.
        ArchiveUnwritableError
            The folder itself is missing: the archive's disk is most likely not mounted.
        """
        found = self.original(Role.RAW)
        if found is not None:
            return found
        if not self.path.is_dir():
            raise ArchiveUnwritableError(
                f"{self.path}: expected the frame's folder, found none; is the archive mounted?"
            )
        raise FrameMissingError(f"{self.path}: expected {self.frame.stem}_raw.*, found no such file")

    def original_target(self, role: Role, ending: str) -> Path:
        """Return where an original with this file ending (".tif", ".dng" ...) is to be stored."""
        return self.path / f"{self.frame.stem}_{ORIGINAL_SUFFIXES[role]}{ending}"

    def revision_files(self, number: int) -> dict[Role, Path]:
        """Return where the three files of revision `number` (from 1) are stored."""
        return {role: self.path / f"{self.frame.stem}_r{number:02d}_{end}" for role, end in REVISION_ENDINGS.items()}


def frames_of(root: Path, roll: Path) -> Iterator[FrameId]:
    """Yield every frame that has a folder in a roll, sorted; `roll` is a path in the archive `root`."""
    for folder in sorted((roll / "data").glob("*_[0-9][0-9][0-9][0-9]")):
        try:
            yield FrameId.from_folder(folder.relative_to(root))
        except FrameIdError:
            continue
