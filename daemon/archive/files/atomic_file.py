"""Atomic files: a file gets its final name only when it is complete and durable. It is hashed while it is written.

Everything happens relative to the descriptor of the target's folder; see `station.folders` for how it is opened.
"""

from __future__ import annotations

import contextlib
import contextvars
import errno
import hashlib
import io
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from filmscand.daemon.archive.files.locking import lock
from filmscand.daemon.core.errors import FrameExistsError, storing
from filmscand.daemon.core.plain_file import open_plain
from filmscand.daemon.core.progress import tell_bytes
from filmscand.daemon.station.folders import make_durably, opened, sync_descriptor
from filmscand.daemon.station.folders import sync_folder as sync_folder

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

PART_PREFIX: Final = ".filmscand-"
PART_SUFFIX: Final = ".part"
CHUNK_BYTES: Final = 8 << 20
# The umask or a default ACL of the folder takes away what others must not do.
DERIVATIVE_MODE: Final = 0o666
Writer = Callable[[BinaryIO], object]
# Smaller chunks are hashed on one core: handing them to another thread would cost more than it saves.
_TWO_THREADS_BYTES: Final = 64 << 10
# Where a file system has no locks, a temporary file without a write for so long counts as abandoned.
_ABANDONED_S: Final = 3600.0
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class Digest:
    """Size in bytes of a file, and its SHA-256 and SHA-512 in lower-case hexadecimal digits."""

    size_bytes: int
    sha256: str
    sha512: str


@dataclass(frozen=True, slots=True)
class Published:
    """A file under its final name; `created` is False if a file with the same content was there before."""

    digest: Digest
    created: bool


class HashingFile(io.RawIOBase):
    """A file that hashes the bytes written to it, from front to back; SHA-512 runs on a second core.

    Parameters
    ----------
    target : BinaryIO or None
        Receives the bytes; None only hashes them.
    """

    def __init__(self, target: BinaryIO | None = None) -> None:
        super().__init__()
        self._target = target
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self._size_bytes = 0
        self._sha512_thread = ThreadPoolExecutor(1, "sha512")

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, chunk: Buffer, /) -> int:
        """Write all of `chunk`, hash it, and return its size in bytes."""
        view = memoryview(chunk).cast("B")
        if len(view) < _TWO_THREADS_BYTES:
            self._sha512.update(view)
            self._write_and_hash(view)
        else:
            sha512_done = self._sha512_thread.submit(self._sha512.update, view)
            try:
                self._write_and_hash(view)
            finally:
                sha512_done.result()
        return len(view)

    def close(self) -> None:
        """Stop the thread of SHA-512; the target stays open."""
        self._sha512_thread.shutdown()
        super().close()

    def digest(self) -> Digest:
        """Return size and hashes of all bytes written so far."""
        return Digest(self._size_bytes, self._sha256.hexdigest(), self._sha512.hexdigest())

    def _write_and_hash(self, view: memoryview) -> None:
        rest = view
        while self._target is not None and rest:
            rest = rest[self._target.write(rest) :]
        self._sha256.update(view)
        self._size_bytes += len(view)


def hash_file(path: Path, *, from_disk: bool = False) -> Digest:
    """Return size and hashes of a file.

    Parameters
    ----------
    from_disk : bool
        Drop the file from the page cache first, so that the bytes on the disk are read, not a copy in memory.

    Raises
    ------
    OSError
        The file cannot be read, or is no plain file.
    """
    with open_plain(path) as file:
        return hash_open(file, from_disk=from_disk)


def hash_open(file: io.FileIO, *, from_disk: bool = False) -> Digest:
    """Return size and hashes of the rest of an open file; see `hash_file`."""
    if from_disk:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with HashingFile() as hashing:
        copy(cast(BinaryIO, file), cast(BinaryIO, hashing))
        return hashing.digest()


def copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy the rest of an unbuffered `source` to `target`, in pieces of 8 MiB."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined]
        target.write(buffer[:count])
        tell_bytes(count)


def publish(target: Path, write: Writer, *, replace: bool = False, mode: int = DERIVATIVE_MODE) -> Published:
    """Write a temporary file beside the target, make it durable, and then rename it.

    Parameters
    ----------
    target : Path
        Final path; its folder must exist.
    write : callable
        Writes the content, front to back, to the open file that it receives.
    replace : bool
        True replaces an existing file, for content that can be made again. False never changes an existing file.
    mode : int
        Permissions of the file, before the umask.

    Returns
    -------
    Published
        Size and hashes, and whether the file is new.

    Raises
    ------
    FrameExistsError
        `replace` is False, and a file with other content has this name.
    StorageFullError, ArchiveUnwritableError
        The disk failed; no temporary file is left behind.
    """
    with storing(target), _part_file(target.parent, mode) as part:
        digest = _write_durably(part.file, write)
        return Published(digest, _give_name(part, target, digest, replace=replace))


def publish_bytes(target: Path, content: bytes, *, replace: bool = False, mode: int = DERIVATIVE_MODE) -> Published:
    """Publish content that is in memory; see `publish`."""
    return publish(target, lambda file: file.write(content), replace=replace, mode=mode)


def publish_together(writers: Mapping[Path, Writer]) -> dict[Path, tuple[Digest, float]]:
    """Publish derived files in parallel, replacing existing ones; see `publish`.

    Encoding, hashing and waiting for the disk run at the same time for all files.

    Parameters
    ----------
    writers : mapping of Path to callable
        Final path of each file, and the function that writes its content.

    Returns
    -------
    dict of Path to (Digest, float)
        Size and hashes of each file, and the seconds that it took.
    """
    with ThreadPoolExecutor(max(len(writers), 1), "publish") as pool:
        jobs = {
            target: pool.submit(contextvars.copy_context().run, _publish_timed, target, write)
            for target, write in writers.items()
        }
    return {target: job.result() for target, job in jobs.items()}


def publish_in_order(writers: Mapping[Path, Writer], *, mode: int = DERIVATIVE_MODE) -> dict[Path, Published]:
    """Publish files that belong together, without ever changing an existing file.

    The files are written, hashed and synced in parallel. Once all of them are durable they are named one by one in the
    order of `writers`, and each name is made durable before the next: where the last file is, all the others are.

    Parameters
    ----------
    writers : mapping of Path to callable
        Final path of each file, and the function that writes its content.
    mode : int
        Permissions of the files, before the umask.

    Raises
    ------
    FrameExistsError
        A file with other content has one of the names. The files before it have their names already.
    StorageFullError, ArchiveUnwritableError
        The disk failed for one of the files. Either no file has its name, or the files before the failed one have.
    """
    with contextlib.ExitStack() as parts, ThreadPoolExecutor(max(len(writers), 1), "publish") as pool:
        jobs = {}
        for target, write in writers.items():
            with storing(target):
                part = parts.enter_context(_part_file(target.parent, mode))
            jobs[target] = part, pool.submit(_write_durably_to, target, part.file, write)
        digests = {target: (part, job.result()) for target, (part, job) in jobs.items()}
        published = {}
        for target, (part, digest) in digests.items():
            with storing(target):
                published[target] = Published(digest, _give_name(part, target, digest, replace=False))
        return published


def make_folders(folder: Path) -> None:
    """Make a folder and its missing parents, and make them durable.

    Raises
    ------
    StorageFullError, ArchiveUnwritableError
        The disk failed.
    """
    with storing(folder):
        make_durably(folder)


def remove_abandoned_parts(folder: Path) -> int:
    """Remove the temporary files of dead writers from one folder; return their number.

    A living writer holds a lock on its temporary file, so this is safe while others write. On a file system without
    locks, a temporary file without a write for an hour counts as abandoned.
    """
    removed = 0
    with opened(folder) as parent:
        for name in os.listdir(parent):  # noqa: PTH208  a descriptor has no path
            if name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX):
                with contextlib.suppress(FileNotFoundError, BlockingIOError):
                    removed += _remove_if_abandoned(name, parent)
    return removed


def _write_durably(file: BinaryIO, write: Writer) -> Digest:
    with HashingFile(file) as hashing:
        write(cast(BinaryIO, hashing))
        digest = hashing.digest()
    os.fsync(file.fileno())
    return digest


def _write_durably_to(target: Path, file: BinaryIO, write: Writer) -> Digest:
    with storing(target):
        return _write_durably(file, write)


def _give_name(part: _Part, target: Path, digest: Digest, *, replace: bool) -> bool:
    created = True
    if replace:
        part.rename(target.name)
    else:
        created = _link_once(part, target, digest)
    sync_descriptor(part.folder)
    return created


def _publish_timed(target: Path, write: Writer) -> tuple[Digest, float]:
    began = time.perf_counter()
    return publish(target, write, replace=True).digest, time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class _Part:
    """A temporary file, its name, and the descriptor of its folder."""

    folder: int
    name: str
    file: BinaryIO

    def rename(self, name: str) -> None:
        os.rename(self.name, name, src_dir_fd=self.folder, dst_dir_fd=self.folder)


@contextlib.contextmanager
def _part_file(folder: Path, mode: int) -> Iterator[_Part]:
    name = f"{PART_PREFIX}{uuid.uuid4()}{PART_SUFFIX}"
    with opened(folder) as parent:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=parent)
        try:
            with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123  a descriptor has no path
                lock(file)
                yield _Part(parent, name, file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)


def _remove_if_abandoned(name: str, parent: int) -> bool:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    with io.FileIO(descriptor, "rb") as file:
        locked = lock(file, wait=False)
        abandoned = locked or time.time() - os.fstat(descriptor).st_mtime > _ABANDONED_S
        if abandoned:
            os.unlink(name, dir_fd=parent)
        return abandoned


def _link_once(part: _Part, target: Path, digest: Digest) -> bool:
    try:
        os.link(part.name, target.name, src_dir_fd=part.folder, dst_dir_fd=part.folder)
    except FileExistsError:
        return _accept_existing(part, target, digest)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _claim_and_rename(part, target, digest)
    return True


def _claim_and_rename(part: _Part, target: Path, digest: Digest) -> bool:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        os.close(os.open(target.name, flags, 0o600, dir_fd=part.folder))
    except FileExistsError:
        return _accept_existing(part, target, digest)
    part.rename(target.name)
    return True


def _accept_existing(part: _Part, target: Path, digest: Digest) -> bool:
    found = os.stat(target.name, dir_fd=part.folder, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise FrameExistsError(f"{target}: expected no file, found something else than a plain file")
    if found.st_size == 0 and digest.size_bytes > 0:
        # A writer died between claiming the name and renaming: the empty file is only its claim.
        part.rename(target.name)
        return True
    if found.st_size == digest.size_bytes and _hash_of(target.name, part.folder) == digest:
        return False
    raise FrameExistsError(
        f"{target}: expected no file or the same content, found another file of {found.st_size} bytes"
    )


def _hash_of(name: str, folder: int) -> Digest:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with io.FileIO(descriptor, "rb") as file:
        return hash_open(file)
