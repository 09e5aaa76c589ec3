"""What a second cleaning made of a frame, as far as the two reports tell.

A report tells by which evidence a frame was cleaned and what a person should look at. It does not tell whether a
picture is good: more defects found may be more dust, or more of the picture taken for dust. So the number of defects
and the changed area alone make a frame neither better nor worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.database.frames import JobOutcome
from filmscand.daemon.database.sheets.cleanings import Findings, FrameCleaning
from filmscand.ir.report import Method


class Effect(StrEnum):
    """What changed.

    BETTER: the frame failed before and is cleaned now, or is cleaned by better evidence, or lost a caution; and nothing
    is worse. WORSE: the reverse. MIXED: both. OTHER: other numbers, and nothing that tells better from worse. SAME: the
    same findings.
    """

    BETTER = "better"
    WORSE = "worse"
    MIXED = "mixed"
    OTHER = "other"
    SAME = "same"


# The colours alone are weaker evidence than infrared, with or without them; without any, nothing was cleaned.
_EVIDENCE: Final = {Method.NONE: 0, Method.DETECTOR: 1, Method.INFRARED: 2, Method.FUSION: 2}


@dataclass(frozen=True, slots=True)
class Recleaned:
    """A frame before and after.

    Attributes
    ----------
    outcome : JobOutcome or None
        None: not finished; `error` tells why, if it is known.
    revision : int or None
        The revision that counts now.
    is_new : bool
        False: the revision was there before; nothing was added to the archive.
    before, after : Findings or None
        None where the frame was not cleaned, or is not known.
    effect : Effect or None
        None where the frame is not finished.
    gained, lost : tuple of str
        Caution codes that came and went.
    """

    frame: str
    outcome: JobOutcome | None
    revision: int | None
    is_new: bool
    error: str | None
    before: Findings | None
    after: Findings | None
    effect: Effect | None
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all frames.

    Attributes
    ----------
    effects : dict of str to int
        Number of frames by effect; frames that needed no cleaning are left out.
    done : int
        Frames that needed no cleaning; they are the last ones of `frames`.
    remaining : int
        Frames that a stopped run has not cleaned.
    """

    frames: tuple[Recleaned, ...]
    skipped: tuple[str, ...]
    effects: dict[str, int]
    done: int = 0
    remaining: int = 0

    @property
    def exit_status(self) -> Exit:
        """Exit status of the command."""
        if self.remaining:
            return Exit.FAILED
        failed = [one for one in self.frames if one.error is not None or one.outcome not in (None, JobOutcome.ARCHIVED)]
        return Exit.of(len(failed), len(self.frames))


def report_of(
    cleaned: Iterable[Recleaned], done: Iterable[Recleaned], skipped: Iterable[str], remaining: int = 0
) -> Report:
    """Return the report of a run: of frames that were cleaned, and of those that needed no cleaning."""
    listed, needless = tuple(cleaned), tuple(done)
    effects = Counter(one.effect for one in listed)
    counts = {str(effect): effects[effect] for effect in Effect}
    return Report((*listed, *needless), tuple(skipped), counts, len(needless), remaining)


def compare(before: FrameCleaning, now: FrameCleaning) -> Recleaned:
    """Return what came of a frame.

    Parameters
    ----------
    before : FrameCleaning
        The frame before it was queued.
    now : FrameCleaning
        The same frame, finished.
    """
    old, new = before.findings, now.findings
    cautions = [set() if one is None else set(one.cautions) for one in (old, new)]
    gained, lost = (tuple(sorted(one)) for one in (cautions[1] - cautions[0], cautions[0] - cautions[1]))
    return Recleaned(
        frame=str(now.frame),
        outcome=now.outcome,
        revision=now.revision,
        is_new=now.is_new,
        error=now.error if now.outcome is not JobOutcome.ARCHIVED else None,
        before=old,
        after=new,
        effect=_effect(before, now, gained, lost),
        gained=gained,
        lost=lost,
    )


def unfinished(frame: FrameCleaning, error: str | None = None) -> Recleaned:
    """Return a frame that is queued."""
    return Recleaned(str(frame.frame), None, None, False, error, frame.findings, None, None, (), ())


def _effect(before: FrameCleaning, now: FrameCleaning, gained: tuple[str, ...], lost: tuple[str, ...]) -> Effect:
    old, new = before.findings, now.findings
    if old is None or new is None:
        # Without two reports only the outcomes can be compared.
        return _told(now.outcome is JobOutcome.ARCHIVED and _failed(before), _failed(now) and old is not None)
    evidence = [_EVIDENCE.get(Method(one.method), 0) if one.method else 0 for one in (old, new)]
    better = evidence[1] > evidence[0] or bool(lost)
    worse = evidence[1] < evidence[0] or bool(gained)
    if not better and not worse and old != new:
        return Effect.OTHER
    return _told(better, worse)


def _failed(frame: FrameCleaning) -> bool:
    return frame.outcome in (JobOutcome.FAILED, JobOutcome.SET_ASIDE)


def _told(better: bool, worse: bool) -> Effect:
    if better and worse:
        return Effect.MIXED
    if better:
        return Effect.BETTER
    return Effect.WORSE if worse else Effect.SAME
