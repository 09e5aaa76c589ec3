"""Looks whether the bytes of a file are all there yet, whatever kind of file it is.

Copy programs and servers may give a file its full size at once. The part that is still coming reads as zeros, in whole
pages, and the time of change need not move meanwhile.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from filmscand.daemon.archive.files.atomic_file import CHUNK_BYTES
from filmscand.daemon.archive.files.source_file import open_below
from filmscand.daemon.core.errors import reading_source

# Files and caches are filled page by page.
PAGE_BYTES = 4096
# So many pages of zeros in a row are a gap: 8 KiB, the strip that TIFF 6.0 advises.
GAP_PAGES = 2
# Flag of a frame whose file had zeros where a part of it might still have been missing.
ZEROS_FLAG = "zeros_in_file"
# Gaps of zeros inside a file that no program has open any more: a copy program that opens it again does so within this
# time, seconds. A scan with black rows need not wait for longer.
_CLOSED_PATIENCE_S = 60.0
# A file that is written from front to back ends in a disk's sector of zeros until its last byte comes.
_TAIL_BYTES = 512


@dataclass(frozen=True, slots=True)
class Content:
    """What the bytes of a file tell.

    Attributes
    ----------
    sha256 : str
        Hash of the bytes, to see whether they rest; empty if nobody asked for it.
    gap_at : int or None
        Where the first gap of at least two whole pages of zeros begins, in bytes.
    page_at : int or None
        Where the first whole page of zeros begins, in bytes.
    ends_in_zeros : bool
        The last 512 bytes are zeros, or all of a smaller file.
    """

    sha256: str
    gap_at: int | None
    page_at: int | None
    ends_in_zeros: bool

    @property
    def has_zeros(self) -> bool:
        """Return whether any part of the file may still be coming."""
        return self.page_at is not None or self.ends_in_zeros

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the flags of a frame whose file is taken as it is."""
        return (ZEROS_FLAG,) if self.gap_at is not None or self.ends_in_zeros else ()


def read_content(root: Path, path: str, *, hashed: bool) -> Content:
    """Read the bytes of a file once, from its disk or server and not from memory if they are hashed.

    Parameters
    ----------
    root : Path
        The watch folder.
    path : str
        The file, below `root`.
    hashed : bool
        Hash the bytes too.

    Raises
    ------
    SourceChangedError
        The file is gone, or is no regular file.
    SourceUnreadableError
        Its disk or share does not answer, or does not permit reading.
    """
    digest = hashlib.sha256()
    gaps = _Gaps()
    tail = b""
    with open_below(root, path) as file, reading_source(root / path):
        if hashed:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := _read_full(file.fileno()):
            gaps.add(chunk)
            tail = (tail + bytes(chunk[-_TAIL_BYTES:]))[-_TAIL_BYTES:]
            if hashed:
                digest.update(chunk)
    return Content(digest.hexdigest() if hashed else "", gaps.gap_at, gaps.page_at, not any(tail))


class Completeness:
    """What is known of the contents of the files that arrive in one watch folder.

    Parameters
    ----------
    max_settle_s : float
        After so many seconds without a change, a file with zeros is taken as it is: it may be a black scan.
    """

    def __init__(self, max_settle_s: float) -> None:
        self._max_settle_s = max_settle_s
        self._hashes: dict[str, str] = {}
        self._with_zeros: set[str] = set()

    def rests(self, path: str, content: Content) -> bool:
        """Return whether a file has the same bytes as the last time; True if nobody asked for their hash."""
        before = self._hashes.get(path, "")
        self._hashes[path] = content.sha256
        return content.sha256 == before

    def missing(self, content: Content, age_s: float, *, closed: bool) -> str | None:
        """Return what of a file may still be coming; None once there is no reason, or no patience, to wait for it.

        Parameters
        ----------
        content : Content
            What its bytes tell.
        age_s : float
            For how many seconds it has not changed.
        closed : bool
            The kernel knows that no program has it open for writing.
        """
        if age_s >= self._max_settle_s:
            return None
        if content.ends_in_zeros:
            return "not complete: it ends in zeros"
        if content.gap_at is not None and not (closed and age_s >= _CLOSED_PATIENCE_S):
            return f"not complete: zeros from byte {content.gap_at} on"
        return None

    def accept(self, path: str, content: Content) -> None:
        """Note that a file is taken as it is."""
        if content.flags:
            self._with_zeros.add(path)

    def flags_of(self, path: str) -> tuple[str, ...]:
        """Return the flags that a frame gets for this file."""
        return (ZEROS_FLAG,) if path in self._with_zeros else ()

    def forget(self, path: str) -> None:
        """Forget a file that is gone, or that has changed."""
        self._hashes.pop(path, None)
        self._with_zeros.discard(path)


class _Gaps:
    """Finds the first page and the first gap of zeros in the pieces of a file."""

    def __init__(self) -> None:
        self.page_at: int | None = None
        self.gap_at: int | None = None
        self._at = 0
        self._run = 0

    def add(self, chunk: memoryview) -> None:
        pages = np.frombuffer(chunk, np.uint64, len(chunk) // PAGE_BYTES * (PAGE_BYTES // 8))
        full = pages.reshape(-1, PAGE_BYTES // 8).any(axis=1)
        for index in np.flatnonzero(~full) if self.gap_at is None else ():
            self._note(self._at + int(index) * PAGE_BYTES)
        self._at += len(chunk)

    def _note(self, page_at: int) -> None:
        if self.gap_at is not None:
            return
        if self.page_at is None:
            self.page_at = page_at
        follows = self._run > 0 and page_at == self._last + PAGE_BYTES
        self._run = self._run + 1 if follows else 1
        self._last = page_at
        if self._run >= GAP_PAGES:
            self.gap_at = page_at - (GAP_PAGES - 1) * PAGE_BYTES

    _last = 0


def _read_full(descriptor: int) -> memoryview:
    # A share may answer with less than was asked for; the pages have to stay aligned.
    pieces, wanted = bytearray(), CHUNK_BYTES
    while wanted and (piece := os.read(descriptor, wanted)):
        pieces += piece
        wanted -= len(piece)
    return memoryview(pieces)
