"""A sealed roll of the archive, as it is to be copied: its files with their SHA-512, in the order of sending."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.records.bag import DECLARATION, DECLARED, INFO, MANIFEST, TAG_MANIFEST, read_manifest
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.replication.store import RollChangingError

# What makes a bag of the files comes after them, and the declaration by itself after everything.
_LAST: Final = (INFO, MANIFEST, TAG_MANIFEST, DECLARATION)


@dataclass(frozen=True, slots=True)
class BagFile:
    """A file of a bag: its path below the roll, its size, and the SHA-512 that the bag's manifests say."""

    path: str
    size_bytes: int
    sha512: str


@dataclass(frozen=True, slots=True)
class SealedRoll:
    """A sealed roll.

    Attributes
    ----------
    roll : str
        `collection/box/roll`.
    generation : str
        SHA-256 of its tag manifest.
    files : tuple of BagFile
        Its files in the order of sending: payload, metadata, manifests; `bagit.txt` is not among them.
    """

    roll: str
    generation: str
    files: tuple[BagFile, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size_bytes for file in self.files)


def read_sealed_roll(archive: Path, roll: str) -> SealedRoll:
    """Return a sealed roll as its manifests describe it; no file of the payload is read.

    Raises
    ------
    RollChangingError
        It has no `bagit.txt` now, or was sealed again while it was read.
    IntegrityError
        A manifest is damaged, or a file that it names is gone.
    ArchiveUnwritableError
        The archive does not answer.
    """
    folder = archive / roll
    tags = _tag_file(folder / TAG_MANIFEST)
    try:
        if _tag_file(folder / DECLARATION) != DECLARED:
            raise IntegrityError(f"{folder / DECLARATION}: expected the mark of a sealed roll, found another content")
        listed = {**_listed(folder, MANIFEST), **_listed(folder, TAG_MANIFEST)}
        del listed[DECLARATION]
        listed[TAG_MANIFEST] = hashlib.sha512(tags).hexdigest()
        if hashlib.sha512(_tag_file(folder / MANIFEST)).hexdigest() != listed[MANIFEST]:
            raise IntegrityError(f"{folder / MANIFEST}: differs from what {TAG_MANIFEST} says")
        files = tuple(_files(folder, listed))
    except (IntegrityError, KeyError) as error:
        if _tag_file(folder / TAG_MANIFEST) != tags:
            raise RollChangingError(f"{folder}: the roll was sealed again just now") from error
        if isinstance(error, KeyError):
            raise IntegrityError(f"{folder / TAG_MANIFEST}: names no {error.args[0]}") from error
        raise
    return SealedRoll(roll, hashlib.sha256(tags).hexdigest(), files)


def generation_of(archive: Path, roll: str) -> str | None:
    """Return the generation of a sealed roll now; None while it is not sealed."""
    try:
        _tag_file(archive / roll / DECLARATION)
        return hashlib.sha256(_tag_file(archive / roll / TAG_MANIFEST)).hexdigest()
    except RollChangingError:
        return None


def listed_in(manifests: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the SHA-512 of every file that a bag's manifests list; empty where they do not belong together.

    Parameters
    ----------
    manifests : mapping of str to bytes or None
        Content of the two manifests by their names; None for one that is missing.
    """
    payload, tags = manifests[MANIFEST], manifests[TAG_MANIFEST]
    if payload is None or tags is None:
        return {}
    try:
        listed = {**_read(payload), **_read(tags)}
    except ValueError:
        return {}
    if listed.get(MANIFEST) != hashlib.sha512(payload).hexdigest():
        return {}
    return {**listed, TAG_MANIFEST: hashlib.sha512(tags).hexdigest()}


def _read(manifest: bytes) -> dict[str, str]:
    return {str(path): sha512 for path, sha512 in read_manifest(manifest, Path()).items()}


def _listed(folder: Path, name: str) -> dict[str, str]:
    try:
        return _read(_tag_file(folder / name))
    except ValueError as error:
        raise IntegrityError(f"{folder / name}: {error}") from error


def _tag_file(path: Path) -> bytes:
    with storing(path, "read"):
        try:
            return read_plain(path)
        except FileNotFoundError as error:
            raise RollChangingError(
                f"{path}: missing; the roll is not sealed, or is just being sealed again"
            ) from error


def _files(folder: Path, listed: Mapping[str, str]) -> Iterator[BagFile]:
    for path in sorted(listed, key=lambda path: (_place(path), path)):
        with storing(folder / path, "read"):
            try:
                size_bytes = (folder / path).lstat().st_size
            except FileNotFoundError as error:
                raise IntegrityError(f"{folder / path}: missing, and a manifest of its roll names it") from error
        yield BagFile(path, size_bytes, listed[path])


def _place(path: str) -> int:
    if path.startswith("data/"):
        return 0
    return 2 + _LAST.index(path) if path in _LAST else 1
