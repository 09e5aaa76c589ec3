"""Free space of a disk."""

from __future__ import annotations

import os
from pathlib import Path


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_bytes(folder: Path) -> int:
    """Return the bytes that an ordinary user may still write to the disk of a folder, which need not exist yet."""
    disk = os.statvfs(nearest_existing(folder))
    return disk.f_bavail * disk.f_frsize
