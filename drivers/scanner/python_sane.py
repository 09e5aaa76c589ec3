"""What to type so that this environment has python-sane, of which the index has the source alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

# Debian compiles python3-sane for its own Python, and puts it where an environment looks only if it is told to.
_DEBIANS_PACKAGES: Final = Path("/usr/lib/python3/dist-packages")
_DEBIANS_PREFIX: Final = "/usr"


def how_to_install(prefix: str, base_prefix: str, executable: str, debians_packages: Path = _DEBIANS_PACKAGES) -> str:
    """Return the commands that install python-sane where a Python program finds it.

    No index has a package named filmscand, so nothing here names the extra `scanner`.

    Parameters
    ----------
    prefix, base_prefix, executable : str
        `sys.prefix`, `sys.base_prefix` and `sys.executable` of the program.
    debians_packages : Path
        Folder of Debian's Python packages.
    """
    if base_prefix != _DEBIANS_PREFIX or not debians_packages.is_dir():
        return f"apt install libsane-dev sane-utils gcc python3-dev, then: {executable} -m pip install python-sane"
    settings = Path(prefix, "pyvenv.cfg")
    if not settings.is_file() or "include-system-site-packages = true" in settings.read_text():
        return "apt install python3-sane sane-utils"
    return f"apt install python3-sane sane-utils, then write include-system-site-packages = true into {settings}"


def how_to_install_here() -> str:
    """Return the commands for this process."""
    return how_to_install(sys.prefix, sys.base_prefix, sys.executable)
