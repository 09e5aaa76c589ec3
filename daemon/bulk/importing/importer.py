"""Takes group after group: numbers are given in the order of the files, copies run side by side.

look at the files, hash them (threads) -> decide, reserve a number (in order) -> copy, queue (threads)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from filmscand.daemon.bulk.importing.campaign import Campaign
from filmscand.daemon.bulk.importing.claims import Claims
from filmscand.daemon.bulk.importing.files import Group, Tree, grouped, require_there
from filmscand.daemon.bulk.importing.hands import Hands
from filmscand.daemon.bulk.importing.looking import LookedFile, decide, look_at_group
from filmscand.daemon.bulk.importing.report import Fate, FileFate, Tell
from filmscand.daemon.core.errors import FrameExistsError, FrameIdError, SourceChangedError, SourceUnreadableError
from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.candidates import Candidate, CandidateState
from filmscand.daemon.database.frames import Job, JobState, SourceFile
from filmscand.daemon.ingest.claiming.late import NotItsInfraredError
from filmscand.daemon.ingest.pairs.pairing import ClaimFrame, LeaveToPerson
from filmscand.daemon.ingest.watching.arrivals import TIME_FLAG

# Groups that are looked at, and frames that are copied, ahead of the one at hand, for each thread.
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class HandTools:
    """What one thread works with."""

    inspector: Inspector
    claims: Claims


@dataclass(frozen=True, slots=True)
class _Frame:
    """Files that are one frame, before they are claimed."""

    rows: Sequence[Candidate]
    sources: Sequence[SourceFile]
    flags: tuple[str, ...]
    awaits_infrared: bool


class Importer:
    """One import under way.

    Parameters
    ----------
    claims : Claims
        The claims of the calling thread.
    hands : Hands
        The threads that look and copy, each with its own claims.
    count : int
        Number of the threads.
    tell : callable
        Called with what became of each file, once.
    """

    def __init__(self, campaign: Campaign, claims: Claims, hands: Hands[HandTools], count: int, tell: Tell) -> None:
        self._campaign = campaign
        self._claims = claims
        self._hands = hands
        self._ahead = _AHEAD * count
        self._on_told = tell
        self._told: set[str] = set()
        self._storing: deque[tuple[Job, Sequence[Candidate], Future[Job | None]]] = deque()
        self._postponed: list[Callable[[], None]] = []

    def run(self, tree: Tree) -> None:
        """Import every file of a tree.

        Raises
        ------
        TransientError
            The archive or the folder is gone, or a disk fails. Nothing is lost: another import goes on.
        """
        self._resume()
        known, lost = self._claims.known(tree)
        self._claims.forget(lost)
        for path, job in known.items():
            if path not in self._told:
                told = f"imported before, as {job.frame}"
                self._tell(FileFate(path, Fate.DUPLICATE, str(job.frame), reason=told))
        looking: deque[Future[tuple[LookedFile, ...]]] = deque()
        for group in grouped((path for path in tree.films if path not in self._told), self._campaign.pair):
            looking.append(self._hands.give(partial(_look, campaign=self._campaign, tree=tree, group=group)))
            if len(looking) > self._ahead:
                self._follow(tree, looking.popleft().result())
        while looking:
            self._follow(tree, looking.popleft().result())
        self._collect(0)
        for decide_again in self._postponed:
            decide_again()
        self._collect(0)
        self._claims.release()
        # A folder that went away on the way looks like one of files that cannot be read.
        require_there(self._campaign.path, tree)

    def _resume(self) -> None:
        """Continue the claims at which an earlier import was killed; what had to be given up begins anew."""
        interrupted = self._claims.interrupted()
        if interrupted:
            self._claims.archive.remove_leftovers(job.frame for job, _ in interrupted)
        for job, rows in interrupted:
            self._storing.append((job, rows, self._hands.give(partial(_resume, row=rows[0]))))
            self._collect(self._ahead, anew=True)
        self._collect(0, anew=True)
        self._claims.forget_unfinished()

    def _follow(self, tree: Tree, files: Sequence[LookedFile]) -> None:
        by_path = {file.path: file for file in files}
        refused = [file for file in files if file.looked is None]
        if refused:
            require_there(self._campaign.path, tree)
        for file in refused:
            self._tell(FileFate(file.path, Fate.REJECTED, reason=file.problem))
        for decision in decide(self._campaign, tree, files):
            match decision:
                case ClaimFrame(picture, infrared, timed_out):
                    paths = [row.path for row in (picture, infrared) if row is not None]
                    # An infrared file beside it cannot be read: a better one may come.
                    awaits = timed_out and bool(refused)
                    self._claim(tree, [by_path[path] for path in paths], awaits_infrared=awaits)
                case LeaveToPerson(row, reason, is_lone_infrared):
                    self._leave(tree, by_path[row.path], reason, is_lone_infrared=is_lone_infrared)
                case _:
                    raise AssertionError(f"{decision}: nothing is waited for in an import")

    def _claim(self, tree: Tree, files: Sequence[LookedFile], *, awaits_infrared: bool) -> None:
        rows = self._claims.arrive(tree, [file.path for file in files])
        roles = (Role.RAW, Role.INFRARED)
        sources = [replace(_hashed(file), role=str(role)) for file, role in zip(files, roles, strict=False)]
        flags = [flag for file in files for flag in file.flags]
        flags += [TIME_FLAG for row in rows if row.is_dated_ahead]
        self._reserve(_Frame(rows, sources, tuple(dict.fromkeys(flags)), awaits_infrared), may_wait=True)

    def _reserve(self, frame: _Frame, *, may_wait: bool) -> None:
        rows = frame.rows
        try:
            job = self._claims.claimer.reserve(
                rows, frame.sources, awaits_infrared=frame.awaits_infrared, file_flags=frame.flags
            )
        except (FrameExistsError, FrameIdError) as error:
            self._give_up(rows, Fate.REJECTED, str(error))
            return
        if job is not None and job.state is JobState.RESERVED:
            self._storing.append((job, rows, self._hands.give(partial(_store, job=job))))
            self._collect(self._ahead)
            return
        current = [row for row in map(self._claims.candidates.reload, rows) if row is not None]
        if may_wait and all(row.state is CandidateState.COMPLETE for row in current):
            # The frame that has the picture is just being copied, perhaps by this import.
            again = replace(frame, rows=current)
            self._postponed.append(lambda: self._reserve(again, may_wait=False))
            return
        for row in current:
            self._tell_of(row, job)

    def _tell_of(self, row: Candidate, job: Job | None) -> None:
        """Tell of a file whose picture the station knew."""
        match row.state:
            case CandidateState.DUPLICATE:
                known = self._claims.job_of(row)
                frame = None if known is None else str(known.frame)
                self._tell(FileFate(row.path, Fate.DUPLICATE, frame, reason=row.reason))
            case CandidateState.STORED:
                self._tell(FileFate(row.path, Fate.IMPORTED, str(job.frame) if job else None, reason=row.reason))
            case CandidateState.AMBIGUOUS:
                self._give_up([row], Fate.REJECTED, row.reason or "")
            case _:
                self._give_up([row], Fate.WAITING, f"{row.reason}. Import again then")

    def _leave(self, tree: Tree, file: LookedFile, reason: str, *, is_lone_infrared: bool) -> None:
        job = self._claims.late.find(file.path) if is_lone_infrared else None
        if job is None or job.source not in tree.films:
            self._tell(FileFate(file.path, Fate.REJECTED, reason=reason))
        else:
            # Comparing its planes with the picture takes seconds: first everything else.
            self._postponed.append(lambda: self._take_late(tree, file, job))

    def _take_late(self, tree: Tree, file: LookedFile, job: Job) -> None:
        """Give an infrared file to the frame of the picture beside it, which an earlier import took without it."""
        if job.state is not JobState.FINISHED:
            reason = f"its picture is {job.frame}, which is not cleaned yet. Import again when it is"
            self._tell(FileFate(file.path, Fate.WAITING, reason=reason))
            return
        (row,) = self._claims.arrive(tree, [file.path])
        try:
            taken = self._claims.late.take(row, job, same_picture=True)
        except (NotItsInfraredError, FrameExistsError, SourceChangedError) as error:
            self._give_up([row], Fate.REJECTED, str(error))
            return
        current = self._claims.candidates.reload(row)
        if current is not None:
            self._tell_of(current, taken)

    def _collect(self, leave: int, *, anew: bool = False) -> None:
        """Wait until at most `leave` frames are being stored, and tell of the others; see `_give_up`."""
        while len(self._storing) > leave:
            job, rows, future = self._storing.popleft()
            try:
                future.result()
            except (SourceChangedError, SourceUnreadableError) as error:
                self._give_up(rows, Fate.WAITING, f"{error}. Import again when it can be read", anew=anew)
            except (FrameExistsError, FrameIdError) as error:
                self._give_up(rows, Fate.REJECTED, str(error), anew=anew)
            else:
                for row in rows:
                    self._tell(FileFate(row.path, Fate.IMPORTED, str(job.frame)))

    def _give_up(self, rows: Sequence[Candidate], fate: Fate, reason: str, *, anew: bool = False) -> None:
        """Tell of files that are not taken; a claim that the next import goes on with keeps its rows.

        Parameters
        ----------
        anew : bool
            This import begins anew with files whose claim had to be given up: nothing is told of them yet.
        """
        for row in rows:
            current = self._claims.candidates.reload(row)
            is_claimed = current is not None and current.state is CandidateState.CLAIMED
            if current is not None and not is_claimed:
                self._claims.forget([current])
            if is_claimed or not anew:
                self._tell(FileFate(row.path, fate, reason=reason))

    def _tell(self, file: FileFate) -> None:
        self._told.add(file.path)
        self._on_told(file)


def _look(tools: HandTools, campaign: Campaign, tree: Tree, group: Group) -> tuple[LookedFile, ...]:
    return look_at_group(tools.inspector, campaign, tree, group, whole=True)


def _store(tools: HandTools, job: Job) -> Job:
    return tools.claims.claimer.store(job)


def _resume(tools: HandTools, row: Candidate) -> Job | None:
    return tools.claims.claimer.resume(row)


def _hashed(file: LookedFile) -> SourceFile:
    assert file.source is not None  # a file without a problem was read to its end
    return file.source
