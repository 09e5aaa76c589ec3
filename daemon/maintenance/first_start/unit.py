"""The drop-in that lets the service's unit write outside its own folders, and wait for their disks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from filmscand.daemon.station import finding
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.service_unit import UNIT, is_booted_by_systemd

DROP_IN: Final = Path(f"etc/systemd/system/{UNIT}.d/archive.conf")
_HEADER: Final = "# By `filmscand setup`: folders of the station outside its own."
# What the unit hides from the service: ProtectHome, PrivateTmp.
_HIDDEN: Final = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))


def folders_of(station: Station) -> tuple[Path, ...]:
    """Return the folders that the service writes to: archive, that of the database, watch folders."""
    watched = (watch.path for watch in station.watch)
    return tuple(dict.fromkeys((station.archive, station.database.parent, *watched)))


def hidden_by(folder: Path) -> Path | None:
    """Return the folder that the unit hides from the service, if this one lies in it."""
    return next((hidden for hidden in _HIDDEN if folder.is_relative_to(hidden)), None)


def drop_in_text(station: Station) -> str | None:
    """Return the drop-in of a station; None: the unit needs none."""
    outside = [folder for folder in folders_of(station) if not folder.is_relative_to(finding.INSTALLED_ROOT)]
    if not outside:
        return None
    paths = " ".join(map(_quoted, outside))
    return f"{_HEADER}\n[Unit]\nRequiresMountsFor={paths}\n\n[Service]\nReadWritePaths={paths}\n"


def is_written(content: str, file: Path = Path("/") / DROP_IN) -> bool:
    """Return whether the drop-in has this content."""
    return file.is_file() and file.read_text() == content


def may_replace(file: Path) -> bool:
    """Return whether the drop-in is missing, or was written by a set-up; one of a person's own is left alone."""
    return not file.exists() or file.read_text().startswith(_HEADER)


def runs_systemd(system: Path = Path("/")) -> bool:
    """Return whether systemd runs on this machine, and can be asked."""
    return is_booted_by_systemd(system) and shutil.which("systemctl") is not None


def reload_units() -> None:
    """Let systemd read the units again.

    Raises
    ------
    OSError
        It does not.
    """
    done = subprocess.run(["systemctl", "daemon-reload"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"systemctl daemon-reload: {done.stderr.strip() or done.returncode}")


def is_active() -> bool:
    """Return whether the service runs under systemd."""
    command = ["systemctl", "is-active", "--quiet", UNIT]
    return runs_systemd() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _quoted(folder: Path) -> str:
    """Return a path as an item of a list in a unit (systemd.syntax(7)): `%` begins a specifier."""
    text = str(folder).replace("%", "%%")
    if re.fullmatch(r"[\w/.,:@+=%-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
