"""Decides which files of a watch folder make one frame: a pure function of the complete files and of the time.

A picture that holds its infrared is a frame at once. A picture without infrared and a separate infrared file are the
two halves of a pair; either may arrive first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from filmscand.daemon.database.candidates import Candidate
from filmscand.daemon.station.configuration import PairRule
from filmscand.drivers.files.pairs import infrared_stem, name_key


@dataclass(frozen=True, slots=True)
class Arrived:
    """A complete file that belongs to no frame yet.

    Attributes
    ----------
    candidate : Candidate
        Its row in the database.
    holds_infrared : bool
        The file is a picture that holds its own infrared plane.
    doubt : str or None
        Why the file can be read in more than one way while it has no separate infrared file; None if it cannot.
    is_picture : bool
        It holds a picture in colours, although its name is that of an infrared file: what it holds goes before its
        name.
    """

    candidate: Candidate
    holds_infrared: bool
    doubt: str | None = None
    is_picture: bool = False

    @property
    def is_half(self) -> bool:
        """Whether it is the infrared half of a pair."""
        return not self.is_picture and infrared_stem(PurePosixPath(self.candidate.path).name) is not None

    @property
    def keys(self) -> frozenset[str]:
        """The keys that it shares with the other half of its pair."""
        return _infrared_keys(self.candidate.path) if self.is_half else _picture_keys(self.candidate.path)


@dataclass(frozen=True, slots=True)
class ClaimFrame:
    """Decision: these files are one frame.

    Attributes
    ----------
    infrared : Candidate or None
        The separate infrared file; None if there is none.
    infrared_timed_out : bool
        The infrared was waited for, but did not arrive in time.
    """

    picture: Candidate
    infrared: Candidate | None
    infrared_timed_out: bool = False


@dataclass(frozen=True, slots=True)
class LeaveToPerson:
    """Decision: the rules cannot tell what this file is, a person has to.

    Attributes
    ----------
    reason : str
        What is wrong, for the person.
    is_lone_infrared : bool
        It is an infrared whose picture did not come; it may be the late infrared of a frame in the archive.
    """

    candidate: Candidate
    reason: str
    is_lone_infrared: bool = False


@dataclass(frozen=True, slots=True)
class WaitForPartner:
    """Decision: the other half may still arrive, `until` this time in seconds since the epoch."""

    candidate: Candidate
    until: float


Decision = ClaimFrame | LeaveToPerson | WaitForPartner


@dataclass(frozen=True, slots=True)
class PairRules:
    """Whether a half waits for the other one, and for how many seconds."""

    rule: PairRule
    timeout_s: float


def decide_pairs(arrived: Iterable[Arrived], incomplete: Iterable[str], rules: PairRules, now: float) -> list[Decision]:
    """Decide what happens to every complete file.

    Parameters
    ----------
    arrived : iterable of Arrived
        Complete files that belong to no frame yet.
    incomplete : iterable of str
        Paths of files that are still being written, below the watch folder. Their other halves wait for them without
        a time limit.
    rules : PairRules
        Rules of the watch folder.
    now : float
        Current time, seconds since the epoch.

    Returns
    -------
    list of Decision
        In natural order of the file names: frame 10 comes after frame 9.
    """
    ordered = sorted(arrived, key=lambda one: natural_key(one.candidate.path))
    if rules.rule is PairRule.NONE:
        return [ClaimFrame(one.candidate, None) for one in ordered]
    incomplete_keys = {key for path in incomplete for key in pair_keys(path)}
    decisions: list[Decision] = []
    for group in _groups(ordered):
        decisions += _decide_group(group, incomplete_keys, rules, now)
    return decisions


def natural_key(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that orders numbers within names by their value: `9` before `10`."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name_key(path))
    )


def pair_keys(path: str) -> frozenset[str]:
    """Return the keys that the halves of a pair share: folder and name of the picture, with and without its suffix.

    A file whose name is that of an infrared may be a picture all the same, with an infrared of its own.
    """
    return _picture_keys(path) | _infrared_keys(path)


def _picture_keys(path: str) -> frozenset[str]:
    name = PurePosixPath(path)
    return frozenset(name_key(f"{name.parent}/{one}") for one in (name.stem, name.name))


def _infrared_keys(path: str) -> frozenset[str]:
    name = PurePosixPath(path)
    stem = infrared_stem(name.name)
    return frozenset() if stem is None else frozenset([name_key(f"{name.parent}/{stem}")])


def is_named_like_half(path: str, rule: PairRule) -> bool:
    """Return whether the name of a file says that it is the infrared half of a pair."""
    return rule is not PairRule.NONE and infrared_stem(PurePosixPath(path).name) is not None


def _groups(ordered: Sequence[Arrived]) -> list[tuple[list[Arrived], list[Arrived]]]:
    halves: dict[str, list[Arrived]] = defaultdict(list)
    pictures: dict[str, list[Arrived]] = defaultdict(list)
    for one in ordered:
        if one.is_half:
            halves[min(one.keys)].append(one)
    for one in ordered:
        if not one.is_half:
            pictures[next((key for key in sorted(one.keys) if key in halves), min(one.keys))].append(one)
    return [(pictures[key], halves[key]) for key in dict.fromkeys([*pictures, *halves])]


def _decide_group(
    group: tuple[list[Arrived], list[Arrived]], incomplete: set[str], rules: PairRules, now: float
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
            *(LeaveToPerson(one.candidate, f"more than one pairing is possible: {names}") for one in (*bare, *halves)),
        ]
    if whole and halves:
        reason = f"{PurePosixPath(whole[0].candidate.path).name} holds its infrared itself"
        return [*decisions, *(LeaveToPerson(one.candidate, reason) for one in halves)]
    decisions += [_decide_picture(one, incomplete, rules, now) for one in bare]
    return decisions + [_decide_infrared(one, incomplete, rules, now) for one in halves]


def _decide_picture(one: Arrived, incomplete: set[str], rules: PairRules, now: float) -> Decision:
    picture = one.candidate
    until = picture.changed_at + rules.timeout_s
    if now < until or one.keys & incomplete:
        return WaitForPartner(picture, until)
    if one.doubt is not None:
        return LeaveToPerson(picture, one.doubt)
    if rules.rule is PairRule.OPTIONAL:
        return ClaimFrame(picture, None, infrared_timed_out=True)
    return LeaveToPerson(picture, _absent("infrared", rules))


def _decide_infrared(one: Arrived, incomplete: set[str], rules: PairRules, now: float) -> Decision:
    infrared = one.candidate
    until = infrared.changed_at + rules.timeout_s
    if now < until or one.keys & incomplete:
        return WaitForPartner(infrared, until)
    return LeaveToPerson(infrared, _absent("picture", rules), is_lone_infrared=True)


def _absent(half: str, rules: PairRules) -> str:
    return f"no {half} came within {rules.timeout_s:g} s" if rules.timeout_s else f"there is no {half} beside it"
