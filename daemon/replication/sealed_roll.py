"""A sealed roll of the archive, as it is to be copied: its files with their digests, in the order of sending."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.records.bag import HISTORY, manifest_name, read_manifest, tag_manifest_name
from filmscand.daemon.archive.records.bag_listing import BagListing, is_sealed, read_listing, reader_of
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.replication.store import RollChangingError
from filmscand.daemon.station.sections.bag import DigestAlgorithm

# What makes a bag of the files comes after them.
_MANIFESTS: Final = (*map(manifest_name, DigestAlgorithm), *map(tag_manifest_name, DigestAlgorithm))


@dataclass(frozen=True, slots=True)
class BagFile:
    """A file of a bag: its path below the roll, its size, and the digest that the bag's manifests say."""

    path: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class SealedRoll:
    """A sealed roll.

    Attributes
    ----------
    roll : str
        `collection/box/roll`.
    generation : str
        SHA-256 of its tag manifest.
    algorithm : DigestAlgorithm
        Algorithm of the digests.
    files : tuple of BagFile
        Its files in the order of sending: payload, metadata, manifests; `bagit.txt` is not among them.
    earlier : frozenset of (str, str)
        Path and digest of the files of its earlier generations, as far as the roll keeps their manifests.
    """

    roll: str
    generation: str
    algorithm: DigestAlgorithm
    files: tuple[BagFile, ...]
    earlier: frozenset[tuple[str, str]] = frozenset()

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(file.size_bytes for file in self.files)


def read_sealed_roll(archive: Path, roll: str) -> SealedRoll:
    """Return a sealed roll as its manifests describe it; no file of the payload is read.

    Raises
    ------
    RollChangingError
        It is not sealed now, or was sealed again while it was read.
    IntegrityError
        A manifest is damaged, or a file that it names is gone.
    ArchiveUnwritableError
        The archive does not answer.
    """
    folder = archive / roll
    with storing(folder, "read"):
        read = reader_of(folder)
        if not is_sealed(read):
            raise RollChangingError(f"{folder}: the roll is not sealed now; it is copied once it is sealed again")
        try:
            listing = read_listing(read)
            if listing is None:
                raise IntegrityError(f"{folder}: expected a tag manifest, found none")
            files = tuple(_files(folder, listing))
        except (IntegrityError, ValueError) as error:
            if not is_sealed(read):
                raise RollChangingError(f"{folder}: the roll changes just now") from error
            raise IntegrityError(f"{folder}: {error}" if isinstance(error, ValueError) else str(error)) from error
        earlier = frozenset(_earlier(folder, listing.algorithm))
    return SealedRoll(roll, listing.generation, listing.algorithm, files, earlier)


def generation_of(archive: Path, roll: str) -> str | None:
    """Return the generation of a sealed roll now; None while it is not sealed, or its manifests cannot be read."""
    with storing(archive / roll, "read"):
        read = reader_of(archive / roll)
        try:
            listing = read_listing(read) if is_sealed(read) else None
        except ValueError:
            return None
    return None if listing is None else listing.generation


def _files(folder: Path, listing: BagListing) -> Iterator[BagFile]:
    digests = {**listing.payload, **listing.tags, **_other_tag_manifests(folder, listing)}
    for path in sorted(digests, key=lambda path: (_place(path), path)):
        try:
            size_bytes = (folder / path).lstat().st_size
        except FileNotFoundError as error:
            raise IntegrityError(f"{folder / path}: missing, and a manifest of its roll names it") from error
        yield BagFile(path, size_bytes, digests[path])


def _earlier(folder: Path, algorithm: DigestAlgorithm) -> Iterator[tuple[str, str]]:
    for manifest in sorted((folder / HISTORY).glob(f"*manifest-{algorithm}.*.txt")):
        # A kept manifest that is damaged tells nothing; the roll's own manifests tell that it is.
        with suppress(ValueError):
            for path, digest in read_manifest(read_plain(manifest), Path(), algorithm).items():
                yield path.as_posix(), digest


def _other_tag_manifests(folder: Path, listing: BagListing) -> dict[str, str]:
    """Return the tag manifests of weaker algorithms, which no manifest names."""
    names = set(map(tag_manifest_name, DigestAlgorithm)) - listing.tags.keys()
    read = reader_of(folder)
    contents = {name: content for name in names if (content := read(name)) is not None}
    return {
        name: hashlib.new(listing.algorithm, content, usedforsecurity=False).hexdigest()
        for name, content in contents.items()
    }


def _place(path: str) -> int:
    if path.startswith("data/"):
        return 0
    return 2 + _MANIFESTS.index(path) if path in _MANIFESTS else 1
