"""Chooses a folder for compiled kernels where numba would find none that can be written.

Numba keeps compiled kernels in NUMBA_CACHE_DIR, beside the source, or in the user's cache, and fails where it may write
none of them: a read-only installation and a user without a home. It reads the variable when it is loaded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import MutableMapping
from pathlib import Path

_VARIABLE = "NUMBA_CACHE_DIR"
# Who names the ways in which numba finds its folder gets these alone.
_LOCATORS = "NUMBA_CACHE_LOCATOR_CLASSES"


def choose_folder(environment: MutableMapping[str, str], source: Path) -> None:
    """Set NUMBA_CACHE_DIR if neither its folder nor that of the source can be written.

    Parameters
    ----------
    environment : mutable mapping of str to str
        The variables of the process; the processes that it starts inherit them.
    source : Path
        Folder of the kernels' source.
    """
    if _LOCATORS in environment:
        return
    given = environment.get(_VARIABLE)
    if given and _can_be_written(Path(given)):
        return
    if os.access(source, os.W_OK):
        return
    environment[_VARIABLE] = str(_folder_of_user(environment) or _temporary_folder())


def _folder_of_user(environment: MutableMapping[str, str]) -> Path | None:
    home = environment.get("HOME")
    cache = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else None)
    folder = Path(cache, "filmscand", "numba") if cache else None
    return folder if folder and _can_be_written(folder) else None


def _temporary_folder() -> Path:
    """Return a folder that this user alone can write: kernels of somebody else would run as this user's code."""
    # Almost nobody needs it, and it takes longer to load than all the rest of this module.
    import tempfile

    folder = Path(tempfile.gettempdir(), f"filmscand-kernels-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="filmscand-kernels-"))
    is_ours = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022
    return folder if is_ours else Path(tempfile.mkdtemp(prefix="filmscand-kernels-"))


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
