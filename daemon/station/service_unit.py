"""The unit of this machine's service, as systemd knows it, and whether systemd runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

UNIT: Final = "filmscand.service"
# Where an administrator and a package put units (systemd.unit(5)).
_FOLDERS: Final = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")


def is_unit_installed(system: Path = Path("/")) -> bool:
    """Return whether the service's unit is installed; `system`: root of the file system."""
    return any((system / folder / UNIT).is_file() for folder in _FOLDERS)


def is_booted_by_systemd(system: Path = Path("/")) -> bool:
    """Return whether systemd runs on this machine (sd_booted(3)); `system`: root of the file system."""
    return (system / "run/systemd/system").is_dir()
