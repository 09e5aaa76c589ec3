"""Prints the licences of everything in a Python environment: for each package its name, version and all its texts.

    python packaging/licences.py ENVIRONMENT > THIRD-PARTY-LICENSES

A package that comes without any text is named at the end, with what its metadata say. Needs the standard library alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

_TEXT = re.compile(r"(licen[cs]es?|copying|notice|thirdpartynotices?)([._-].*)?$", re.IGNORECASE)
_CODE = {".py", ".pyc", ".pyi", ".so", ".h"}
_LINE = "=" * 100


def licences(site_packages: Path) -> Iterator[str]:
    """Yield the blocks of the listing: one for each package, by name, and the list of those without a text."""
    found = {one.name.lower(): one for one in distributions(path=[str(site_packages)])}
    # They installed the rest, and are no part of it.
    found = {name: one for name, one in found.items() if name not in ("pip", "setuptools")}
    without = []
    for _, package in sorted(found.items()):
        texts = list(_texts(package))
        if not texts:
            without.append(f"  {package.name} {package.version}: {declared(package)}")
        for name, text in texts:
            yield f"{_LINE}\n{package.name} {package.version}: {declared(package)}\n{name}\n{_LINE}\n\n{text.strip()}\n"
    if without:
        yield "\n".join((_LINE, "Without a text of their own:", *without, ""))


def declared(package: Distribution) -> str:
    """Return the licence that a package's metadata name."""
    words = package.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in words.get_all("Classifier", []) if line.startswith("License")]
    short = _field(package, "License")
    named = _field(package, "License-Expression") or ", ".join(classifiers) or ("" if "\n" in short else short)
    return named or "see its text"


def _field(package: Distribution, name: str) -> str:
    return "\n".join(package.metadata.get_all(name) or ()).strip()


def _texts(package: Distribution) -> Iterator[tuple[str, str]]:
    seen = set()
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if _TEXT.match(file.name) and file.suffix not in _CODE and path.is_file():
            text = path.read_text(errors="replace")
            if text not in seen:
                yield str(file), text
            seen.add(text)


def site_packages_of(environment: Path) -> Path:
    """Return the folder of an environment's packages.

    Raises
    ------
    FileNotFoundError
        The folder is no environment.
    """
    for folder in environment.glob("lib/python3.*/site-packages"):
        return folder
    raise FileNotFoundError(f"{environment}: expected a Python environment, with lib/python3.*/site-packages")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python packaging/licences.py ENVIRONMENT")
    print("\n".join(licences(site_packages_of(Path(sys.argv[1])))))
