"""The halves of a frame, picture and infrared, on their way from the watch folder into the frame's folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.archive.files.source_file import hash_below
from filmscand.daemon.archive.records.sidecar import stored_file
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import (
    FrameExistsError,
    IntegrityError,
    SourceChangedError,
    reading_source,
    storing,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.database.candidates import Candidate
from filmscand.daemon.database.frames import Job, SourceFile
from filmscand.daemon.ingest.watching.settling import FileStat, stat_of


def hash_source(folder: Path, name: str, stat: FileStat, role: Role) -> SourceFile:
    """Hash a file below a folder, and require that it still has this size and time of change; see `Halves.hash`."""
    path = folder / name
    with reading_source(path):
        digest = hash_below(folder, name)
        found = stat_of(path)
    if found != stat or digest.size_bytes != stat.size_bytes:
        raise SourceChangedError(f"{path}: expected it to stay as it was, found {found}")
    return SourceFile(str(role), digest.sha256, digest.size_bytes, name)


class Halves:
    """Hashes halves and copies them.

    Parameters
    ----------
    folder : Path
        The watch folder.
    archive : Archive
        The archive.
    """

    def __init__(self, folder: Path, archive: Archive) -> None:
        self._folder = folder
        self._archive = archive

    def hash(self, candidate: Candidate, role: Role) -> SourceFile:
        """Hash a file of the watch folder.

        Raises
        ------
        SourceChangedError
            The file is not as it was when it settled.
        """
        return hash_source(self._folder, candidate.path, FileStat(candidate.size_bytes, candidate.mtime_ns), role)

    def store(self, job: Job, source: SourceFile) -> StoredFile:
        """Copy a half into the frame's folder and read it back; a second call finds the copy of the first.

        Raises
        ------
        SourceChangedError
            The file is not the one that was hashed.
        FrameExistsError
            The frame has another original.
        IntegrityError
            The archive's disk does not return what was written.
        """
        role = Role(source.role)
        try:
            stored = self._archive.copy_original(job.frame, self._folder / source.name, role, root=self._folder)
        except (SourceChangedError, FrameExistsError):
            # An earlier call may have been killed after its copy; later changes of the source do not matter then.
            found = self.find_stored(job.frame, source)
            if found is None:
                raise
            return found
        if stored.sha256 != source.sha256:
            self._archive.discard_original(job.frame, role)
            raise SourceChangedError(f"{source.name}: changed between reading and copying")
        problem = self._archive.verify_original(job.frame, stored)
        if problem is not None:
            self._archive.discard_original(job.frame, role)
            raise IntegrityError(f"{job.frame}: read back from the archive, {problem}")
        return stored

    def find_stored(self, frame: FrameId, source: SourceFile) -> StoredFile | None:
        """Return the record of a half that the frame's folder holds byte for byte, None if it does not."""
        path = self._archive.find_original(frame, Role(source.role))
        if path is None:
            return None
        with storing(path, "read"):
            digest = hash_file(path, from_disk=True)
        if digest.sha256 != source.sha256:
            return None
        return stored_file(Role(source.role), path, digest, PurePosixPath(source.name).name)
