"""How well frames of a third film, scanner and damage are cleaned: `python -m bench.third`.

About fifty kinds of frames, from a simulator that shares no code with `film/`, `training/` and the second one.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.measures.figures import save_figures
from bench.peers.sanei_ir import SaneiIr, UnavailableError
from bench.third.frame import simulate_third
from bench.third.kinds import KINDS
from bench.third.pictures import scene_pictures
from bench.third.recipe import Kind
from bench.third.scores import OURS, SANEI, Cleaner, Result, make_cleaners, score_answer
from bench.third.sheets import save_sheet
from bench.third.tables import make_tables
from filmscand.ir.report import DetectorUse

FIRST_SEED = 131_001
FRAME_PX, FEW_PX = (1000, 1500), (600, 900)


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Clean the frames, print the tables and save the figures."""
    options = _arguments(arguments)
    console = Console(width=None if Console().is_terminal else 210)
    frames = 1 if options.few else options.frames
    run = Run(
        FEW_PX if options.few else FRAME_PX,
        options.photos,
        DetectorUse(options.detector),
        not options.no_peers,
        options.sheets,
    )
    if run.peers and _sanei() is None:
        console.print(f"{SANEI} skipped: it cannot be built here")
    results = _results(list(_cases(options.kinds, frames)), run, options.jobs, console)
    tables = make_tables(results)
    for table in tables:
        console.print(table.for_terminal())
    save_figures("third", tables)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [kind.name for kind in KINDS]
    parser = argparse.ArgumentParser(prog="python -m bench.third", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=names, default=names, metavar="KIND")
    parser.add_argument("--photos", type=Path, help="folder of photographs; held-out ones only, if it has any")
    parser.add_argument("--frames", type=int, default=2, help="frames of each kind")
    parser.add_argument("--few", action="store_true", help="one frame of each kind, smaller")
    parser.add_argument("--no-peers", action="store_true", help="only filmscand")
    parser.add_argument("--detector", choices=("auto", "off"), default="auto")
    parser.add_argument("--sheets", type=Path, help="folder for a PNG of each frame: raw, infrared, cleaned, mask")
    parser.add_argument("--jobs", type=int, default=1, help="processes; the figures do not depend on their number")
    return parser.parse_args(arguments)


def _cases(names: Iterable[str], frames: int) -> Iterator[Case]:
    wanted = set(names)
    for index, kind in enumerate(KINDS):
        if kind.name in wanted:
            yield from (Case(kind, number, index) for number in range(frames))


def _results(cases: Sequence[Case], run: Run, jobs: int, console: Console) -> list[Result]:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console, transient=True) as progress:
        for found in progress.track(_mapped(cases, run, jobs), total=len(cases), description="frames"):
            results += found
    return results


def _mapped(cases: Sequence[Case], run: Run, jobs: int) -> Iterator[list[Result]]:
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
    return make_cleaners(detector, _sanei() if peers else None, peers=peers)


@cache
def _sanei() -> SaneiIr | None:
    try:
        return SaneiIr()
    except UnavailableError:
        return None


if __name__ == "__main__":
    main()
