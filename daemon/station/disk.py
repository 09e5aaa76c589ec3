"""How much room a disk has."""

from __future__ import annotations

import os
from pathlib import Path


def nearest_existing(folder: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_bytes(folder: Path) -> int:
    """Return how much the disk below a folder (which need not exist yet) still takes from an ordinary user."""
    disk = os.statvfs(nearest_existing(folder))
    return disk.f_bavail * disk.f_frsize
