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
from bench.blind.scores import score_mask
from bench.blind.speed import measure_speed, speed_table
from bench.blind.tables import BlindResult, frames_table, groups_table, recall_table, targets_table
from training.sheets.sources import load_outlines

FULL_PX = (1000, 1500)
QUICK_PX = (400, 600)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the frames are measured with: who looks, the frames' size, and where sheets go and by whom."""

    finders: dict[str, Finder]
    size_px: tuple[int, int]
    sheets: Path | None
    shown: str


def main() -> None:
    """Run the frames and print the tables."""
    asked = _arguments()
    console = Console(width=None if Console().is_terminal else 210)
    outlines = () if asked.artefacts is None else load_outlines(asked.artefacts, held_out=True)
    cases = [case for case in blind_cases(asked.photos, outlines) if asked.only in case.name]
    finders = make_finders(asked.model, asked.recipe, asked.sensitivity, asked.threads)
    if asked.few:
        finders = {name: finder for name, finder in finders.items() if name in (OURS, DETECTOR)}
    if asked.by == DETECTOR:
        del finders[OURS]
    size_px = QUICK_PX if asked.quick else FULL_PX
    results = _results(cases, _Run(finders, size_px, asked.sheets, asked.by), console)
    for table in (frames_table, groups_table, recall_table, targets_table):
        console.print(table(results))
    if asked.json is not None:
        asked.json.write_text(json.dumps([result.as_dict() for result in results], indent=1) + "\n")
    if not asked.quick and not asked.only:
        console.print(speed_table(measure_speed(asked.model, asked.threads)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.blind", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller frames, no speed")
    parser.add_argument(
        "--by", default=OURS, choices=(OURS, DETECTOR), help="who is measured: all of it, or that alone"
    )
    parser.add_argument("--few", action="store_true", help="only filmscand and its detector")
    parser.add_argument("--only", default="", metavar="WORD", help="only frames whose name holds it")
    parser.add_argument("--photos", type=Path, help="folder of photographs that were held out of training")
    parser.add_argument("--artefacts", type=Path, help="folder with outlines.json; the held-out scans are taken")
    parser.add_argument("--model", type=Path, help="another detector")
    parser.add_argument("--recipe", type=Path, metavar="MODEL.onnx", help="the network of training.recipe")
    parser.add_argument("--sensitivity", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2, help="of the networks on their own")
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
    scores, says = {}, ()
    for name, finder in run.finders.items():
        found = finder(blind, case.group)
        scores[name] = score_mask(blind, found.mask, found.rgb, found.seconds)
        says += found.says
        if run.sheets is not None and name == run.shown:
            save_blind_sheet(run.sheets / f"{case.name.replace(', ', '-').replace(' ', '_')}.png", case, blind, found)
    return BlindResult(case.name, case.group, scores, says)


if __name__ == "__main__":
    main()
