"""How well dust is found without infrared, on frames that no training has seen: `python -m bench.blind`."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.blind.crop_sheets import save_blind_sheet
from bench.blind.finders import DETECTOR, OURS, Finder, make_finders
from bench.blind.frames import BlindCase, blind_cases
from bench.blind.scores import BlindScore, score_mask
from bench.blind.speed import measure_speed, speed_table
from bench.blind.tables import BlindResult, frames_table, groups_table, recall_table, targets_table
from bench.measures.figures import save_figures
from training.sheets.sources import load_outlines

FULL_PX = (1000, 1500)
QUICK_PX = (400, 600)


@dataclass(frozen=True, slots=True)
class _Run:
    """How the frames are measured: the finders, the frames' size, and folder and finder of the crop sheets."""

    finders: dict[str, Finder]
    size_px: tuple[int, int]
    sheets: Path | None
    sheets_of: str


def main() -> None:
    """Run the frames, print the tables and save the figures."""
    options = _arguments()
    console = Console(width=None if Console().is_terminal else 210)
    outlines = () if options.artefacts is None else load_outlines(options.artefacts, held_out=True)
    cases = [case for case in blind_cases(options.photos, outlines) if options.only in case.name]
    finders = make_finders(options.model, options.recipe, options.sensitivity, options.threads)
    if options.few:
        finders = {name: finder for name, finder in finders.items() if name in (OURS, DETECTOR)}
    if options.by == DETECTOR:
        del finders[OURS]
    size_px = QUICK_PX if options.quick else FULL_PX
    results = _results(cases, _Run(finders, size_px, options.sheets, options.by), console)
    console.print(frames_table(results))
    tables = [groups_table(results), recall_table(results), targets_table(results)]
    for table in tables:
        console.print(table.for_terminal())
    if options.json is not None:
        options.json.write_text(json.dumps([result.as_dict() for result in results], indent=1) + "\n")
    if not options.quick and not options.only:
        tables.append(speed_table(measure_speed(options.model, options.threads)))
        console.print(tables[-1].for_terminal())
    save_figures("blind", tables)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.blind", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller frames, no speed")
    parser.add_argument(
        "--by", default=OURS, choices=(OURS, DETECTOR), help="measure all of filmscand, or its detector alone"
    )
    parser.add_argument("--few", action="store_true", help="only filmscand and its detector")
    parser.add_argument("--only", default="", metavar="WORD", help="only frames whose name contains WORD")
    parser.add_argument("--photos", type=Path, help="folder of photographs that were held out of training")
    parser.add_argument("--artefacts", type=Path, help="folder with outlines.json; its held-out scans are used")
    parser.add_argument("--model", type=Path, help="another detector")
    parser.add_argument("--recipe", type=Path, metavar="MODEL.onnx", help="the network of training.recipe")
    parser.add_argument("--sensitivity", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2, help="threads of the networks when they run alone")
    parser.add_argument("--sheets", type=Path, help="folder for a PNG of crops for each frame")
    parser.add_argument("--json", type=Path, help="file for every score")
    return parser.parse_args()


def _results(cases: list[BlindCase], run: _Run, console: Console) -> list[BlindResult]:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(cases))
        for case in cases:
            progress.update(task, description=case.name)
            results.append(_result(case, run))
            progress.advance(task)
    return results


def _result(case: BlindCase, run: _Run) -> BlindResult:
    blind = case.make(*run.size_px)
    scores: dict[str, BlindScore] = {}
    warnings: list[str] = []
    for name, finder in run.finders.items():
        found = finder(blind, case.group)
        scores[name] = score_mask(blind, found.mask, found.rgb, found.seconds)
        warnings += found.warnings
        if run.sheets is not None and name == run.sheets_of:
            save_blind_sheet(run.sheets / f"{case.name.replace(', ', '-').replace(' ', '_')}.png", case, blind, found)
    return BlindResult(case.name, case.group, scores, tuple(warnings))


if __name__ == "__main__":
    main()
