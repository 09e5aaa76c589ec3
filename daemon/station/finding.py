"""Which station a command means that names none: a variable's, the user's own, or the installed one of this machine.

1. The folder in `$FILMSCAND_STATION`, else in `$STATE_DIRECTORY` (set by systemd).
2. The user's own station, `$XDG_DATA_HOME/filmscand` or `~/.local/share/filmscand`, if anything is in that folder.
3. The installed station, `/var/lib/filmscand`, if the machine has one. Its configuration lies in `/etc/filmscand`.
4. The user's own station, which is then a new one.

Who has made a station in the home folder keeps it, also on a machine where the service is installed later.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from filmscand.daemon.core.errors import ConfigError

# Where systemd/ puts the station of the service, and its configuration.
INSTALLED_ROOT: Final = Path("/var/lib/filmscand")
INSTALLED_CONFIG: Final = Path("/etc/filmscand/station.yaml")
CONFIG_NAME: Final = "station.yaml"
_VARIABLES: Final = ("FILMSCAND_STATION", "STATE_DIRECTORY")


class StationKind(StrEnum):
    """By which rule a station was found."""

    NAMED = "named"
    OWN = "own"
    INSTALLED = "installed"


@dataclass(frozen=True, slots=True)
class FoundStation:
    """Folder of a station, and the rule that found it; `variable` is set if an environment variable names it."""

    root: Path
    kind: StationKind
    variable: str | None = None

    @property
    def named_by(self) -> str:
        """Who named the folder, for a message."""
        if self.variable is not None:
            return f"by ${self.variable}"
        installed = ", and this is the installed station of this machine"
        return f"by nobody: $FILMSCAND_STATION is not set{installed if self.kind is StationKind.INSTALLED else ''}"


def find_station() -> FoundStation:
    """Return the station of a command that names none.

    Raises
    ------
    ConfigError
        This user has no home folder, and the machine has no installed station.
    """
    if (variable := root_variable()) is not None:
        # systemd separates several folders by colons.
        root = Path(os.environ[variable].split(":")[0]).expanduser().absolute()
        return FoundStation(root, StationKind.NAMED, variable)
    own = own_root()
    if _is_installed() and (own is None or not holds_anything(own)):
        return FoundStation(INSTALLED_ROOT, StationKind.INSTALLED)
    if own is None:
        raise ConfigError("this user has no home folder for a station: set FILMSCAND_STATION to its folder")
    return FoundStation(own, StationKind.OWN)


def find_config() -> Path | None:
    """Return the configuration of a command that names none: systemd's, else the station's own; None: the defaults."""
    if (folder := os.environ.get("CONFIGURATION_DIRECTORY")) and (
        file := Path(folder.split(":")[0], CONFIG_NAME)
    ).is_file():
        return file
    root = find_station().root
    files = (*((INSTALLED_CONFIG,) if root == INSTALLED_ROOT else ()), root / CONFIG_NAME)
    return next((file for file in files if file.is_file()), None)


def root_variable() -> str | None:
    """Return the environment variable that names the folder of the station; None if none does."""
    return next((name for name in _VARIABLES if os.environ.get(name)), None)


def own_root() -> Path | None:
    """Return the folder of the user's own station, which need not exist; None if the user has no home folder."""
    if data := os.environ.get("XDG_DATA_HOME"):
        return Path(data, "filmscand").expanduser().absolute()
    try:
        return Path("~/.local/share/filmscand").expanduser().absolute()
    except RuntimeError:
        return None


def _is_installed() -> bool:
    return INSTALLED_ROOT.is_dir() or INSTALLED_CONFIG.is_file()


def holds_anything(folder: Path) -> bool:
    """Return whether a folder exists, may be read by this user, and is not empty."""
    try:
        return any(folder.iterdir())
    except OSError:
        # `runuser -u filmscand` leaves HOME as it was: another user's home is no place of one's own.
        return False
