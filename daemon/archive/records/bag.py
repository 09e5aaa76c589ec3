"""BagIt bags (RFC 8493, version 1.0): the content of their tag files, and their verification.

The `bagit` package of the Library of Congress is not used to write them: it writes version 0.97 and moves the payload.
It can read these bags.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.core.errors import RollSealedError, storing
from filmscand.daemon.core.plain_file import read_plain

DECLARATION: Final = "bagit.txt"
INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha512.txt"
TAG_MANIFEST: Final = "tagmanifest-sha512.txt"
DECLARED: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_FOLDERS: Final = frozenset({"data", "metadata"})
_HEX_DIGITS: Final = {"sha512": 128, "sha256": 64, "md5": 32}
_ESCAPED: Final = {"%": "%25", "\n": "%0A", "\r": "%0D"}

# Tells of a roll's folder, relative to the archive, whether the station remembers that the roll was sealed.
WasSealed = Callable[[Path], bool]


def is_marked_sealed(root: ArchiveRoot, roll: Path) -> bool:
    """Return whether a roll has the file that is written last when it is sealed; `roll` is relative to the archive."""
    with storing(root.path / roll / DECLARATION, "read"), root.reading() as top:
        return os.path.lexists(top / roll / DECLARATION)


def require_open(root: ArchiveRoot, roll: Path, was_sealed: WasSealed | None) -> None:
    """Require that a roll is not sealed; one that lost the mark of it is sealed all the same.

    Raises
    ------
    RollSealedError
        The roll is sealed.
    """
    folder = root.path / roll
    if is_marked_sealed(root, roll):
        raise RollSealedError(f"{folder}: the roll is sealed and takes nothing more")
    if was_sealed is not None and was_sealed(roll):
        raise RollSealedError(
            f"{folder / DECLARATION}: this file is gone, but the roll was sealed and takes nothing more; restore the "
            "file from a copy of the archive, and run filmscand verify"
        )


def payload(bag: Path) -> Iterator[Path]:
    """Yield every file of the payload, sorted by path; links, pipes and devices too, which nothing may open."""
    yield from sorted(_below(bag / "data"))


def empty_folders(bag: Path) -> Iterator[Path]:
    """Yield every folder of the payload that holds nothing: a bag cannot name them."""
    yield from sorted(Path(top) for top, folders, files in os.walk(bag / "data") if not folders and not files)


def manifest(bag: Path, sha512: Mapping[Path, str]) -> bytes:
    """Return the manifest that lists files of a bag by their SHA-512, given as hexadecimal digits."""
    lines = sorted((_escaped(path.relative_to(bag)), digest) for path, digest in sha512.items())
    return "".join(f"{digest}  {path}\n" for path, digest in lines).encode()


def bag_info(labels: Mapping[str, str]) -> bytes:
    """Return the content of `bag-info.txt`, one line for each label; line breaks in values become spaces."""
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in labels.items()).encode()


def verify_bag(bag: Path) -> Iterator[Problem]:
    """Read every file of a bag from the disk; yield each file that differs from the manifests.

    Every file of the bag has to be in a manifest, and every manifest has to be there and whole.
    """
    tags = {path for path in bag.iterdir() if not _is_folder(path) and path.name != TAG_MANIFEST}
    tags.update(_below(bag / "metadata"))
    problems = [*_compare(bag, MANIFEST, set(payload(bag))), *_compare(bag, TAG_MANIFEST, tags)]
    yield from problems
    strange = [path for path in bag.iterdir() if _is_folder(path) and path.name not in _FOLDERS]
    # A folder that lost its last file is named by that file already.
    strange += [
        folder for folder in empty_folders(bag) if not any(problem.path.is_relative_to(folder) for problem in problems)
    ]
    for folder in sorted(strange):
        yield Problem(folder, ProblemKind.CHANGED, "expected only folders of files that the bag names, found this one")


def verify_declaration(bag: Path) -> Iterator[Problem]:
    """Compare the mark that a roll is sealed with what filmscand wrote."""
    path = bag / DECLARATION
    try:
        if read_plain(path) != DECLARED:
            yield Problem(path, ProblemKind.CHANGED, f"expected {DECLARED!r}, found another content")
    except FileNotFoundError:
        yield Problem(path, ProblemKind.MISSING, "expected the mark of a sealed roll, found no file")
    except OSError as error:
        yield unreadable(path, error)


def _below(folder: Path) -> Iterator[Path]:
    """Yield whatever is no folder below a folder; links to folders are not followed."""
    for top, folders, files in os.walk(folder):
        yield from (Path(top, name) for name in files)
        yield from (path for name in folders if (path := Path(top, name)).is_symlink())


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _compare(bag: Path, name: str, present: set[Path]) -> Iterator[Problem]:
    path = bag / name
    try:
        listed = read_manifest(read_plain(path), bag, "sha512")
    except FileNotFoundError:
        yield Problem(path, ProblemKind.MISSING, "expected the manifest of a sealed roll, found no file")
    except OSError as error:
        yield unreadable(path, error)
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
        yield unreadable(file, error)
    else:
        if found != sha512:
            yield Problem(file, ProblemKind.CHANGED, f"expected SHA-512 {sha512[:16]}..., found {found[:16]}...")


def read_manifest(content: bytes, bag: Path, algorithm: str) -> dict[Path, str]:
    """Return the files that a manifest lists, each with its digest.

    Raises
    ------
    ValueError
        It is no whole manifest of this algorithm, lists a file twice, or one outside of the bag.
    """
    text = _decoded(content)
    line_form = re.compile(rf"(?P<digest>[0-9a-fA-F]{{{_HEX_DIGITS[algorithm]}}})[ \t]+\*?(?P<path>\S.*)")
    listed: dict[Path, str] = {}
    # Not splitlines: a file name may hold one of the other characters at which that splits (U+0085, U+2028 ...).
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        entry = line_form.fullmatch(line)
        if entry is None or ".." in Path(entry["path"]).parts or Path(entry["path"]).is_absolute():
            wanted = algorithm.upper().replace("SHA", "SHA-")
            raise ValueError(f"line {number}: expected a {wanted} and a path below the bag, found {line[:80]!r}")
        path = bag / _unescaped(entry["path"])
        if path in listed:
            raise ValueError(f"line {number}: expected each file once, found {entry['path']!r} again")
        listed[path] = entry["digest"].lower()
    return listed


def _decoded(content: bytes) -> str:
    if not content:
        raise ValueError("expected a line for each file, found an empty file")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, found another byte at {error.start}") from None
    if not text.endswith("\n"):
        raise ValueError("expected a line break at the end, found a file that was cut off")
    return text


def _escaped(path: Path) -> str:
    return "".join(_ESCAPED.get(letter, letter) for letter in path.as_posix())


def _unescaped(path: str) -> str:
    return path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
