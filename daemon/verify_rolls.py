"""Verifies whole rolls, or the whole archive."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.archive import Archive
from daemon.errors import FrameMissingError, IntegrityError
from daemon.verify import Problem, ProblemKind


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of reading frames back; `incomplete` names frames without a sidecar, which are still on their way."""

    verified: int
    incomplete: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def damaged(self) -> bool:
        """Whether anything that was archived is lost or changed."""
        return any(problem.is_damage for problem in self.problems)


def verify_rolls(archive: Archive, rolls: tuple[str, ...] = ()) -> Verification:
    """Verify the frames of the named rolls (`collection/box/roll`), or all.

    Raises
    ------
    FrameMissingError
        A named roll has no frames.
    """
    wanted = {roll.strip("/") for roll in rolls}
    frames = [frame for frame in archive.frames() if not wanted or str(frame.roll_folder) in wanted]
    if absent := wanted - {str(frame.roll_folder) for frame in frames}:
        raise FrameMissingError(f"{archive.root}: expected frames in {', '.join(sorted(absent))}, found none")
    incomplete: list[str] = []
    problems: list[Problem] = []
    verified = 0
    for frame in frames:
        if not archive.is_complete(frame):
            incomplete.append(str(frame))
            continue
        verified += 1
        try:
            problems += archive.verify(frame)
        except IntegrityError as error:
            problems.append(Problem(archive.sidecar_path(frame), ProblemKind.CHANGED, str(error)))
    return Verification(verified, tuple(incomplete), tuple(problems))
