"""Files that appear whole or not at all, and their hashes."""

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

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

PART_PREFIX: Final = ".filmscand-"
PART_SUFFIX: Final = ".part"
CHUNK_BYTES: Final = 8 << 20
DERIVATIVE_MODE: Final = 0o644
Writer = Callable[[BinaryIO], object]
_WORTH_A_THREAD_BYTES: Final = 64 << 10
_ABANDONED_S: Final = 3600.0
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class Digest:
    """Size and hashes of a file's content."""

    size_bytes: int
    sha256: str
    sha512: str


@dataclass(frozen=True, slots=True)
class Published:
    """A file that stands under its final name; `created` is False where the same content already stood there."""

    digest: Digest
    created: bool


class HashingFile(io.RawIOBase):
    """A file to write front to back that hashes what passes; SHA-512 runs on a second core.

    Parameters
    ----------
    target : BinaryIO or None
        Takes the bytes; None only hashes.
    """

    def __init__(self, target: BinaryIO | None = None) -> None:
        super().__init__()
        self._target = target
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self._size_bytes = 0
        self._second_core = ThreadPoolExecutor(1, "sha512")

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, chunk: Buffer, /) -> int:
        """Write all of `chunk` and hash it."""
        view = memoryview(chunk).cast("B")
        if len(view) < _WORTH_A_THREAD_BYTES:
            self._sha512.update(view)
            self._write_and_hash(view)
        else:
            slower = self._second_core.submit(self._sha512.update, view)
            try:
                self._write_and_hash(view)
            finally:
                slower.result()
        return len(view)

    def close(self) -> None:
        """Free the second core; the target stays open."""
        self._second_core.shutdown()
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
        Drop what the system remembers of the file first, so that the bytes on the disk are judged, not those in memory.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        if from_disk:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with HashingFile() as hashing:
            copy(file, cast(BinaryIO, hashing))
            return hashing.digest()


def copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy the rest of an unbuffered `source` to `target` in large pieces."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined]
        target.write(buffer[:count])


def publish(target: Path, write: Writer, *, replace: bool = False, mode: int = DERIVATIVE_MODE) -> Published:
    """Write a file beside its final name, make it durable, and only then give it that name.

    Parameters
    ----------
    target : Path
        Final name; its folder must exist.
    write : callable
        Writes the content, front to back, to the open file that it is given.
    replace : bool
        True for what can be made again; False: a file that already stands there is never touched.
    mode : int
        Permissions of the file.

    Raises
    ------
    FrameExistsError
        `replace` is False and a file with other content has this name.
    StorageFullError, ArchiveUnwritableError
        The disk did not take it; nothing is left behind.
    """
    with storing(target), _part_file(target.parent, mode) as (part, file):
        digest = _write_durably(file, write)
        return Published(digest, _give_name(part, target, digest, replace=replace))


def publish_bytes(target: Path, content: bytes, *, replace: bool = False, mode: int = DERIVATIVE_MODE) -> Published:
    """Publish content that is at hand as a whole; see `publish`."""
    return publish(target, lambda file: file.write(content), replace=replace, mode=mode)


def publish_together(writers: Mapping[Path, Writer]) -> dict[Path, tuple[Digest, float]]:
    """Publish derived files side by side, replacing what stands there; return digest and seconds of each.

    Encoding, hashing and waiting for the disk of one file run beside those of the others; see `publish`.
    """
    with ThreadPoolExecutor(max(len(writers), 1), "publish") as pool:
        jobs = {target: pool.submit(_publish_timed, target, write) for target, write in writers.items()}
    return {target: job.result() for target, job in jobs.items()}


def publish_in_order(writers: Mapping[Path, Writer], *, mode: int = DERIVATIVE_MODE) -> dict[Path, Published]:
    """Publish files that belong together, never touching what stands there.

    They are written, hashed and synced side by side. Once all of them are durable they get their names, each durable
    before the next is given, in the order of `writers`: whoever finds the last one finds them all.

    Raises
    ------
    FrameExistsError
        A file with other content has one of the names; those before it have been given.
    StorageFullError, ArchiveUnwritableError
        The disk did not take one of them; none has got its name by then, or those before it have.
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
    """Make a folder and its missing parents durable.

    Raises
    ------
    StorageFullError, ArchiveUnwritableError
        The disk did not take them.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with storing(folder):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; there the server orders names itself.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def remove_abandoned_parts(folder: Path) -> int:
    """Remove the temporary files of dead writers from one folder; return how many.

    A living writer holds a lock on its file, so this is safe while others write. Where a file system knows no locks, a
    file that nobody wrote to for an hour counts as abandoned.
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
    """Lock an open file until it is closed; False where the file system knows no locks.

    Raises
    ------
    BlockingIOError
        `wait` is False and somebody else holds it.
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
            # A share without Unix permissions keeps its own, and that is no reason not to store there.
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
        # A writer died between claiming the name and renaming: an empty claim is nobody's file.
        part.replace(target)
        return True
    if size_bytes == digest.size_bytes and hash_file(target) == digest:
        return False
    raise FrameExistsError(f"{target}: expected no file or the same content, found another file of {size_bytes} bytes")
