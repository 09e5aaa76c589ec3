"""BagIt bags (RFC 8493, version 1.0): the content of their tag files, and their verification.

The `bagit` package of the Library of Congress is not used to write them: it writes version 0.97 and moves the payload.
It can read these bags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.atomic_file import hash_file
from filmscand.daemon.archive.verify_frame import Problem, ProblemKind

DECLARATION: Final = "bagit.txt"
INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha512.txt"
TAG_MANIFEST: Final = "tagmanifest-sha512.txt"
DECLARED: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LINE: Final = re.compile(r"(?P<sha512>[0-9a-fA-F]{128})[ \t]+\*?(?P<path>\S.*)")
_ESCAPED: Final = {"%": "%25", "\n": "%0A", "\r": "%0D"}


def payload(bag: Path) -> Iterator[Path]:
    """Yield every file of the payload, sorted by path."""
    yield from sorted(path for path in (bag / "data").rglob("*") if path.is_file())


def manifest(bag: Path, sha512: Mapping[Path, str]) -> bytes:
    """Return the manifest that lists files of a bag by their SHA-512, given as hexadecimal digits."""
    lines = sorted((_escaped(path.relative_to(bag)), digest) for path, digest in sha512.items())
    return "".join(f"{digest}  {path}\n" for path, digest in lines).encode()


def bag_info(labels: Mapping[str, str]) -> bytes:
    """Return the content of `bag-info.txt`, one line for each label; line breaks in values become spaces."""
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in labels.items()).encode()


def verify_bag(bag: Path) -> Iterator[Problem]:
    """Read every file of a bag from the disk; yield each file that differs from the manifests."""
    yield from _compare(bag, MANIFEST, set(payload(bag)))
    yield from _compare(bag, TAG_MANIFEST, set())


def _compare(bag: Path, name: str, present: set[Path]) -> Iterator[Problem]:
    path = bag / name
    try:
        listed = _read_manifest(path.read_text("utf-8"), bag)
    except FileNotFoundError:
        yield Problem(path, ProblemKind.MISSING, "expected the manifest of a sealed roll, found no file")
    except OSError as error:
        yield Problem(path, ProblemKind.UNREADABLE, f"cannot read: {error.strerror or error}")
    except ValueError as error:
        yield Problem(path, ProblemKind.CHANGED, str(error))
    else:
        for file, sha512 in listed.items():
            yield from _check(file, sha512)
        for file in sorted(present - listed.keys()):
            yield Problem(
                file, ProblemKind.CHANGED, "expected only files that the bag's manifest names, found this one"
            )


def _check(file: Path, sha512: str) -> Iterator[Problem]:
    try:
        found = hash_file(file, from_disk=True).sha512
    except FileNotFoundError:
        yield Problem(file, ProblemKind.MISSING, "expected a file that the bag's manifest names, found none")
    except OSError as error:
        yield Problem(file, ProblemKind.UNREADABLE, f"cannot read: {error.strerror or error}")
    else:
        if found != sha512:
            yield Problem(file, ProblemKind.CHANGED, f"expected SHA-512 {sha512[:16]}..., found {found[:16]}...")


def _read_manifest(text: str, bag: Path) -> dict[Path, str]:
    listed = {}
    # Not splitlines: a file name may hold one of the other characters at which that splits (U+0085, U+2028 ...).
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, 1):
        entry = _LINE.fullmatch(line)
        if entry is None or ".." in Path(entry["path"]).parts:
            raise ValueError(f"line {number}: expected a SHA-512 and a path below the bag, found {line[:80]!r}")
        listed[bag / _unescaped(entry["path"])] = entry["sha512"].lower()
    return listed


def _escaped(path: Path) -> str:
    return "".join(_ESCAPED.get(letter, letter) for letter in path.as_posix())


def _unescaped(path: str) -> str:
    return path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
