"""Atomic files: a file gets its final name only when it is complete and durable. It is hashed while it is written."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Final, cast

from filmscand.daemon.core.errors import FrameExistsError, storing
from filmscand.daemon.core.plain_file import open_plain
from filmscand.daemon.core.progress import tell_bytes

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

PART_PREFIX: Final = ".filmscand-"
PART_SUFFIX: Final = ".part"
CHUNK_BYTES: Final = 8 << 20
DERIVATIVE_MODE: Final = 0o644
Writer = Callable[[BinaryIO], object]
# Smaller chunks are hashed on one core: handing them to another thread would cost more than it saves.
_TWO_THREADS_BYTES: Final = 64 << 10
# Where a file system has no locks, a temporary file without a write for so long counts as abandoned.
_ABANDONED_S: Final = 3600.0
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
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
        Permissions of the file.

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
    with storing(target), _part_file(target.parent, mode) as (part, file):
        digest = _write_durably(file, write)
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
        jobs = {target: pool.submit(_publish_timed, target, write) for target, write in writers.items()}
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
        Permissions of the files.

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
                part, file = parts.enter_context(_part_file(target.parent, mode))
            jobs[target] = part, pool.submit(_write_durably_to, target, file, write)
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
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with storing(folder):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (fsync of the folder)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; their servers keep names in order.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def remove_abandoned_parts(folder: Path) -> int:
    """Remove the temporary files of dead writers from one folder; return their number.

    A living writer holds a lock on its temporary file, so this is safe while others write. On a file system without
    locks, a temporary file without a write for an hour counts as abandoned.
    """
    removed = 0
    for part in folder.glob(f"{PART_PREFIX}*{PART_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), part.open("rb") as file:
            locked = lock(file, wait=False)
            if locked or time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink()
                removed += 1
    return removed


def lock(file: IO[bytes], *, wait: bool = True) -> bool:
    """Lock an open file until it is closed; return False if the file system has no locks.

    Parameters
    ----------
    file : IO of bytes
        The open file.
    wait : bool
        Wait until the lock is free; False raises BlockingIOError instead.

    Raises
    ------
    BlockingIOError
        `wait` is False, and another process holds the lock.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _write_durably(file: BinaryIO, write: Writer) -> Digest:
    with HashingFile(file) as hashing:
        write(cast(BinaryIO, hashing))
        digest = hashing.digest()
    os.fsync(file.fileno())
    return digest


def _write_durably_to(target: Path, file: BinaryIO, write: Writer) -> Digest:
    with storing(target):
        return _write_durably(file, write)


def _give_name(part: Path, target: Path, digest: Digest, *, replace: bool) -> bool:
    created = True
    if replace:
        part.replace(target)
    else:
        created = _link_once(part, target, digest)
    sync_folder(target.parent)
    return created


def _publish_timed(target: Path, write: Writer) -> tuple[Digest, float]:
    began = time.perf_counter()
    return publish(target, write, replace=True).digest, time.perf_counter() - began


@contextlib.contextmanager
def _part_file(folder: Path, mode: int) -> Iterator[tuple[Path, BinaryIO]]:
    part = folder / f"{PART_PREFIX}{uuid.uuid4()}{PART_SUFFIX}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123  a descriptor has no path
            lock(file)
            # A share without Unix permissions keeps its own; it can hold an archive all the same.
            with contextlib.suppress(PermissionError):
                os.fchmod(descriptor, mode)
            yield part, file
    finally:
        part.unlink(missing_ok=True)


def _link_once(part: Path, target: Path, digest: Digest) -> bool:
    try:
        os.link(part, target)
    except FileExistsError:
        return _accept_existing(part, target, digest)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _claim_and_rename(part, target, digest)
    return True


def _claim_and_rename(part: Path, target: Path, digest: Digest) -> bool:
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return _accept_existing(part, target, digest)
    part.replace(target)
    return True


def _accept_existing(part: Path, target: Path, digest: Digest) -> bool:
    size_bytes = target.stat().st_size
    if size_bytes == 0 and digest.size_bytes > 0:
        # A writer died between claiming the name and renaming: the empty file is only its claim.
        part.replace(target)
        return True
    if size_bytes == digest.size_bytes and hash_file(target) == digest:
        return False
    raise FrameExistsError(f"{target}: expected no file or the same content, found another file of {size_bytes} bytes")
