"""What to type to install a missing Python package into the environment that filmscand runs in."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def pip_install(package: str, remark: str = "") -> str:
    """Return the command that installs a package from the index into this environment: there is none named filmscand.

    Debian's own Python refuses pip (PEP 668): filmscand needs an environment of its own there.
    """
    command = f"{sys.executable} -m pip install {package}"
    if find_spec("pip") is None:
        # The Debian package has none; Debian's own installs into any environment.
        command = f"apt install python3-pip, then: python3 -m pip --python {sys.executable} install {package}"
    if sys.prefix == sys.base_prefix:
        command = f"install filmscand into an environment of its own (`make` in its checkout), then: {command}"
    return f"{command} ({remark})" if remark else command
