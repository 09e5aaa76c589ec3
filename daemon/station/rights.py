"""Who may read and write what, and the command that a user types where the service may not.

The service runs without root and without capabilities, so only the owner of a file or folder can change its mode. A
default ACL of the watch folder cannot prevent that one is closed: `cp -r`, `mv` and `tar` keep the mode of the
original, and its group bits become the mask of the ACL.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from pathlib import Path, PurePosixPath
from typing import Final

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.service_socket import OPERATORS

_GROUP_MAY_ALL: Final = stat.S_IRGRP | stat.S_IWGRP | stat.S_IXGRP


class NotYourStationError(DaemonError):
    """This user may look at the station, but not change it."""


def user_name(number: int | None = None) -> str:
    """Return the name of a user, as commands take it; None: of the one that runs this program."""
    number = os.geteuid() if number is None else number
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def owner_of(station: Station) -> int | None:
    """Return the number of the user that the station belongs to: its service makes the database. None: not known."""
    for place in (station.database, station.root):
        try:
            return place.stat().st_uid
        except OSError:
            continue
    return None


def as_its_owner(station: Station) -> str | None:
    """Return who has to run a command in place of this user, and how; None for the station's owner and for root."""
    owner = owner_of(station)
    if owner is None or os.geteuid() in (0, owner):
        return None
    name = user_name(owner)
    return (
        f"the station belongs to user {name}, and you are user {user_name()}; run the command as {name}, for example "
        f"as root by `runuser -u {name} -- env FILMSCAND_STATION={shlex.quote(str(station.root))} filmscand ...`"
    )


def require_changeable(station: Station) -> None:
    """Require that this user may change the station: write its database, or make one.

    Raises
    ------
    NotYourStationError
        Somebody else has to; the message says who, and how.
    """
    file = station.database
    may = all(_allows(place, os.W_OK) for place in (file, file.parent) if place.exists())
    if not may and (who := as_its_owner(station)) is not None:
        raise NotYourStationError(
            f"{file}: this user may not change the station: {who}. While the service runs, members of the group "
            f"{OPERATORS} scan, clean again and seal through it"
        )


def require_owner(station: Station) -> None:
    """Require that this user is the one that the station belongs to: the service must own what is stored.

    Raises
    ------
    NotYourStationError
        Somebody else has to; root, too, would store files that the service cannot add a revision to.
    """
    owner = owner_of(station)
    if owner is None or os.geteuid() == owner:
        return
    name = user_name(owner)
    raise NotYourStationError(
        f"{station.root}: the station belongs to user {name}, and you are user {user_name()}: the service could not "
        f"work on what you store. Run the command as {name}, for example as root by `runuser -u {name} -- env "
        f"FILMSCAND_STATION={shlex.quote(str(station.root))} filmscand ...`. {name} has to be able to read the files"
    )


def way_out(root: Path, *paths: PurePosixPath, write: bool) -> str:
    """Return what a person has to type so that this user may use files and folders below a watch folder.

    Parameters
    ----------
    root : Path
        The watch folder.
    *paths : PurePosixPath
        Files and folders below it, of which one is closed, or a folder above it.
    write : bool
        The folders have to be writable; else files and folders have to be readable.

    Returns
    -------
    str
        Who has to type which command; empty if nothing below the watch folder is closed.
    """
    closed = next((found for path in paths if (found := _closed(root, path, write=write)) is not None), None)
    if closed is None:
        return ""
    top = _topmost(root, closed)
    owner = user_name(top.lstat().st_uid)
    return f"{top} belongs to user {owner}, who lets the service in by: {_opening(root, top, closed)}"


def _closed(root: Path, path: PurePosixPath, *, write: bool) -> Path | None:
    """Return the first folder or file, below the watch folder and downwards, that this user may not use."""
    for depth in range(1, len(path.parts) + 1):
        place = root.joinpath(*path.parts[:depth])
        try:
            mode = place.lstat().st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            return None
        needed = (os.W_OK if write else os.R_OK) | os.X_OK if stat.S_ISDIR(mode) else os.R_OK
        last = depth == len(path.parts)
        # On the way to a folder, the right to pass through is enough.
        if not _allows(place, needed if last else os.X_OK):
            return place
    return None


def _topmost(root: Path, closed: Path) -> Path:
    """Return the topmost folder of the same owner, so that one command is enough for a roll."""
    owner = closed.lstat().st_uid
    while closed.parent != root and closed.parent.lstat().st_uid == owner:
        closed = closed.parent
    return closed


def _opening(root: Path, top: Path, closed: Path) -> str:
    name = shlex.quote(str(top))
    if not hands_down(root):
        return f"setfacl -R -m u:{user_name()}:rwX {name}"
    group = root.stat().st_gid
    is_given = {top.lstat().st_gid, closed.lstat().st_gid} == {group}
    change = "" if is_given else f"chgrp -R {_group_name(group)} {name} && "
    return f"{change}chmod -R g+rwX {name}"


def hands_down(root: Path) -> bool:
    """Return whether a watch folder belongs to a group of the service that may write there."""
    found = root.stat()
    of_service = found.st_gid in {os.getegid(), *os.getgroups()}
    return of_service and found.st_mode & _GROUP_MAY_ALL == _GROUP_MAY_ALL


def _allows(place: Path, rights: int) -> bool:
    return os.access(place, rights, effective_ids=True)
