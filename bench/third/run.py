"""The run of the third bench: every frame is made and measured by itself, in as many processes as wanted."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from bench.peers.sanei_ir import SaneiIr, UnavailableError
from bench.third.frame import simulate_third
from bench.third.kinds import KINDS
from bench.third.pictures import scene_pictures
from bench.third.recipe import Kind
from bench.third.scores import OURS, Cleaner, Result, make_cleaners, score_answer
from bench.third.sheets import save_sheet
from filmscand.ir.report import DetectorUse

FIRST_SEED = 131_001


@dataclass(frozen=True, slots=True)
class Run:
    """How frames are made and measured: their size, photographs, cleaners, and a folder for sheets."""

    size_px: tuple[int, int]
    photos: Path | None
    detector: DetectorUse
    peers: bool
    sheets: Path | None


@dataclass(frozen=True, slots=True)
class Case:
    """One frame: its kind, its number among the frames of the kind, and the kind's number."""

    kind: Kind
    number: int
    index: int


def make_cases(names: Iterable[str], frames: int) -> Iterator[Case]:
    """Yield so many cases of each kind that is named."""
    wanted = set(names)
    for index, kind in enumerate(KINDS):
        if kind.name in wanted:
            yield from (Case(kind, number, index) for number in range(frames))


def measured(cases: Sequence[Case], run: Run, jobs: int) -> Iterator[list[Result]]:
    """Yield the results of each case in order, measured by so many processes."""
    if jobs == 1:
        yield from map(partial(measure_case, run), cases)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(partial(measure_case, run), cases)


def measure_case(run: Run, case: Case) -> list[Result]:
    """Return the result of each cleaner on a frame, and save the sheet of filmscand's if wanted."""
    pictures = scene_pictures(case.kind.scene, run.photos)
    picture = pictures[(case.index + case.number) % len(pictures)](*run.size_px)
    frame = simulate_third(picture, case.kind, seed=FIRST_SEED + 20 * case.index + case.number)
    results = []
    for name, clean in _cleaners(run.detector, run.peers).items():
        cleaned = clean(frame)
        if cleaned is None:
            continue
        results.append(Result(case.kind.name, case.kind.group, name, score_answer(frame, cleaned)))
        if name == OURS and run.sheets is not None:
            save_sheet(run.sheets / f"{case.kind.name.replace(' ', '_')}-{case.number}.png", frame, cleaned.answer)
    return results


@cache
def _cleaners(detector: DetectorUse, peers: bool) -> dict[str, Cleaner]:
    return make_cleaners(detector, sanei_or_none() if peers else None, peers=peers)


@cache
def sanei_or_none() -> SaneiIr | None:
    """Return sane-backends' cleaner, None where it cannot be built."""
    try:
        return SaneiIr()
    except UnavailableError:
        return None
