"""Writes rolls as objects of the Oxford Common File Layout, version 1.1 (<https://ocfl.io/1.1/spec/>).

The export folder is an OCFL storage root; a roll is the object `filmscand:collection/box/roll` at the path of its name.
Each export of a roll that changed since the last one adds a version. Files that an earlier version holds are not copied
again.

An object appears whole, and so does each further version: it is gathered below `extensions/`, where no reader of OCFL
looks for objects, and gets its place by renaming its folder. A process that is killed leaves what it gathered, and the
next export goes on with it. Killed between the renaming and the inventory in the object's root, the version has its
place and is not the head yet; the next export makes it the head.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from filmscand.daemon.archive.files.atomic_file import (
    hash_file,
    make_folders,
    publish,
    publish_bytes,
    remove_abandoned_parts,
    sync_folder,
)
from filmscand.daemon.archive.records.sidecar import utc_now
from filmscand.daemon.core.decision import UtcTime
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.export.given import NAME, ExportFolderError
from filmscand.daemon.export.roll_files import RollContent, RollFile, copy_checked

_ROOT: Final = "ocfl_1.1"
_OBJECT: Final = "ocfl_object_1.1"
_INVENTORY: Final = "inventory.json"
_SIDECAR: Final = "inventory.json.sha512"
_STAGING: Final = Path("extensions", "filmscand-staging")
_VERSION: Final = re.compile(r"v[1-9][0-9]*")
_Paths = dict[str, tuple[str, ...]]


class ObjectUser(BaseModel):
    """Who made a version."""

    model_config = ConfigDict(frozen=True)

    name: str = "filmscand"


class ObjectVersion(BaseModel):
    """A version of an object: the logical paths of its files by their SHA-512."""

    model_config = ConfigDict(frozen=True)

    created: UtcTime
    message: str
    user: ObjectUser = ObjectUser()
    state: _Paths


class Inventory(BaseModel):
    """The content of `inventory.json`, with the names of the specification.

    Attributes
    ----------
    manifest : dict of str to tuple of str
        Where each content lies in the object, by its SHA-512.
    fixity : dict of str to dict
        The same by further digests; here SHA-256.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str
    type: str = "https://ocfl.io/1.1/spec/#inventory"
    algorithm: str = Field(default="sha512", alias="digestAlgorithm")
    head: str
    manifest: _Paths
    versions: dict[str, ObjectVersion]
    fixity: dict[str, _Paths]

    def to_json(self) -> bytes:
        """Return the bytes of the file: sorted keys, two spaces, UTF-8, a newline at the end."""
        return (json.dumps(self.model_dump(mode="json", by_alias=True), indent=2, sort_keys=True) + "\n").encode()


def make_storage_root(folder: Path) -> None:
    """Make an export folder an OCFL storage root, or find that it is one.

    Raises
    ------
    ExportFolderError
        Something else lies there.
    """
    with storing(folder, "read"):
        others = {path.name for path in folder.iterdir()} - {NAME, f"0={_ROOT}"}
    if others and not (folder / f"0={_ROOT}").exists():
        raise ExportFolderError(f"{folder}: expected an OCFL storage root or an empty folder, found {min(others)}")
    publish_bytes(folder / f"0={_ROOT}", f"{_ROOT}\n".encode())


def is_storage_root(folder: Path) -> bool:
    """Return whether a folder is an OCFL storage root."""
    return (folder / f"0={_ROOT}").exists()


def give_object(folder: Path, root: Path, content: RollContent) -> tuple[Path, int]:
    """Write a roll as a new object, or as a further version of its object if it changed.

    Parameters
    ----------
    folder : Path
        The storage root.
    root : Path
        Top of the archive.

    Returns
    -------
    (Path, int)
        The inventory of the object, below the storage root, and the number of its newest version.

    Raises
    ------
    ExportFolderError
        The roll's place is taken by something else.
    IntegrityError
        The object there, or a file of the roll, is not as it was recorded.
    StorageFullError, ArchiveUnwritableError
        The disk does not take it.
    """
    place = folder / content.roll
    if content.roll.parts[0] == _STAGING.parts[0]:
        raise ExportFolderError(f"{content.roll}: OCFL keeps the name {_STAGING.parts[0]} for itself; choose --zip")
    before = _settled(place) if os.path.lexists(place) else None
    wanted = _state(content.files)
    stage = folder / _STAGING / "_".join(content.roll.parts)
    if before is not None and before.versions[before.head].state == wanted:
        _remove_staging(folder, stage)
        return content.roll / _INVENTORY, _number(before.head)
    number = 1 if before is None else _number(before.head) + 1
    inventory = _next_inventory(content, before, number, wanted)
    _gather(stage, root, content, inventory, number)
    _put_in_place(stage, place, inventory, number)
    _remove_staging(folder, stage)
    return content.roll / _INVENTORY, number


def _state(files: Iterable[RollFile]) -> _Paths:
    state: dict[str, list[str]] = {}
    for file in files:
        state.setdefault(file.digest.sha512, []).append(file.name)
    return {sha512: tuple(names) for sha512, names in sorted(state.items())}


def _next_inventory(content: RollContent, before: Inventory | None, number: int, wanted: _Paths) -> Inventory:
    head = f"v{number}"
    sha256 = {file.digest.sha512: file.digest.sha256 for file in content.files}
    # Of files with the same content one is kept.
    new = {
        sha512: (f"{head}/content/{names[0]}",)
        for sha512, names in wanted.items()
        if before is None or sha512 not in before.manifest
    }
    version = ObjectVersion(created=utc_now(), message=f"{content.frames} frames exported", state=wanted)
    return Inventory(
        id=f"filmscand:{content.roll.as_posix()}",
        head=head,
        manifest={**({} if before is None else before.manifest), **new},
        versions={**({} if before is None else before.versions), head: version},
        fixity={
            "sha256": {
                **({} if before is None else before.fixity["sha256"]),
                **{sha256[sha512]: paths for sha512, paths in new.items()},
            }
        },
    )


def _gather(stage: Path, root: Path, content: RollContent, inventory: Inventory, number: int) -> None:
    """Copy the files of a version below its staging folder, as far as an earlier try did not; inventories last."""
    files = {file.digest.sha512: file for file in content.files}
    new = {paths[0]: files[sha512] for sha512, paths in inventory.manifest.items() if _is_of(paths[0], number)}
    _prune(stage, {stage / path for path in new})
    for path, file in new.items():
        _copy_once(stage / path, root, file)
    _write_inventory(stage / f"v{number}", inventory)
    if number == 1:
        publish_bytes(stage / f"0={_OBJECT}", f"{_OBJECT}\n".encode())
        _write_inventory(stage, inventory)


def _is_of(path: str, number: int) -> bool:
    return path.startswith(f"v{number}/")


def _copy_once(target: Path, root: Path, file: RollFile) -> None:
    make_folders(target.parent)
    if not target.exists() or hash_file(target) != file.digest:
        publish(target, lambda out: copy_checked(root, file, out), replace=True)


def _prune(stage: Path, wanted: set[Path]) -> None:
    """Remove what an earlier try gathered of a roll that was different then."""
    for top, _, names in os.walk(stage, topdown=False):
        remove_abandoned_parts(Path(top))
        for path in (Path(top, name) for name in names):
            if path not in wanted:
                path.unlink(missing_ok=True)
        with suppress(OSError):
            Path(top).rmdir()


def _put_in_place(stage: Path, place: Path, inventory: Inventory, number: int) -> None:
    version = f"v{number}"
    new, target = (stage, place) if number == 1 else (stage / version, place / version)
    make_folders(target.parent)
    with storing(target):
        new.rename(target)
        sync_folder(target.parent)
        sync_folder(new.parent)
    if number > 1:
        _write_inventory(place, inventory)


def _write_inventory(folder: Path, inventory: Inventory) -> None:
    _write_inventory_bytes(folder, inventory.to_json())


def _write_inventory_bytes(folder: Path, content: bytes) -> None:
    make_folders(folder)
    publish_bytes(folder / _INVENTORY, content, replace=True)
    publish_bytes(folder / _SIDECAR, f"{hashlib.sha512(content).hexdigest()} {_INVENTORY}\n".encode(), replace=True)


def _settled(place: Path) -> Inventory:
    """Return the inventory of an object, once its newest version is the head."""
    if not (place / f"0={_OBJECT}").is_file():
        raise ExportFolderError(f"{place}: expected the OCFL object of the roll, found something else; move it away")
    remove_abandoned_parts(place)
    newest = max((name.name for name in place.iterdir() if _VERSION.fullmatch(name.name)), key=_number, default="v1")
    content, found = _read_inventory(place / newest)
    if found.head != newest:
        raise IntegrityError(f"{place / newest / _INVENTORY}: expected the head {newest}, found {found.head}")
    if read_plain(place / _INVENTORY) != content or not _is_signed(place, content):
        _write_inventory_bytes(place, content)
    return found


def _number(version: str) -> int:
    return int(version[1:])


def _read_inventory(folder: Path) -> tuple[bytes, Inventory]:
    path = folder / _INVENTORY
    with storing(path, "read"):
        content = read_plain(path)
        if not _is_signed(folder, content):
            raise IntegrityError(f"{path}: expected the inventory of {_SIDECAR}, found another; restore the object")
    try:
        return content, Inventory.model_validate_json(content)
    except ValidationError as error:
        raise IntegrityError(f"{path}: expected an OCFL inventory that filmscand wrote, found: {error}") from error


def _is_signed(folder: Path, content: bytes) -> bool:
    try:
        written = read_plain(folder / _SIDECAR)
    except FileNotFoundError:
        return False
    return written.split()[:1] == [hashlib.sha512(content).hexdigest().encode()]


def _remove_staging(folder: Path, stage: Path) -> None:
    _prune(stage, set())
    for emptied in (stage, folder / _STAGING, folder / _STAGING.parent):
        # Another roll's is still there, or a storage root that has extensions of its own.
        with suppress(OSError):
            emptied.rmdir()
