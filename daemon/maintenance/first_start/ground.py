"""Whose station is set up: that of the service of this machine, or the user's own."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.station import finding
from filmscand.daemon.station.finding import StationKind, find_config, find_station
from filmscand.daemon.station.rights import NotYourStationError, user_name
from filmscand.daemon.station.yaml_file import parse_yaml

# As systemd/filmscand.sysusers makes it.
SERVICE_USER: Final = "filmscand"


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that the service runs as: numbers of user, group and further groups."""

    name: str
    user: int
    group: int
    groups: tuple[int, ...] = ()

    @property
    def is_me(self) -> bool:
        """Whether this process runs as that user."""
        return self.user == os.geteuid()

    def run(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as that user; this process has to be that user's, or root's.

        Parameters
        ----------
        environment : mapping of str to str, optional
            Variables to set besides those of this process.
        """
        is_other = not self.is_me
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, **(environment or {})},
            user=self.user if is_other else None,
            group=self.group if is_other else None,
            extra_groups=self.groups if is_other else None,
            cwd="/",
            umask=0o027 if is_other else -1,
            check=False,
        )

    def may(self, folder: Path, *, write: bool) -> bool:
        """Return whether that user may enter a folder that exists, and write to it."""
        tests = ["-x", str(folder), *(["-a", "-w", str(folder)] if write else [])]
        return self.run(["test", *tests]).returncode == 0


@dataclass(frozen=True, slots=True)
class Ground:
    """Whose station is set up, and where its folder and its configuration are.

    Attributes
    ----------
    root : Path
        Folder of the station.
    config : Path
        Its configuration file, which need not exist yet.
    owner : Owner
        The user that its service runs as.
    is_installed : bool
        It is the station of this machine's service.
    """

    root: Path
    config: Path
    owner: Owner
    is_installed: bool

    @property
    def is_found(self) -> bool:
        """Whether commands of its owner find this station without being told."""
        return self.is_installed or self.root == finding.own_root()

    @property
    def run_command(self) -> str:
        """What starts the service of a station that is not the installed one."""
        return "filmscand run" if self.is_found else f"filmscand run --config {shlex.quote(str(self.config))}"


def find_ground(config: Path | None = None) -> Ground:
    """Return the station to set up; `config`: the configuration file that was named.

    Without a name it is the service's for root and for the user of the service, where that user exists, unless they
    have a station of their own; else the user's own.

    Raises
    ------
    NotYourStationError
        It is the service's, and this user is neither root nor the user of the service.
    DaemonError
        It is the service's, and this machine has no user for it.
    ConfigError
        The named configuration has mistakes, or this user has no home folder.
    """
    if config is not None:
        file = config.expanduser().absolute()
        return _installed() if file == finding.INSTALLED_CONFIG else _own(file.parent, file)
    found = find_station()
    if found.kind is StationKind.NAMED:
        is_installed = found.root == finding.INSTALLED_ROOT
        return _installed() if is_installed else _own(found.root, find_config() or found.root / finding.CONFIG_NAME)
    own = finding.own_root()
    if own is None or (_is_for_the_service(found.kind) and not finding.holds_anything(own)):
        return _installed()
    return _own(own, own / finding.CONFIG_NAME)


def _is_for_the_service(kind: StationKind) -> bool:
    """Whether this is root or the user of the service; root alone where only the folder tells of a service."""
    service = service_owner()
    if service is None:
        return kind is StationKind.INSTALLED and os.geteuid() == 0
    return os.geteuid() in (0, service.user)


def _root_of(file: Path, usual: Path) -> Path:
    """Return the folder of the station that a configuration names; the usual one if it names none, or is missing."""
    named = parse_yaml(file).data.get("root") if file.is_file() else None
    return Path(named).expanduser().absolute() if isinstance(named, str) else usual


def _own(usual: Path, file: Path) -> Ground:
    root = _root_of(file, usual)
    return Ground(root, file, _owner_of(root), is_installed=False)


def _owner_of(root: Path) -> Owner:
    """Return this user; for root, the one that an existing folder belongs to."""
    me = Owner(user_name(), os.geteuid(), os.getegid(), tuple(os.getgroups()))
    if me.user != 0 or not root.is_dir() or root.stat().st_uid == 0:
        return me
    state = root.stat()
    try:
        return _account(pwd.getpwuid(state.st_uid))
    except KeyError:
        # A number without an account, as on a disk of another machine.
        return Owner(str(state.st_uid), state.st_uid, state.st_gid, (state.st_gid,))


def _installed() -> Ground:
    owner = service_owner()
    if owner is None:
        raise DaemonError(
            f"{finding.INSTALLED_ROOT}: the service needs the user {SERVICE_USER}, which this machine does not have: "
            "install systemd/filmscand.sysusers and run `systemd-sysusers` (docs/how-to/install-as-a-service.md)"
        )
    if os.geteuid() not in (0, owner.user):
        raise NotYourStationError(
            f"{finding.INSTALLED_ROOT}: the station of this machine's service belongs to user {owner.name}; run "
            "`filmscand setup` as root. For a station of your own, name its folder in FILMSCAND_STATION"
        )
    root = _root_of(finding.INSTALLED_CONFIG, finding.INSTALLED_ROOT)
    return Ground(root, finding.INSTALLED_CONFIG, owner, is_installed=True)


def service_owner() -> Owner | None:
    """Return the user of this machine's service; None if there is none."""
    try:
        return _account(pwd.getpwnam(SERVICE_USER))
    except KeyError:
        return None


def _account(entry: pwd.struct_passwd) -> Owner:
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(groups))
