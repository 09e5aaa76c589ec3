"""What the manifests of a bag name, wherever the bag lies: every file with its digest, and the bag's generation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.records.bag import (
    DECLARATION,
    DECLARED,
    manifest_name,
    read_manifest,
    tag_manifest_name,
)
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.station.sections.bag import DigestAlgorithm

# Returns the content of a file of the bag by its name, None where there is none.
Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class BagListing:
    """The files of a bag.

    Attributes
    ----------
    algorithm : DigestAlgorithm
        Algorithm of the digests, the strongest that the bag has.
    generation : str
        SHA-256 of the tag manifest: it is another one once the roll was sealed again.
    payload : mapping of str to str
        Digest of each file of the payload, by its path below the bag.
    tags : mapping of str to str
        The same for all other files; the tag manifest is among them, `bagit.txt` is not.
    """

    algorithm: DigestAlgorithm
    generation: str
    payload: Mapping[str, str]
    tags: Mapping[str, str]

    def digest(self, path: str) -> str | None:
        """Return the digest of a file, None for one that the bag does not name."""
        return self.payload.get(path) or self.tags.get(path)


def read_listing(read: Read) -> BagListing | None:
    """Return what the manifests of a bag name; None where there is no tag manifest.

    Raises
    ------
    ValueError
        A manifest is missing or damaged, or they do not belong together.
    """
    for algorithm in DigestAlgorithm:
        name, of_payload = tag_manifest_name(algorithm), manifest_name(algorithm)
        content = read(name)
        if content is None:
            continue
        tags = _listed(name, content, algorithm)
        manifest = read(of_payload)
        if manifest is None:
            raise ValueError(f"{of_payload}: missing, and {name} names it")
        if tags.get(of_payload) != _digest(manifest, algorithm):
            raise ValueError(f"{of_payload}: differs from what {name} says")
        tags.pop(DECLARATION, None)
        tags[name] = _digest(content, algorithm)
        generation = hashlib.sha256(content).hexdigest()
        return BagListing(algorithm, generation, _listed(of_payload, manifest, algorithm), tags)
    return None


def is_sealed(read: Read) -> bool:
    """Return whether a bag is whole now, as far as its mark tells: it is declared, and not reopened."""
    return read(DECLARATION) == DECLARED and read(REOPENED) is None


def sealed_listing(root: ArchiveRoot, roll: str, generation: str) -> BagListing | None:
    """Return what a roll of the archive names if it is sealed, with this generation; else None.

    Raises
    ------
    OSError, ArchiveUnwritableError
        The archive does not answer.
    """
    with root.reading() as top:
        read = reader_of(top / roll)
        try:
            listing = read_listing(read) if is_sealed(read) else None
        except ValueError:
            return None
    return listing if listing is not None and listing.generation == generation else None


def reader_of(bag: Path) -> Read:
    """Return what reads the tag files of a bag in a folder; it raises `OSError` if the disk fails."""

    def read(name: str) -> bytes | None:
        try:
            return read_plain(bag / name)
        except FileNotFoundError:
            return None

    return read


def _listed(name: str, content: bytes, algorithm: DigestAlgorithm) -> dict[str, str]:
    try:
        return {path.as_posix(): digest for path, digest in read_manifest(content, Path(), algorithm).items()}
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _digest(content: bytes, algorithm: DigestAlgorithm) -> str:
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
