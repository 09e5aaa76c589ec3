"""Verifies what a reopened roll keeps of its last generation: its manifests, and all that no revision changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.records.bag import (
    DECLARATION,
    INFO,
    WRITTEN_ANEW,
    Digests,
    manifest_name,
    past_name,
    read_manifest,
    tag_manifest_name,
)
from filmscand.daemon.archive.records.reopened import Reopening, past_tag_manifest, read_reopening
from filmscand.daemon.archive.records.verify_bag import check_listed, is_sidecar, verify_declaration
from filmscand.daemon.core.errors import DaemonError, IntegrityError
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.station.bag import DigestAlgorithm


@dataclass(frozen=True, slots=True)
class LastGeneration:
    """The generation that was valid when a roll was reopened.

    Attributes
    ----------
    payload, tags : mapping
        Digests of each file of the payload, and of each other file.
    """

    payload: Mapping[Path, Digests] = field(default_factory=dict)
    tags: Mapping[Path, Digests] = field(default_factory=dict)


def last_generation(bag: Path, noted: Reopening) -> LastGeneration:
    """Return what the manifests of the generation that was reopened list, wherever they lie now.

    Raises
    ------
    IntegrityError
        One of them is missing or was changed.
    """
    payload: dict[Path, dict[DigestAlgorithm, str]] = {}
    tags: dict[Path, dict[DigestAlgorithm, str]] = {}
    for algorithm in (one for one in DigestAlgorithm if tag_manifest_name(one) in noted.tag_manifests):
        for path, digest in _listed(bag, past_tag_manifest(bag, noted, tag_manifest_name(algorithm)), algorithm):
            tags.setdefault(path, {})[algorithm] = digest
    for algorithm in {one: None for digests in tags.values() for one in digests}:
        manifest = _kept(bag, noted, manifest_name(algorithm), tags[bag / manifest_name(algorithm)])
        for path, digest in _listed(bag, manifest, algorithm):
            payload.setdefault(path, {})[algorithm] = digest
    return LastGeneration(payload, tags)


def verify_reopened(bag: Path) -> Iterator[Problem]:
    """Read every file of the last generation that a revision does not change, and compare it with the manifests."""
    yield from verify_declaration(bag)
    try:
        noted = read_reopening(bag)
        last = None if noted is None else last_generation(bag, noted)
    except DaemonError as error:
        yield Problem(bag / REOPENED, ProblemKind.CHANGED, str(error))
        return
    for path, digests in (last.payload if last else {}).items():
        if not is_sidecar(bag, path):
            yield from check_listed(path, digests)
    yield from changed_lasting(bag, last or LastGeneration())


def named_before(bag: Path) -> frozenset[Path]:
    """Return the files of the payload that the last generation of a reopened roll names; none if it cannot be read."""
    try:
        noted = read_reopening(bag)
        return frozenset() if noted is None else frozenset(last_generation(bag, noted).payload)
    except DaemonError:
        return frozenset()


def changed_lasting(bag: Path, last: LastGeneration) -> Iterator[Problem]:
    """Yield each file beside the payload that no generation changes, and that differs: roll record, history, notes."""
    changing = {bag / name for name in (DECLARATION, INFO, *WRITTEN_ANEW, *map(manifest_name, DigestAlgorithm))}
    for path, digests in last.tags.items():
        if path not in changing:
            yield from check_listed(path, digests)


def _kept(bag: Path, noted: Reopening, name: str, digests: Digests) -> Path:
    """Return where a manifest of the last generation lies now: in `history/`, or in its place."""
    places = (bag / past_name(name, noted.generation), bag / name)
    for path in places:
        if not list(check_listed(path, digests)):
            return path
    raise IntegrityError(f"{places[1]}: expected the manifest of generation {noted.generation}, found another one")


def _listed(bag: Path, manifest: Path, algorithm: DigestAlgorithm) -> list[tuple[Path, str]]:
    try:
        return list(read_manifest(read_plain(manifest), bag, algorithm).items())
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{manifest}: expected a manifest of the bag: {error}") from error
