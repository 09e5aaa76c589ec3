"""Which files of a watch folder make one frame: a pure function of what has arrived and of the time.

Either half of a pair may come first. A picture with its infrared inside waits for nobody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from filmscand.daemon.database.candidates import Candidate
from filmscand.daemon.station.configuration import PairRule
from filmscand.drivers.files.reader import infrared_stem


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file.

    Attributes
    ----------
    candidate : Candidate
        Its row.
    holds_infrared : bool
        It is a picture with its infrared inside.
    """

    candidate: Candidate
    holds_infrared: bool


@dataclass(frozen=True, slots=True)
class ClaimFrame:
    """These files are a frame; `infrared_timed_out` where its infrared was waited for and did not come."""

    picture: Candidate
    infrared: Candidate | None
    infrared_timed_out: bool = False


@dataclass(frozen=True, slots=True)
class LeaveToPerson:
    """A person has to say what this file is."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True, slots=True)
class WaitForPartner:
    """The other half may still come."""

    candidate: Candidate
    until: float


Decision = ClaimFrame | LeaveToPerson | WaitForPartner


@dataclass(frozen=True, slots=True)
class PairRules:
    """How long which pictures wait."""

    rule: PairRule
    timeout_s: float


def decide_pairs(arrived: Iterable[Arrived], coming: Iterable[str], rules: PairRules, now: float) -> list[Decision]:
    """Decide what becomes of every whole file.

    Parameters
    ----------
    arrived : iterable of Arrived
        Whole files that are no frame yet.
    coming : iterable of str
        Paths of files that are still being written: nobody times out on them.
    rules : PairRules
        The watch's.
    now : float
        Seconds since the epoch.

    Returns
    -------
    list of Decision
        In the natural order of the file names, so that frame 10 comes after frame 9.
    """
    ordered = sorted(arrived, key=lambda one: natural_key(one.candidate.path))
    if rules.rule is PairRule.NONE:
        return [ClaimFrame(one.candidate, None) for one in ordered]
    still_coming = {key for path in coming for key in pair_keys(path)}
    decisions: list[Decision] = []
    for group in _groups(ordered):
        decisions += _decide_group(group, still_coming, rules, now)
    return decisions


def natural_key(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts numbers within names by their value."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", path.casefold())
    )


def pair_keys(path: str) -> frozenset[str]:
    """Return what the halves of a pair have in common: folder and picture's name, with and without ending."""
    name = PurePosixPath(path)
    folder = str(name.parent)
    stem = infrared_stem(name.name)
    names = {name.stem, name.name} if stem is None else {stem}
    return frozenset(f"{folder}/{one}".casefold() for one in names)


def is_infrared_half(path: str, rule: PairRule) -> bool:
    """Tell by its name whether a file is the infrared of another."""
    return rule is not PairRule.NONE and infrared_stem(PurePosixPath(path).name) is not None


def _groups(ordered: Sequence[Arrived]) -> list[tuple[list[Arrived], list[Arrived]]]:
    halves: dict[str, list[Arrived]] = defaultdict(list)
    pictures: dict[str, list[Arrived]] = defaultdict(list)
    for one in ordered:
        path = one.candidate.path
        if infrared_stem(PurePosixPath(path).name) is not None:
            halves[min(pair_keys(path))].append(one)
    for one in ordered:
        path = one.candidate.path
        if infrared_stem(PurePosixPath(path).name) is None:
            keys = pair_keys(path)
            pictures[next((key for key in sorted(keys) if key in halves), min(keys))].append(one)
    return [(pictures[key], halves[key]) for key in dict.fromkeys([*pictures, *halves])]


def _decide_group(
    group: tuple[list[Arrived], list[Arrived]], coming: set[str], rules: PairRules, now: float
) -> list[Decision]:
    pictures, halves = group
    whole = [one for one in pictures if one.holds_infrared]
    bare = [one for one in pictures if not one.holds_infrared]
    decisions: list[Decision] = [ClaimFrame(one.candidate, None) for one in whole]
    if len(bare) == 1 and len(halves) == 1:
        return [*decisions, ClaimFrame(bare[0].candidate, halves[0].candidate)]
    if bare and halves:
        names = ", ".join(PurePosixPath(one.candidate.path).name for one in (*bare, *halves))
        return [
            *decisions,
            *(LeaveToPerson(one.candidate, f"several files fit each other: {names}") for one in (*bare, *halves)),
        ]
    if whole and halves:
        reason = f"{PurePosixPath(whole[0].candidate.path).name} holds its infrared itself"
        return [*decisions, *(LeaveToPerson(one.candidate, reason) for one in halves)]
    decisions += [_decide_bare(one.candidate, coming, rules, now) for one in bare]
    return decisions + [_decide_half(one.candidate, coming, rules, now) for one in halves]


def _decide_bare(picture: Candidate, coming: set[str], rules: PairRules, now: float) -> Decision:
    until = picture.changed_at + rules.timeout_s
    if now < until or pair_keys(picture.path) & coming:
        return WaitForPartner(picture, until)
    if rules.rule is PairRule.OPTIONAL:
        return ClaimFrame(picture, None, infrared_timed_out=True)
    return LeaveToPerson(picture, f"no infrared came within {rules.timeout_s:g} s")


def _decide_half(infrared: Candidate, coming: set[str], rules: PairRules, now: float) -> Decision:
    until = infrared.changed_at + rules.timeout_s
    if now < until or pair_keys(infrared.path) & coming:
        return WaitForPartner(infrared, until)
    return LeaveToPerson(infrared, f"no picture came within {rules.timeout_s:g} s")
