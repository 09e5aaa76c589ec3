"""BagIt bags (RFC 8493, version 1.0): the names and the content of their tag files, and what lies in them.

The `bagit` package of the Library of Congress is not used to write them: it writes version 0.97 and moves the payload.
It can read these bags.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.core.plain_file import open_plain
from filmscand.daemon.station.bag import DigestAlgorithm

DECLARATION: Final = "bagit.txt"
INFO: Final = "bag-info.txt"
VERSION: Final = "1.0"
DECLARED: Final = f"BagIt-Version: {VERSION}\nTag-File-Character-Encoding: UTF-8\n".encode()
# Manifests of earlier generations of a roll that was cleaned again; see `reopened`.
HISTORY: Final = "history"
FOLDERS: Final = frozenset({"data", "metadata", HISTORY})
# Lists of a roll's frames and files that other programs read; each sealing writes them anew.
FRAME_LIST: Final = "metadata/frames.csv"
PREMIS: Final = "metadata/premis.xml"
# What differs from one generation to the next, beside manifests and `bag-info.txt`.
WRITTEN_ANEW: Final = (FRAME_LIST, PREMIS, "metadata/events.jsonl")
# Digests of one file.
Digests = Mapping[DigestAlgorithm, str]
_HEX_DIGITS: Final = {DigestAlgorithm.SHA512: 128, DigestAlgorithm.SHA256: 64, DigestAlgorithm.MD5: 32}
_ESCAPED: Final = {"%": "%25", "\n": "%0A", "\r": "%0D"}


def manifest_name(algorithm: DigestAlgorithm) -> str:
    """Return the name of the manifest of the payload."""
    return f"manifest-{algorithm}.txt"


def tag_manifest_name(algorithm: DigestAlgorithm) -> str:
    """Return the name of the manifest of all other files."""
    return f"tagmanifest-{algorithm}.txt"


def algorithms_of(bag: Path) -> tuple[DigestAlgorithm, ...]:
    """Return the algorithms of the tag manifests that a bag has, strongest first."""
    return tuple(one for one in DigestAlgorithm if os.path.lexists(bag / tag_manifest_name(one)))


def past_name(name: str, generation: int) -> str:
    """Return the name, below the bag, under which a tag file of an earlier generation is kept."""
    stem, dot, ending = name.rpartition(".")
    return f"{HISTORY}/{stem}.{generation}{dot}{ending}"


def past_generations(bag: Path) -> list[int]:
    """Return the numbers of the earlier generations whose tag manifest is kept, oldest first."""
    pattern = re.compile(rf"tagmanifest-({'|'.join(DigestAlgorithm)})\.(?P<number>[1-9][0-9]*)\.txt")
    names = os.listdir(bag / HISTORY) if (bag / HISTORY).is_dir() else ()  # noqa: PTH208  names are all it needs
    return sorted({int(found["number"]) for name in names if (found := pattern.fullmatch(name))})


def payload(bag: Path) -> Iterator[Path]:
    """Yield every file of the payload, sorted by path; links, pipes and devices too, which nothing may open."""
    yield from sorted(below(bag / "data"))


def below(folder: Path) -> Iterator[Path]:
    """Yield whatever is no folder below a folder; links to folders are not followed."""
    for top, folders, files in os.walk(folder):
        yield from (Path(top, name) for name in files)
        yield from (path for name in folders if (path := Path(top, name)).is_symlink())


def empty_folders(bag: Path) -> Iterator[Path]:
    """Yield every folder of the payload that holds nothing: a bag cannot name them."""
    yield from sorted(Path(top) for top, folders, files in os.walk(bag / "data") if not folders and not files)


def digests_of(path: Path, algorithms: Collection[DigestAlgorithm], *, from_disk: bool = False) -> Digests:
    """Return the digests of a file, as hexadecimal digits; see `hash_file` for `from_disk` and the errors."""
    found = hash_file(path, from_disk=from_disk)
    digests = {DigestAlgorithm.SHA512: found.sha512, DigestAlgorithm.SHA256: found.sha256}
    if DigestAlgorithm.MD5 in algorithms:
        # Archives that still ask for MD5 are few: a second reading spares all others a third hash.
        with open_plain(path) as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        digests[DigestAlgorithm.MD5] = md5.hexdigest()
    return {one: digests[one] for one in algorithms}


def manifest(bag: Path, digests: Mapping[Path, str]) -> bytes:
    """Return the manifest that lists files of a bag by one digest each, given as hexadecimal digits."""
    lines = sorted((_escaped(path.relative_to(bag)), digest) for path, digest in digests.items())
    return "".join(f"{digest}  {path}\n" for path, digest in lines).encode()


def read_manifest(content: bytes, bag: Path, algorithm: DigestAlgorithm) -> dict[Path, str]:
    """Return the files that a manifest lists, each with its digest.

    Raises
    ------
    ValueError
        It is no whole manifest of this algorithm, lists a file twice, or one outside of the bag.
    """
    line_form = re.compile(rf"(?P<digest>[0-9a-fA-F]{{{_HEX_DIGITS[algorithm]}}})[ \t]+\*?(?P<path>\S.*)")
    listed: dict[Path, str] = {}
    # Not splitlines: a file name may hold one of the other characters at which that splits (U+0085, U+2028 ...).
    for number, line in enumerate(_decoded(content).removesuffix("\n").split("\n"), 1):
        entry = line_form.fullmatch(line)
        if entry is None or ".." in Path(entry["path"]).parts or Path(entry["path"]).is_absolute():
            wanted = f"a {algorithm.upper().replace('SHA', 'SHA-')} and a path below the bag"
            raise ValueError(f"line {number}: expected {wanted}, found {line[:80]!r}")
        path = bag / _unescaped(entry["path"])
        if path in listed:
            raise ValueError(f"line {number}: expected each file once, found {entry['path']!r} again")
        listed[path] = entry["digest"].lower()
    return listed


def bag_info(labels: Iterable[tuple[str, str]]) -> bytes:
    """Return the content of `bag-info.txt`, one line for each label; line breaks in values become spaces."""
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in labels).encode()


def read_bag_info(content: bytes) -> tuple[tuple[str, str], ...]:
    """Return the labels and values of a `bag-info.txt` that `bag_info` wrote."""
    lines = (line.partition(": ") for line in content.decode().split("\n") if line)
    return tuple((label, value) for label, _, value in lines)


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
