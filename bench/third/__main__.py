"""How well frames of a third film, scanner and damage are cleaned: `python -m bench.third`.

About fifty kinds of frames, from a simulator that shares no code with `film/`, `training/` and the second one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.measures.figures import save_figures
from bench.third.kinds import KINDS
from bench.third.run import Case, Run, make_cases, measured, sanei_or_none
from bench.third.scores import SANEI, Result
from bench.third.tables import make_tables
from filmscand.ir.report import DetectorUse

FRAME_PX, FEW_PX = (1000, 1500), (600, 900)


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
    if run.peers and sanei_or_none() is None:
        console.print(f"{SANEI} skipped: it cannot be built here")
    results = _results(list(make_cases(options.kinds, frames)), run, options.jobs, console)
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


def _results(cases: Sequence[Case], run: Run, jobs: int, console: Console) -> list[Result]:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console, transient=True) as progress:
        for found in progress.track(measured(cases, run, jobs), total=len(cases), description="frames"):
            results += found
    return results


if __name__ == "__main__":
    main()
