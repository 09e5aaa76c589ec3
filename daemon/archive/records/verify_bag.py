"""Verifies bags: every file against every manifest, and each generation against the one before it.

A generation is one set of manifests. A roll whose frames were cleaned again has several: the manifests of all but the
newest lie in `history/`, and the newest tag manifest names them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import PART_PREFIX, PART_SUFFIX
from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.archive.records.bag import (
    DECLARATION,
    DECLARED,
    FOLDERS,
    HISTORY,
    Digests,
    algorithms_of,
    below,
    digests_of,
    empty_folders,
    manifest_name,
    past_generations,
    past_name,
    payload,
    read_manifest,
    tag_manifest_name,
)
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.station.sections.bag import DigestAlgorithm

_Name = Callable[[DigestAlgorithm], str]


def verify_bag(bag: Path) -> Iterator[Problem]:
    """Read every file of a bag from the disk; yield each file that differs from the manifests.

    Every file of the bag has to be in each manifest, and every manifest has to be there and whole. What an earlier
    generation named has to be there as it was, but for sidecars.
    """
    algorithms = _expected(bag)
    problems = [
        *_compare(bag, algorithms, manifest_name, set(payload(bag))),
        *_compare(bag, algorithms, tag_manifest_name, set(tag_files(bag))),
    ]
    yield from problems
    # A folder that lost its last file is named by that file already.
    empty = [
        folder for folder in empty_folders(bag) if not any(problem.path.is_relative_to(folder) for problem in problems)
    ]
    yield from _strange(sorted([*_other_folders(bag), *empty]))
    if not problems:
        yield from _verify_generations(bag)


def verify_part(bag: Path, name: str) -> Iterator[Problem]:
    """Read what lies in `data/<name>` from the disk; yield each file of it that differs from the bag's manifests.

    All parts and `verify_tags` together find what `verify_bag` finds.
    """
    part = bag / "data" / name
    has_folder = is_folder(part)
    present = set(below(part)) if has_folder else {path for path in (part,) if os.path.lexists(path)}
    problems = [*_compare(bag, _expected(bag), manifest_name, present, part)]
    yield from problems
    # A folder that lost its last file is named by that file already.
    if has_folder and not problems:
        yield from _strange(Path(top) for top, folders, files in os.walk(part) if not folders and not files)


def verify_tags(bag: Path) -> Iterator[Problem]:
    """Read every file of a bag but those of its payload; yield each that differs from the bag's tag manifests.

    Its manifests name what each earlier generation named.
    """
    algorithms = _expected(bag)
    problems = [*_compare(bag, algorithms, tag_manifest_name, set(tag_files(bag)))]
    # Without this, a manifest that cannot be read would be told only where the bag has a payload.
    _, unreadable_manifests = _listed(bag, algorithms, manifest_name)
    problems += unreadable_manifests
    yield from problems
    yield from _strange(_other_folders(bag))
    if not problems:
        yield from _verify_generations(bag)


def parts_of(bag: Path) -> set[str]:
    """Return every name directly below `data/` that a manifest of the bag names, or that is there."""
    data = bag / "data"
    found = {path.name for path in data.iterdir()} if is_folder(data) else set()
    # `verify_tags` tells what is wrong with a manifest.
    listed, _ = _listed(bag, _expected(bag), manifest_name)
    files = (path for one in listed.values() for path in one if path.is_relative_to(data))
    return found | {path.relative_to(data).parts[0] for path in files}


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


def changed_tags(bag: Path) -> Iterator[Problem]:
    """Yield each file beside the payload that differs from the tag manifests; others may lie there."""
    algorithms = _expected(bag)
    yield from _compare(bag, algorithms, tag_manifest_name, set())


def tag_files(bag: Path) -> Iterator[Path]:
    """Yield every file that the tag manifests have to name."""
    own = {tag_manifest_name(algorithm) for algorithm in DigestAlgorithm}
    yield from (path for path in bag.iterdir() if not is_folder(path) and path.name not in own)
    yield from below(bag / "metadata")
    yield from below(bag / HISTORY)


def past_payload(bag: Path, generation: int) -> dict[Path, Digests]:
    """Return what the manifests of a generation in `history/` list.

    Raises
    ------
    IntegrityError
        A manifest is missing or not whole.
    """
    algorithms = [
        one for one in DigestAlgorithm if os.path.lexists(bag / past_name(tag_manifest_name(one), generation))
    ]
    listed = {one: _read(bag, past_name(manifest_name(one), generation), one) for one in algorithms}
    return _by_file(listed)


def is_sidecar(bag: Path, path: Path) -> bool:
    """Return whether a file of the payload is the sidecar of a frame, which each revision of the frame changes."""
    return path.parent.parent == bag / "data" and path.name == f"{path.parent.name}.json"


def _verify_generations(bag: Path) -> Iterator[Problem]:
    now = _by_file({one: _read(bag, manifest_name(one), one) for one in algorithms_of(bag)})
    numbers = past_generations(bag)
    for number in range(1, max(numbers, default=0) + 1):
        try:
            past = past_payload(bag, number)
        except IntegrityError as error:
            yield Problem(bag / HISTORY, ProblemKind.CHANGED, str(error))
            continue
        if number not in numbers:
            message = f"expected the manifests of generation {number}, found none"
            yield Problem(bag / HISTORY, ProblemKind.MISSING, message)
        yield from _lost_since(bag, number, past, now)


def _lost_since(bag: Path, number: int, past: Mapping[Path, Digests], now: Mapping[Path, Digests]) -> Iterator[Problem]:
    """Yield each file of an earlier generation that the newest one does not name, or names with another digest."""
    for path, digests in past.items():
        known = now.get(path)
        if known is None:
            message = f"expected a file of generation {number} in all later ones, found it missing"
            yield Problem(path, ProblemKind.MISSING, message)
        elif not is_sidecar(bag, path) and any(known[one] != digests[one] for one in known.keys() & digests.keys()):
            yield Problem(path, ProblemKind.CHANGED, f"expected the file of generation {number}, found another content")


def _expected(bag: Path) -> tuple[DigestAlgorithm, ...]:
    names = [one for one in DigestAlgorithm if os.path.lexists(bag / manifest_name(one))]
    found = {*algorithms_of(bag), *names}
    return tuple(one for one in DigestAlgorithm if one in found) or (DigestAlgorithm.SHA512,)


def _other_folders(bag: Path) -> list[Path]:
    return sorted(path for path in bag.iterdir() if is_folder(path) and path.name not in FOLDERS)


def _strange(folders: Iterable[Path]) -> Iterator[Problem]:
    for folder in folders:
        yield Problem(folder, ProblemKind.CHANGED, "expected only folders of files that the bag names, found this one")


def _listed(
    bag: Path, algorithms: Collection[DigestAlgorithm], name: _Name
) -> tuple[dict[DigestAlgorithm, dict[Path, str]], tuple[Problem, ...]]:
    """Return what the manifests list, and what is wrong with those that cannot be read."""
    listed: dict[DigestAlgorithm, dict[Path, str]] = {}
    problems: list[Problem] = []
    for algorithm in algorithms:
        path = bag / name(algorithm)
        found = read_or_problem(path, bag, algorithm)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            listed[algorithm] = found
    return listed, tuple(problems)


def _compare(
    bag: Path, algorithms: Collection[DigestAlgorithm], name: _Name, present: set[Path], part: Path | None = None
) -> Iterator[Problem]:
    """Compare files with the manifests, or with those of their lines that are about a part of the bag."""
    listed, problems = _listed(bag, algorithms, name)
    yield from problems
    for file, digests in _by_file(listed).items():
        if part is None or file.is_relative_to(part):
            yield from check_listed(file, digests)
    unlisted = set().union(*(present - files.keys() for files in listed.values()))
    for file in sorted(unlisted):
        is_part = file.name.startswith(PART_PREFIX) and file.name.endswith(PART_SUFFIX)
        kind = ProblemKind.UNLISTED if is_part else ProblemKind.CHANGED
        yield Problem(file, kind, "expected only files that the bag's manifest names, found this one")


def read_or_problem(path: Path, bag: Path, algorithm: DigestAlgorithm) -> dict[Path, str] | Problem:
    """Return the files that a manifest lists, each with its digest, or what is wrong with the manifest."""
    try:
        return read_manifest(read_plain(path), bag, algorithm)
    except FileNotFoundError:
        return Problem(path, ProblemKind.MISSING, "expected the manifest of a sealed roll, found no file")
    except OSError as error:
        return unreadable(path, error)
    except ValueError as error:
        return Problem(path, ProblemKind.CHANGED, str(error))


def check_listed(file: Path, digests: Digests) -> Iterator[Problem]:
    """Read a file from the disk; yield a problem if it is not the one that a manifest lists."""
    try:
        found = digests_of(file, digests, from_disk=True)
    except FileNotFoundError:
        yield Problem(file, ProblemKind.MISSING, "expected a file that the bag's manifest names, found none")
    except OSError as error:
        yield unreadable(file, error)
    else:
        for algorithm, digest in digests.items():
            if found[algorithm] != digest:
                name = algorithm.upper().replace("SHA", "SHA-")
                message = f"expected {name} {digest[:16]}..., found {found[algorithm][:16]}..."
                yield Problem(file, ProblemKind.CHANGED, message)
                return


def _by_file(listed: Mapping[DigestAlgorithm, Mapping[Path, str]]) -> dict[Path, Digests]:
    files: Iterable[Path] = dict.fromkeys(path for one in listed.values() for path in one)
    return {path: {one: known[path] for one, known in listed.items() if path in known} for path in files}


def _read(bag: Path, name: str, algorithm: DigestAlgorithm) -> dict[Path, str]:
    try:
        return read_manifest(read_plain(bag / name), bag, algorithm)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{bag / name}: expected a manifest of the bag: {error}") from error


def is_folder(path: Path) -> bool:
    """Return whether a real folder lies at a path, not a link to one."""
    return path.is_dir() and not path.is_symlink()
