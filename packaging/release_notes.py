"""Prints the section of CHANGELOG.md that belongs to a version: the notes of its release.

    python packaging/release_notes.py VERSION

A development version gets the section [Unreleased]; a release without a section of its own is an error.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"


def release_notes(changelog: str, version: str) -> str:
    """Return the text below the heading of a version.

    Raises
    ------
    ValueError
        There is no such section, or it is empty.
    """
    wanted = "Unreleased" if ".dev" in version else version
    sections = re.split(r"^## \[(.+?)\].*$", changelog, flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    notes = found.get(wanted, "").strip()
    if not notes:
        there = ", ".join(found)
        raise ValueError(f"CHANGELOG.md: expected a section '## [{wanted}]' with what changed, found {there}")
    return f"{notes}\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python packaging/release_notes.py VERSION")
    try:
        print(release_notes(CHANGELOG.read_text(), sys.argv[1]), end="")
    except ValueError as error:
        sys.exit(str(error))
