"""What has to be done until a station is as it is wished: a list of deeds, each with a sentence that tells it.

Each deed leaves all or nothing behind: whoever stops in between runs the set-up again, and it goes on with the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from filmscand.daemon.archive.files.atomic_file import make_folders, publish_bytes, sync_folder
from filmscand.daemon.core.errors import DaemonError, storing
from filmscand.daemon.maintenance.adopt import adopt_archive, init_archive
from filmscand.daemon.maintenance.first_start import unit
from filmscand.daemon.maintenance.first_start.found import ArchiveState, FoundArchive
from filmscand.daemon.maintenance.first_start.ground import Ground, Owner
from filmscand.daemon.maintenance.first_start.wishes import Draft
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.service_unit import is_unit_installed

# Of the folders that systemd/filmscand.tmpfiles makes.
_ROOT_MODE: Final = 0o750
_ARCHIVE_MODE: Final = 0o2750
_WATCH_MODE: Final = 0o2770
_WATCH_ACL: Final = "d:u::rwx,d:g::rwx,d:o::---"
# A configuration may hold hashes of passwords and addresses with tokens.
_CONFIG_MODE: Final = 0o640


class Action(Protocol):
    """Something that has to be done; `text` says what."""

    @property
    def text(self) -> str:
        """The deed in words, beginning with its verb."""

    def do(self) -> str | None:
        """Do it; return what a person has to know of the result, if anything.

        Raises
        ------
        DaemonError, OSError
            It could not be done.
        """


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """Makes a folder of the station, or gives an existing one to the user of the service."""

    folder: Path
    owner: Owner
    mode: int
    acl: str | None = None
    with_content: bool = False

    @property
    def text(self) -> str:
        """See `Action`."""
        if not self.folder.is_dir():
            whose = "" if self.owner.is_me else f", of user {self.owner.name}"
            return f"make the folder {self.folder}{whose}"
        content = " and everything in it" if self.with_content else ""
        return f"give {self.folder}{content} to user {self.owner.name}"

    def do(self) -> None:
        """See `Action`."""
        make_folders(self.folder)
        if self.owner.is_me:
            return
        with storing(self.folder, "give"):
            self._give(self.folder)
            if self.with_content:
                for above, folders, names in os.walk(self.folder):
                    for name in (*folders, *names):
                        os.chown(Path(above, name), self.owner.user, self.owner.group, follow_symlinks=False)
            self.folder.chmod(self.mode)
        if self.acl is not None and shutil.which("setfacl") is not None:
            # Without it files of a member may stay closed to the service, which then tells so.
            subprocess.run(["setfacl", "-m", self.acl, str(self.folder)], capture_output=True, check=False)

    def _give(self, folder: Path) -> None:
        os.chown(folder, self.owner.user, self.owner.group)


@dataclass(frozen=True, slots=True)
class WriteConfig:
    """Writes the configuration; an existing one is kept beside it."""

    ground: Ground
    draft: Draft

    @property
    def text(self) -> str:
        """See `Action`."""
        kept = f", and keep the present one as {self._kept.name}" if self.draft.replaces else ""
        return f"write {self.ground.config}{kept}"

    @property
    def _kept(self) -> Path:
        return self.ground.config.with_name(f"{self.ground.config.name}.old")

    def do(self) -> None:
        """See `Action`."""
        file, owner = self.ground.config, self.ground.owner
        make_folders(file.parent)
        if self.draft.replaces:
            publish_bytes(self._kept, file.read_bytes(), replace=True, mode=_CONFIG_MODE)
        publish_bytes(file, self.draft.text.encode(), replace=True, mode=_CONFIG_MODE)
        if not owner.is_me:
            for each in (file, self._kept):
                if each.exists():
                    os.chown(each, 0, owner.group)


@dataclass(frozen=True, slots=True)
class WriteDropIn:
    """Lets the unit write outside its own folders."""

    content: str
    file: Path

    @property
    def text(self) -> str:
        """See `Action`."""
        return f"write {self.file}, for the service may not write there yet"

    def do(self) -> None:
        """See `Action`."""
        make_folders(self.file.parent)
        publish_bytes(self.file, self.content.encode(), replace=True, mode=0o644)
        if unit.runs_systemd():
            unit.reload_units()


@dataclass(frozen=True, slots=True)
class RemoveDropIn:
    """Removes the drop-in of an earlier set-up: the service would wait for a disk that it no longer needs."""

    file: Path

    @property
    def text(self) -> str:
        """See `Action`."""
        return f"remove {self.file}, for the station lies in the service's own folder now"

    def do(self) -> None:
        """See `Action`."""
        self.file.unlink()
        sync_folder(self.file.parent)
        if unit.runs_systemd():
            unit.reload_units()


@dataclass(frozen=True, slots=True)
class BindArchive:
    """Makes the archive and its marker, or takes over the one that is there, as the user of the service."""

    ground: Ground
    station: Station
    found: FoundArchive

    @property
    def text(self) -> str:
        """See `Action`."""
        if self.found.state is ArchiveState.NEW:
            return f"make a new archive at {self.found.folder}, with its marker and the station's database"
        return f"take over the archive at {self.found.folder}, {self.found.frames} frames"

    def do(self) -> str | None:
        """See `Action`."""
        is_new = self.found.state is ArchiveState.NEW
        if self.ground.owner.is_me:
            bound = init_archive(self.station) if is_new else adopt_archive(self.station)
            return _told(list(bound.problems), list(bound.missing))
        command = ["archive", "init" if is_new else "adopt", "--config", str(self.ground.config), "--json"]
        place = {"FILMSCAND_STATION": str(self.ground.root)}
        done = self.ground.owner.run([sys.executable, "-m", "filmscand.daemon.cli", *command], place)
        if not done.stdout:
            reason = done.stderr.strip().removeprefix("filmscand: ") or f"status {done.returncode}"
            raise DaemonError(f"`filmscand {' '.join(command[:2])}` as user {self.ground.owner.name}: {reason}")
        answer = json.loads(done.stdout)
        return _told(answer["problems"], answer["missing"])


def _told(problems: list[str], missing: list[str]) -> str | None:
    lines = [*problems, *(f"{frame}: the archive does not hold this frame" for frame in missing)]
    return "\n".join(lines) or None


def plan_actions(ground: Ground, draft: Draft, found: FoundArchive, system: Path = Path("/")) -> tuple[Action, ...]:
    """Return what has to be done, in this order; nothing where all is as it is wished.

    Parameters
    ----------
    system : Path
        Root of the file system with the folders of systemd.
    """
    actions: list[Action] = [*_folders(ground, draft.station, found)]
    if not draft.is_there:
        actions.append(WriteConfig(ground, draft))
    content = unit.drop_in_text(draft.station) if ground.is_installed else None
    file = system / unit.DROP_IN
    may_write = os.geteuid() == 0 and ground.is_installed and is_unit_installed(system) and unit.may_replace(file)
    if content is not None and may_write and not unit.is_written(content, file):
        actions.append(WriteDropIn(content, file))
    elif content is None and may_write and file.exists():
        actions.append(RemoveDropIn(file))
    if found.state is not ArchiveState.OURS:
        actions.append(BindArchive(ground, draft.station, found))
    return tuple(actions)


def _folders(ground: Ground, station: Station, found: FoundArchive) -> Iterator[MakeFolder]:
    """Yield the folders that are missing, or that the user of the service may not write to."""
    owner = ground.owner
    wanted = {station.root: MakeFolder(station.root, owner, _ROOT_MODE)}
    wanted[station.database.parent] = MakeFolder(station.database.parent, owner, _ROOT_MODE)
    has_frames = found.state is not ArchiveState.NEW
    wanted[station.archive] = MakeFolder(station.archive, owner, _ARCHIVE_MODE, with_content=has_frames)
    for watch in station.watch:
        wanted[watch.path] = MakeFolder(watch.path, owner, _WATCH_MODE, _WATCH_ACL)
    for folder, action in wanted.items():
        if not folder.is_dir() or not owner.may(folder, write=True):
            yield action
