"""What a sealed roll takes: nothing new ever, and revisions of its frames while it is reopened.

    open --seal--> sealed, generation 1 --reopen--> reopened --seal again--> sealed, generation 2 --reopen--> ...

`bagit.txt` tells that a roll was sealed; it stays from then on. `reopened.json` tells that its frames get revisions and
that its manifests lag behind. It is the first file that is written when a roll is reopened and the last that goes when
the roll is sealed again, so whatever a killed process leaves in between belongs to a roll that is sealed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.records.bag import (
    DECLARATION,
    algorithms_of,
    digests_of,
    past_generations,
    past_name,
    tag_manifest_name,
)
from filmscand.daemon.core.errors import IntegrityError, RollSealedError, SchemaTooNewError, storing
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import Record
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.station.bag import DigestAlgorithm

SCHEMA_VERSION: Final = 1
# Tells of a roll's folder, relative to the archive, whether the station remembers that the roll was sealed.
WasSealed = Callable[[Path], bool]


class Reopening(Record):
    """The content of `reopened.json`.

    Attributes
    ----------
    generation : int
        The generation that was valid when the roll was reopened.
    tag_manifests : dict of str to str
        SHA-512 of each tag manifest of that generation, by its name.
    events_bytes : int
        Size of `events.jsonl` at that moment; the file only grows.
    """

    schema_version: int = SCHEMA_VERSION
    generation: int = Field(ge=1)
    tag_manifests: dict[str, str]
    events_bytes: int = Field(ge=0)

    def to_json(self) -> bytes:
        """Return the bytes of the file: sorted keys, two spaces, a newline at the end."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()


def is_marked_sealed(root: ArchiveRoot, roll: Path) -> bool:
    """Return whether a roll has the mark of a sealed one; `roll` is relative to the archive."""
    with storing(root.path / roll / DECLARATION, "read"), root.reading() as top:
        return os.path.lexists(top / roll / DECLARATION)


def is_reopened(root: ArchiveRoot, roll: Path) -> bool:
    """Return whether a sealed roll takes revisions of its frames."""
    with storing(root.path / roll / REOPENED, "read"), root.reading() as top:
        return os.path.lexists(top / roll / REOPENED)


def require_open(root: ArchiveRoot, roll: Path, was_sealed: WasSealed | None) -> None:
    """Require that a roll takes new frames: it was never sealed.

    Raises
    ------
    RollSealedError
        The roll is sealed, or lost the mark of it.
    """
    if is_marked_sealed(root, roll):
        raise RollSealedError(f"{root.path / roll}: the roll is sealed and takes nothing more")
    require_mark(root, roll, was_sealed)


def require_mark(root: ArchiveRoot, roll: Path, was_sealed: WasSealed | None) -> None:
    """Require that a roll which was sealed has the mark of it.

    Raises
    ------
    RollSealedError
        It lost the mark.
    """
    if was_sealed is not None and was_sealed(roll) and not is_marked_sealed(root, roll):
        raise RollSealedError(
            f"{root.path / roll / DECLARATION}: this file is gone, but the roll was sealed and takes nothing more; "
            "restore the file from a copy of the archive, and run filmscand verify"
        )


def require_revisable(root: ArchiveRoot, roll: Path, was_sealed: WasSealed | None) -> None:
    """Require that the files of a roll's frames may be written now: the roll is open, or reopened.

    Raises
    ------
    RollSealedError
        It is sealed and not reopened, or lost the mark.
    """
    if is_reopened(root, roll):
        require_mark(root, roll, was_sealed)
    else:
        require_open(root, roll, was_sealed)


def generation_of(bag: Path) -> int:
    """Return the number of a bag's newest generation, from 1."""
    return max(past_generations(bag), default=0) + 1


def read_reopening(bag: Path) -> Reopening | None:
    """Return what was noted when a roll was reopened, None if it is not reopened.

    Raises
    ------
    IntegrityError
        The note cannot be read.
    """
    path = bag / REOPENED
    try:
        noted = Reopening.model_validate_json(read_plain(path))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise IntegrityError(f"{path}: expected the note of a reopened roll, found: {error}") from error
    if noted.schema_version > SCHEMA_VERSION:
        raise SchemaTooNewError(f"{path}: expected the note of a reopened roll", SCHEMA_VERSION, noted.schema_version)
    return noted


def tag_manifest_digests(bag: Path) -> dict[str, str]:
    """Return the SHA-512 of each tag manifest of a bag, by its name."""
    names = [tag_manifest_name(algorithm) for algorithm in algorithms_of(bag)]
    return {name: _sha512(bag / name) for name in names}


def past_tag_manifest(bag: Path, noted: Reopening, name: str) -> Path:
    """Return where a tag manifest of the generation that was reopened lies now: in its place, or in `history/`.

    Raises
    ------
    IntegrityError
        Neither file is the one that was noted.
    """
    for path in (bag / past_name(name, noted.generation), bag / name):
        if os.path.lexists(path) and _sha512(path) == noted.tag_manifests.get(name):
            return path
    raise IntegrityError(
        f"{bag / name}: expected the tag manifest of generation {noted.generation}, found another one; restore it from "
        "a copy of the archive"
    )


def _sha512(path: Path) -> str:
    with storing(path, "read"):
        return digests_of(path, (DigestAlgorithm.SHA512,))[DigestAlgorithm.SHA512]
