"""Frames cleaned again by the station's own workers, through its queue.

Only so many frames are in the queue at once. A frame that is scanned meanwhile waits for these and not for the whole
archive; and a frame that is not in the queue keeps its place, its report and its verdict on the page.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from filmscand.daemon.bulk.recleaning.comparison import Recleaned, compare, unfinished
from filmscand.daemon.bulk.recleaning.plan import Plan, names_of
from filmscand.daemon.database.sheets.cleanings import FrameCleaning, cleanings_of
from filmscand.daemon.maintenance.desk.desk import Desk
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.maintenance.temporary_service import POLL_S

# Frames in the queue for each worker: the smallest frame takes a worker 0.1 s, and the queue is filled up once it is
# half empty, every `POLL_S`.
_FOR_EACH_WORKER: Final = 8
# Frames that are handed in at once where nobody waits: each asks the archive whether its roll is sealed, and the
# service answers within seconds.
_HANDED_IN: Final = 500


@dataclass(frozen=True, slots=True)
class Local:
    """What a run needs of the station.

    Attributes
    ----------
    desk : Desk
        Where frames are handed in.
    connection : sqlite3.Connection
        A connection that reads.
    changes : Changes
        Changes of the frames' settings.
    workers : int
        Number of worker processes.
    keep_running : callable
        Called several times a second: starts a service if none runs.
    finish : callable
        Called after the last frame: waits until a service that was started has sealed again what it reopened.
    """

    desk: Desk
    connection: sqlite3.Connection
    changes: Changes
    workers: int
    keep_running: Callable[[], None]
    finish: Callable[[], None]


def clean_locally(plan: Plan, local: Local) -> Generator[Recleaned, None, None]:
    """Hand in the frames of a plan, little by little, and yield each when it is finished."""
    due, window = deque(plan.due), _FOR_EACH_WORKER * local.workers
    in_hand = {one.job_id: one for one in plan.queued}
    while due or in_hand:
        if due and len(in_hand) <= window // 2:
            in_hand |= _hand_in(list(_first(due, window - len(in_hand))), local)
        for ended in cleanings_of(local.connection, in_hand, finished=True):
            yield compare(in_hand.pop(ended.job_id), ended)
        if due or in_hand:
            local.keep_running()
            time.sleep(POLL_S)
    local.finish()


def hand_in_all(plan: Plan, local: Local) -> Generator[Recleaned, None, None]:
    """Hand in all frames of a plan, and wait for none."""
    due = deque(plan.due)
    while due:
        yield from map(unfinished, _hand_in(list(_first(due, _HANDED_IN)), local).values())
    yield from map(unfinished, plan.queued)


def _hand_in(frames: list[FrameCleaning], local: Local) -> dict[int, FrameCleaning]:
    """Queue frames; one that somebody else queued at the same moment is waited for, too."""
    local.desk.reclean(names_of(frames), local.changes, failed=False)
    return {one.job_id: one for one in frames}


def _first(due: deque[FrameCleaning], count: int) -> Iterator[FrameCleaning]:
    for _ in islice(range(len(due)), count):
        yield due.popleft()
