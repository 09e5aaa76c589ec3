"""Copies one sealed roll to a target, and verifies it there.

    compare -> set aside what differs -> withdraw bagit.txt -> send, read back -> nothing else there? -> bagit.txt

What is there and right is not sent again. `bagit.txt` comes last, and is withdrawn before a copy changes: a folder with
it is a whole bag, whenever the station is killed. A file is replaced only once an identical copy of it lies below
`.filmscand` at the target: in `earlier/` if an earlier bag of the roll names it, else in `damaged/`, which a person is
told of. So nothing at the target is ever lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from filmscand.daemon.archive.records.bag import DECLARATION, DECLARED
from filmscand.daemon.archive.records.bag_listing import BagListing, read_listing
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.plain_file import digest_of
from filmscand.daemon.replication.sealed_roll import BagFile, SealedRoll, generation_of
from filmscand.daemon.replication.store import OWN_FOLDER, CopyBlockedError, RollChangingError, Store, TargetError

EARLIER: Final = f"{OWN_FOLDER}/earlier"
DAMAGED: Final = f"{OWN_FOLDER}/damaged"
# Stands in bagit.txt while a copy changes; no program takes it for a bag's declaration.
WITHDRAWN: Final = (
    b"filmscand is replacing this copy of the roll by a newer state of it, and has not finished. What the copy held\n"
    b"before is here, or below .filmscand/earlier at the top, each file with the beginning of its digest.\n"
)
# Hexadecimal digits of the digest in the name of a file that was set aside: 64 bits tell its versions apart.
_DIGITS: Final = 16
_NAMED_AT_MOST: Final = 3


class Watcher(Protocol):
    """Follows a copy."""

    def has(self, files: int, size_bytes: int) -> None:
        """Note how many files and bytes are there and right. May raise to end the copy, which loses nothing."""

    def set_aside(self, paths: list[str]) -> None:
        """Note that files at the target were damaged; nothing of them has been replaced yet."""


@dataclass(slots=True)
class Memory:
    """What this process knows of its own copies at one target, so that a try that failed does not begin anew.

    Attributes
    ----------
    right : dict of str to str
        Digest of files that were read back and right, by their path.
    own : set of str
        Paths of files that this process wrote and that read back wrong: they are nobody else's, and are replaced.
    """

    right: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Files of a roll against the target: there and right, not there, and there with another content."""

    right: list[BagFile]
    missing: list[BagFile]
    differing: list[BagFile]


class RollCopy:
    """The copy of one roll at one target.

    Parameters
    ----------
    store : Store
        The target, opened and known to be the right one.
    archive : Path
        Top of the archive.
    sealed : SealedRoll
        The roll.
    memory : Memory
        What earlier tries of this process found.
    watcher : Watcher
        Follows the copy.
    """

    def __init__(self, store: Store, archive: Path, sealed: SealedRoll, memory: Memory, watcher: Watcher) -> None:
        self._store = store
        self._archive = archive
        self._sealed = sealed
        self._memory = memory
        self._watcher = watcher
        self._algorithm = sealed.algorithm
        self._files = self._bytes = 0

    def run(self) -> None:
        """Make the copy whole and right; where it is, only read it back.

        Raises
        ------
        TargetError, StorageFullError, ArchiveUnwritableError
            The target or the archive fails; a later call continues.
        RollChangingError
            The roll was sealed again meanwhile.
        IntegrityError
            A file of the archive differs from its manifest; it is not sent.
        CopyBlockedError
            The target holds files in the roll's folder that the bag does not name.
        """
        roll = self._sealed.roll
        self._store.tidy(roll)
        declared = self._store.read(f"{roll}/{DECLARATION}")
        compared = self._compare()
        if compared.missing or compared.differing or declared != DECLARED:
            self._set_aside(compared.differing, declared)
            self._withdraw(declared)
            right, replaced = set(compared.right), set(compared.differing)
            for file in self._sealed.files:
                if file not in right:
                    self._send(file, replace=file in replaced)
        self._require_nothing_else()
        if generation_of(self._archive, roll) != self._sealed.generation:
            raise RollChangingError(f"{self._archive / roll}: the roll was sealed again while it was copied")
        self._declare()

    def _compare(self) -> _Compared:
        sizes = self._store.sizes(self._sealed.roll)
        compared = _Compared([], [], [])
        for file in self._sealed.files:
            path = self._at(file.path)
            if path not in sizes:
                compared.missing.append(file)
            elif sizes[path] == file.size_bytes and self._is_right(file):
                compared.right.append(file)
                self._count(file)
            else:
                compared.differing.append(file)
        return compared

    def _is_right(self, file: BagFile) -> bool:
        path = self._at(file.path)
        if self._memory.right.get(path) != file.digest:
            if self._digest(path) != file.digest:
                return False
            self._memory.right[path] = file.digest
        return True

    def _set_aside(self, differing: list[BagFile], declared: bytes | None) -> None:
        """Copy what differs to a place of its own at the target, and tell of what is damaged."""
        files = [file.path for file in differing if self._at(file.path) not in self._memory.own]
        if declared not in (None, DECLARED, WITHDRAWN):
            files.append(DECLARATION)
        if not files:
            return
        there = self._listed_there()
        kept = {*self._store.sizes(f"{EARLIER}/{self._sealed.roll}"), *self._store.sizes(self._damaged_folder)}
        found = {path: self._digest(self._at(path)) for path in files}
        names = {path: f"{self._at(path)}.{digest[:_DIGITS]}" for path, digest in found.items()}
        new = [path for path in files if not kept & {f"{EARLIER}/{names[path]}", f"{DAMAGED}/{names[path]}"}]
        damaged = [path for path in new if not self._is_earlier(path, found[path], there)]
        if damaged:
            self._watcher.set_aside([self._at(path) for path in damaged])
        for path in new:
            place = f"{DAMAGED if path in damaged else EARLIER}/{names[path]}"
            self._store.keep(self._at(path), place)
            if self._digest(place) != found[path]:
                raise TargetError(f"{self._store.place}: {place}: the copy that was made there reads back differently")

    def _is_earlier(self, path: str, digest: str, there: BagListing | None) -> bool:
        """Return whether a file at the target is that of an earlier generation of the roll."""
        return (path, digest) in self._sealed.earlier or (there is not None and there.digest(path) == digest)

    def _listed_there(self) -> BagListing | None:
        """Return what the bag at the target names, an earlier generation of this roll; None if it is no whole bag."""
        try:
            there = read_listing(lambda name: self._store.read(self._at(name)))
        except ValueError:
            return None
        # Digests of another algorithm tell nothing here.
        return there if there is not None and there.algorithm == self._algorithm else None

    def _withdraw(self, declared: bytes | None) -> None:
        if declared not in (None, WITHDRAWN):
            self._store.put_bytes(self._at(DECLARATION), WITHDRAWN, replace=True)

    def _send(self, file: BagFile, *, replace: bool) -> None:
        path, source = self._at(file.path), self._archive / self._sealed.roll / file.path
        self._require_sound(source, file)
        self._store.put(path, source, replace=replace)
        if self._digest(path) != file.digest:
            self._memory.own.add(path)
            raise TargetError(f"{self._store.place}: {path}: the file that was sent reads back differently")
        self._memory.own.discard(path)
        self._memory.right[path] = file.digest
        self._count(file)

    def _require_sound(self, source: Path, file: BagFile) -> None:
        with storing(source, "read"):
            try:
                found = digest_of(source, self._algorithm, from_disk=True)
            except FileNotFoundError:
                found = "no file"
        if found == file.digest:
            return
        if generation_of(self._archive, self._sealed.roll) != self._sealed.generation:
            raise RollChangingError(f"{source.parent}: the roll was sealed again while it was copied")
        raise IntegrityError(
            f"{source}: expected {self._algorithm} {file.digest[:16]}..., found {found[:16]}...; it is not copied. Run "
            "filmscand verify, and restore the file from another copy"
        )

    def _require_nothing_else(self) -> None:
        named = {self._at(file.path) for file in self._sealed.files} | {self._at(DECLARATION)}
        others = sorted(set(self._store.sizes(self._sealed.roll)) - named)
        if others:
            raise CopyBlockedError(
                f"{self._store.place}: {_some(others)}: the roll's bag does not name what lies there. Move it out of "
                "the roll's folder"
            )

    def _declare(self) -> None:
        path = self._at(DECLARATION)
        declared = self._store.read(path)
        if declared != DECLARED:
            self._store.put_bytes(path, DECLARED, replace=declared is not None)
            if self._store.read(path) != DECLARED:
                raise TargetError(f"{self._store.place}: {path}: the file that was sent reads back differently")

    def _count(self, file: BagFile) -> None:
        self._files += 1
        self._bytes += file.size_bytes
        self._watcher.has(self._files, self._bytes)

    def _digest(self, path: str) -> str:
        return self._store.digest(path, self._algorithm)

    def _at(self, path: str) -> str:
        return f"{self._sealed.roll}/{path}"

    @property
    def _damaged_folder(self) -> str:
        return f"{DAMAGED}/{self._sealed.roll}"


def _some(paths: list[str]) -> str:
    more = len(paths) - _NAMED_AT_MOST
    return ", ".join(paths[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
