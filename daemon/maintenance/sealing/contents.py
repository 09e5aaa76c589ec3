"""The digests of the files of a payload: recorded ones where the files were verified, those of others are computed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.verify_bag import is_sidecar
from filmscand.daemon.archive.records.verify_reopened import LastGeneration
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import StoredFile
from filmscand.daemon.station.bag import DigestAlgorithm

_RECORDED: Final = frozenset({DigestAlgorithm.SHA512, DigestAlgorithm.SHA256})


def recorded_files(archive: Archive, frames: Iterable[FrameId]) -> dict[Path, StoredFile]:
    """Return every file that the sidecars of these frames name."""
    return {
        archive.frame_folder(frame).path / file.name: file
        for frame in frames
        for file in archive.read_sidecar(frame).files
    }


def first_digests(
    archive: Archive, folder: Path, frames: Sequence[FrameId], algorithms: Collection[DigestAlgorithm]
) -> dict[Path, bag.Digests]:
    """Return the digests of every file of a payload that was read and compared with its records a moment ago."""
    recorded = recorded_files(archive, frames) if _RECORDED.issuperset(algorithms) else {}
    with storing(folder, "read"):
        return {
            path: _of_record(recorded[path], algorithms)
            if path in recorded
            else bag.digests_of(path, algorithms, from_disk=True)
            for path in bag.payload(folder)
        }


def next_digests(
    archive: Archive, folder: Path, frames: Sequence[FrameId], last: LastGeneration
) -> dict[Path, bag.Digests]:
    """Return the digests of every file of a payload that has had revisions since the last generation.

    What is new is read back from the disk. What the last generation named is taken from its manifests, so that a roll
    is not read as a whole for one frame; a file that was damaged since then does not fit the new manifests either.

    Raises
    ------
    IntegrityError
        A file of the last generation is gone or has another size, or a new one is not as its sidecar says.
    """
    algorithms = next(iter(last.payload.values()), {}).keys()
    recorded = recorded_files(archive, frames)
    digests: dict[Path, bag.Digests] = {}
    with storing(folder, "read"):
        for path in bag.payload(folder):
            before = None if is_sidecar(folder, path) else last.payload.get(path)
            digests[path] = (
                _read_back(path, recorded.get(path), algorithms)
                if before is None
                else _as_before(path, recorded.get(path), before)
            )
    gone = sorted((last.payload.keys() | recorded.keys()) - digests.keys())
    if gone:
        raise IntegrityError(f"{gone[0]}: expected a file that the roll was sealed with, found none")
    return digests


def _of_record(file: StoredFile, algorithms: Iterable[DigestAlgorithm]) -> bag.Digests:
    recorded = {DigestAlgorithm.SHA512: file.sha512, DigestAlgorithm.SHA256: file.sha256}
    return {algorithm: recorded[algorithm] for algorithm in algorithms}


def _as_before(path: Path, file: StoredFile | None, before: bag.Digests) -> bag.Digests:
    if file is None:
        return before
    known = _of_record(file, _RECORDED & before.keys())
    size_bytes = path.lstat().st_size
    if size_bytes != file.size_bytes or any(before[one] != digest for one, digest in known.items()):
        raise IntegrityError(
            f"{path}: expected {file.size_bytes} bytes with SHA-256 {file.sha256} as the roll was sealed, found "
            f"{size_bytes} bytes"
        )
    return before


def _read_back(
    path: Path, file: StoredFile | None, algorithms: Iterable[DigestAlgorithm]
) -> Mapping[DigestAlgorithm, str]:
    found = bag.digests_of(path, {*algorithms, DigestAlgorithm.SHA512}, from_disk=True)
    if file is not None and found[DigestAlgorithm.SHA512] != file.sha512:
        raise IntegrityError(f"{path}: expected the file that its sidecar names, found another content")
    return {algorithm: found[algorithm] for algorithm in algorithms}
