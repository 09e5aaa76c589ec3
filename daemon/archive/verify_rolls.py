"""Verifies whole rolls, or the whole archive."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.daemon.archive.bag import verify_bag
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_frame import Problem, ProblemKind
from filmscand.daemon.core.errors import FrameMissingError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId


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
    """Verify the named rolls (`collection/box/roll`), or all: open ones by their sidecars, sealed ones as bags.

    Raises
    ------
    FrameMissingError
        A named roll has no frames.
    """
    wanted = {roll.strip("/") for roll in rolls}
    frames = [frame for frame in archive.frames() if not wanted or str(frame.roll_folder) in wanted]
    if absent := wanted - {str(frame.roll_folder) for frame in frames}:
        raise FrameMissingError(f"{archive.root}: expected frames in {', '.join(sorted(absent))}, found none")
    sealed = {frame.roll_folder for frame in frames if archive.is_sealed(frame)}
    incomplete: list[str] = []
    problems = [problem for roll in sorted(sealed) for problem in verify_bag(archive.root / roll)]
    verified = 0
    for frame in frames:
        if frame.roll_folder in sealed:
            # The manifests of its bag name every file, and have been compared.
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
        return (Problem(archive.sidecar_path(frame), ProblemKind.CHANGED, str(error)),)
