"""The unit of this machine's service, as systemd knows it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

UNIT: Final = "filmscand.service"
# Where an administrator and a package put units (systemd.unit(5)).
_FOLDERS: Final = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")


def is_unit_installed(system: Path = Path("/")) -> bool:
    """Return whether the service's unit is installed; `system`: root of the file system."""
    return any((system / folder / UNIT).is_file() for folder in _FOLDERS)
