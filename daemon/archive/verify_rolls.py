"""Verifies rolls, or the whole archive, by reading every file."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.daemon.archive.bag import verify_bag
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_frame import Problem, ProblemKind
from filmscand.daemon.core.errors import FrameMissingError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of a verification.

    Attributes
    ----------
    verified : int
        Number of frames whose files were compared.
    incomplete : tuple of str
        Frames without a sidecar, which are not cleaned yet.
    problems : tuple of Problem
        Files that differ from their records.
    """

    verified: int
    incomplete: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def damaged(self) -> bool:
        """Whether any archived file is lost, unreadable or changed."""
        return any(problem.is_damage for problem in self.problems)


def verify_rolls(archive: Archive, rolls: tuple[str, ...] = ()) -> Verification:
    """Verify rolls: open rolls by the sidecars of their frames, sealed rolls by the manifests of their bags.

    Parameters
    ----------
    archive : Archive
        The archive.
    rolls : tuple of str
        Rolls as `collection/box/roll`; none: all rolls.

    Raises
    ------
    FrameMissingError
        A roll that was named has no frames.
    """
    selected = {roll.strip("/") for roll in rolls}
    frames = [frame for frame in archive.frames() if not selected or str(frame.roll_folder) in selected]
    if absent := selected - {str(frame.roll_folder) for frame in frames}:
        raise FrameMissingError(f"{archive.root}: expected frames in {', '.join(sorted(absent))}, found none")
    sealed = {frame.roll_folder for frame in frames if archive.is_sealed(frame)}
    incomplete: list[str] = []
    problems = [problem for roll in sorted(sealed) for problem in verify_bag(archive.root / roll)]
    verified = 0
    for frame in frames:
        if frame.roll_folder in sealed:
            # `verify_bag` has compared every file of the frame already.
            verified += 1
        elif archive.is_complete(frame):
            verified += 1
            problems += _verify_frame(archive, frame)
        else:
            incomplete.append(str(frame))
    return Verification(verified, tuple(incomplete), tuple(problems))


def _verify_frame(archive: Archive, frame: FrameId) -> tuple[Problem, ...]:
    try:
        return archive.verify(frame)
    except IntegrityError as error:
        return (Problem(archive.frame_folder(frame).sidecar, ProblemKind.CHANGED, str(error)),)
