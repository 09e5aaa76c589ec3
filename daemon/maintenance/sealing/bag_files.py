"""Writes the files that make a bag of a roll, and takes them back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import publish_bytes, remove_abandoned_parts, sync_folder
from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.verify_bag import tag_files
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.maintenance.sealing.frame_list import frame_list
from filmscand.daemon.maintenance.sealing.labels import Labels
from filmscand.daemon.maintenance.sealing.premis import premis
from filmscand.daemon.station.bag import DigestAlgorithm

_LISTS: Final = (bag.FRAME_LIST, bag.PREMIS)


def write_lists(archive: Archive, folder: Path, frames: Sequence[FrameId]) -> None:
    """Write what the sidecars and events of a roll tell in the forms that other programs read."""
    sidecars = [archive.read_sidecar(frame) for frame in frames]
    publish_bytes(folder / bag.FRAME_LIST, frame_list(sidecars), replace=True)
    publish_bytes(folder / bag.PREMIS, premis(folder, sidecars), replace=True)


def other_tag_files(folder: Path) -> list[str]:
    """Return the paths, below the roll, of what its bag will have beside payload, manifests and `bag-info.txt`."""
    own = {bag.DECLARATION, bag.INFO, *map(bag.manifest_name, DigestAlgorithm)}
    with storing(folder, "read"):
        names = {path.relative_to(folder).as_posix() for path in tag_files(folder)}
    return sorted((names - own) | set(_LISTS))


def write_bag(
    folder: Path, digests: Mapping[Path, bag.Digests], labels: Labels, algorithms: Collection[DigestAlgorithm]
) -> None:
    """Write manifests, `bag-info.txt`, and the tag manifests of all that lies beside the payload; no `bagit.txt`.

    Parameters
    ----------
    digests : mapping
        Digests of each file of the payload, by each of the algorithms.
    """
    for algorithm in algorithms:
        listed = {path: one[algorithm] for path, one in digests.items()}
        publish_bytes(folder / bag.manifest_name(algorithm), bag.manifest(folder, listed), replace=True)
    publish_bytes(folder / bag.INFO, bag.bag_info(labels), replace=True)
    with storing(folder, "read"):
        paths = [path for path in tag_files(folder) if path not in (folder / bag.DECLARATION, folder / REOPENED)]
        tags = {path: bag.digests_of(path, algorithms) for path in paths}
    for algorithm in algorithms:
        listed = {path: one[algorithm] for path, one in tags.items()}
        listed[folder / bag.DECLARATION] = hashlib.new(algorithm, bag.DECLARED, usedforsecurity=False).hexdigest()
        publish_bytes(folder / bag.tag_manifest_name(algorithm), bag.manifest(folder, listed), replace=True)


def take_back(folder: Path) -> None:
    """Remove what makes a bag of a roll, the mark first: from then on the roll is open again."""
    names = [bag.DECLARATION, bag.INFO]
    for algorithm in DigestAlgorithm:
        names += [bag.tag_manifest_name(algorithm), bag.manifest_name(algorithm)]
    with storing(folder):
        for name in (*names, *_LISTS):
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)


def remove_parts(folder: Path) -> None:
    """Remove the temporary files that a killed writer left beside the payload of a roll."""
    for part in (folder, folder / "metadata", folder / bag.HISTORY):
        with suppress(FileNotFoundError):
            remove_abandoned_parts(part)
