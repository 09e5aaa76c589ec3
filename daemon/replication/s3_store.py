"""Copies in a bucket that speaks S3, through fsspec: Amazon's, or that of another server.

An object appears whole or not at all, so nothing is written under another name first. A copy is verified by reading the
object back and hashing it, and not by a checksum of the server: of an object in parts (over 32 MiB) S3 keeps the
SHA-256 of the parts' hashes, never that of the whole, servers differ in what they keep at all, and a checksum that was
made when the bytes came says nothing about the bytes that can be read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.installing import pip_install
from filmscand.daemon.core.plain_file import open_plain
from filmscand.daemon.core.visible import visible
from filmscand.daemon.replication.store import TargetError
from filmscand.daemon.station.sections.replicas import Replica

if TYPE_CHECKING:
    from s3fs import S3FileSystem

# Size of a part of an object that is sent, and of a piece that is read back. S3 takes 10,000 parts: 160 GB.
_PART_BYTES: Final = 16 << 20
# Parts in memory at a time.
_PARTS_AT_ONCE: Final = 2
_CONNECT_S: Final = 10.0
# A slower link is no way for film: 64 KiB/s carry some 20 frames of 250 MB a day. Bytes a second.
_LEAST_RATE: Final = 65536
# A listing has a request for each 1000 objects, and a server copies a large object at its own speed. Seconds.
_LISTING_S: Final = 1800.0
# The library tries a request twice; then it is given up.
_TRIES: Final = 2
# What the libraries log at lower levels quotes headers of requests, which hold signatures and session tokens.
_LIBRARIES: Final = ("aiobotocore", "botocore", "fsspec", "s3fs")


class S3Store:
    """A prefix in a bucket; credentials come from the environment or the files of AWS, and are never logged.

    Parameters
    ----------
    replica : Replica
        The target, with its `url` and `endpoint`.
    request_s : float
        Seconds that the server may be silent within one request.
    """

    def __init__(self, replica: Replica, request_s: float) -> None:
        assert replica.url is not None
        self._top = replica.url.removeprefix("s3://")
        self._place = replica.place
        self._endpoint = replica.endpoint
        self._request_s = request_s
        self._opened: S3FileSystem | None = None

    @property
    def place(self) -> str:
        """Bucket, prefix and server."""
        return self._place

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make a client, at the first use.

        Raises
        ------
        TargetError
            The packages of the extra `s3` are missing.
        """
        if self._opened is None:
            for library in _LIBRARIES:
                logging.getLogger(library).setLevel(logging.WARNING)
            self._opened = self._client()
        yield

    def is_empty(self) -> bool:
        """Return whether no object begins with the prefix."""
        with self._asking(""):
            # One object is enough: the bucket may hold millions of others.
            found = self._files.call_s3(
                "list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1, timeout=self._limit_s()
            )
            return not found.get("Contents")

    def read(self, path: str) -> bytes | None:
        """Return the content of a small object; see `Store`."""
        with self._asking(path):
            try:
                # Otherwise s3fs asks for the size first.
                return bytes(self._files.cat_file(self._key(path), max_concurrency=1, timeout=self._limit_s()))
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the size of every object below a prefix; see `Store`."""
        with self._asking(folder):
            found: dict[str, dict[str, Any]] = self._files.find(self._key(folder), detail=True, timeout=_LISTING_S)
        start = len(self._top) + 1
        return {key[start:]: int(about["size"]) for key, about in found.items() if not key.endswith("/")}

    def digest(self, path: str, algorithm: str) -> str:
        """Read an object back, piece by piece, and return its digest."""
        digest = hashlib.new(algorithm, usedforsecurity=False)
        with self._asking(path):
            size_bytes = int(self._files.info(self._key(path), timeout=self._limit_s())["size"])
            for start in range(0, size_bytes, _PART_BYTES):
                end = min(start + _PART_BYTES, size_bytes)
                limit_s = self._limit_s(end - start)
                digest.update(self._files.cat_file(self._key(path), start=start, end=end, timeout=limit_s))
        return digest.hexdigest()

    def put(self, path: str, source: Path, *, replace: bool) -> None:  # noqa: ARG002  see below
        """Send a file; see `Store`. An existing one is replaced: not every server of S3 can be told to leave it."""
        with storing(source, "read"), open_plain(source) as file:
            limit_s = self._limit_s(os.fstat(file.fileno()).st_size)
        with self._asking(path):
            self._files.put_file(
                str(source),
                self._key(path),
                chunksize=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
                timeout=limit_s,
            )

    def put_bytes(self, path: str, content: bytes, *, replace: bool) -> None:  # noqa: ARG002  as for `put`
        """Write a small object; see `Store`."""
        with self._asking(path):
            self._files.pipe_file(self._key(path), content, timeout=self._limit_s(len(content)))

    def keep(self, path: str, kept: str) -> None:
        """Let the server copy an object; see `Store`."""
        with self._asking(path):
            self._files.cp_file(self._key(path), self._key(kept), timeout=_LISTING_S)

    def tidy(self, folder: str) -> None:
        """Do nothing: an object that was not finished has no name. See `Store`."""

    @property
    def _files(self) -> S3FileSystem:
        assert self._opened is not None, "a store is used inside `opened` only"
        return self._opened

    @property
    def _bucket(self) -> str:
        return self._top.partition("/")[0]

    @property
    def _prefix(self) -> str:
        prefix = self._top.partition("/")[2]
        return f"{prefix}/" if prefix else ""

    def _key(self, path: str) -> str:
        return f"{self._top}/{path}"

    def _limit_s(self, size_bytes: int = 0) -> float:
        """Return how long a request with so many bytes may take: the library's own limits do not cover all of it."""
        return (1 + _TRIES) * self._request_s + size_bytes / _LEAST_RATE

    def _client(self) -> S3FileSystem:
        try:
            from s3fs import S3FileSystem
        except ImportError as error:
            advice = pip_install("'fsspec>=2025.3' 's3fs>=2025.3'", "the extra `s3` of filmscand")
            raise TargetError(f"{self._place}: needs the package {error.name}, which is missing: {advice}") from error
        # The station tries again by itself, with pauses that can be seen; the libraries' own retries only hide them.
        config = {
            "connect_timeout": _CONNECT_S,
            "read_timeout": self._request_s,
            "retries": {"total_max_attempts": _TRIES, "mode": "standard"},
        }
        # A client of its own: fsspec keeps and shares clients, and listings, of the same address otherwise.
        files = S3FileSystem(
            endpoint_url=self._endpoint, config_kwargs=config, use_listings_cache=False, skip_instance_cache=True
        )
        files.retries = 1
        return files

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        """Turn whatever fsspec, s3fs and botocore raise into `TargetError`: they have no common ancestor."""
        try:
            yield
        except TargetError:
            raise
        except Exception as error:
            where = f"{self._place}: {path}" if path else self._place
            raise TargetError(f"{where}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return why a request failed, in one line; botocore's own message is a cause of what s3fs makes of it."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    text = visible(str(error)).strip() or type(error).__name__
    cause = error.__cause__
    return f"{text} ({visible(str(cause))})" if cause is not None and str(cause) not in ("", str(error)) else text
