"""Turns the version of a wheel (PEP 440) into one for a Debian package, so that dpkg sorts it as pip does.

    python3 packaging/debian_version.py WHEEL

It uses the standard library only: `make deb` runs it before anything is installed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# The normal form, in which the names of wheels have it.
_PEP_440 = re.compile(
    r"(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?P<pre>(?:a|b|rc)\d+)?(?:\.post(?P<post>\d+))?(?:\.dev(?P<dev>\d+))?(?:\+(?P<local>[a-z0-9._]+))?"
)


def debian_version(version: str) -> str:
    """Return the version of the Debian package for a version in the normal form of PEP 440.

    `~` sorts before the end, `+` after it and before a further number: 0.2~dev1 < 0.2~pre.a1 < 0.2 < 0.2+post1 < 0.2.1.

    Raises
    ------
    ValueError
        If the version is not of this form.
    """
    parts = _PEP_440.fullmatch(version)
    if parts is None:
        raise ValueError(f"{version}: expected a version in the normal form of PEP 440, such as 0.2.0.dev5+gabc")
    epoch, release, pre, post, dev, local = parts.groups()
    return "".join(
        (
            f"{epoch}:" if epoch else "",
            release,
            f"~pre.{pre}" if pre else "",
            f"+post{post}" if post else "",
            f"~dev{dev}" if dev else "",
            f"+{local.replace('_', '.')}" if local else "",
        )
    )


if __name__ == "__main__":
    print(debian_version(Path(sys.argv[1]).name.split("-")[1]))
