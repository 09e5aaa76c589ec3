"""How well frames are cleaned, beside the peers: `python -m bench.quality`."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.frames.suite import Case, suite
from bench.measures.figures import save_figures
from bench.measures.metrics import Judge, Score
from bench.peers.cleaners import (
    OURS,
    PERFECT_TELEA,
    RAW,
    SANEI,
    Peer,
    PeerSkippedError,
    Scene,
    clean_ours,
    make_peers,
)
from bench.peers.sanei_ir import SaneiIr, UnavailableError
from bench.quality.tables import HOW_PEERS_FILL, Result, dye, kinds_table, peers_table, targets_table
from filmscand.daemon.evaluation.crop_sheet import save_sheet
from filmscand.film.kinds import KINDS

_FEWEST_PEERS = (RAW, PERFECT_TELEA, SANEI)


def main() -> None:
    """Run the suite, print its tables and save its figures."""
    options = _arguments()
    console = Console(width=None if Console().is_terminal else 210)
    peers = make_peers(_sanei(console))
    if options.few_peers:
        peers = {name: peer for name, peer in peers.items() if name in _FEWEST_PEERS}
    cases = list(suite(options.kinds, options.pictures, rounds=options.rounds))
    results = _run(cases, peers, options, console)
    if options.full:
        for result in results:
            console.print(peers_table([result], f"{result.case.kind}, {result.case.picture_name}").for_terminal())
    tables = [kinds_table(results)]
    if dye(results):
        tables.append(peers_table(dye(results), f"mean over {len(dye(results))} frames of dye film"))
    tables.append(peers_table(results, f"mean over all {len(results)} frames"))
    tables.append(targets_table(results))
    for table in tables:
        console.print(table.for_terminal())
    console.print(HOW_PEERS_FILL)
    save_figures("quality", [*tables[1:], tables[0]])
    if options.json is not None:
        options.json.write_text(json.dumps([result.as_dict() for result in results], indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="KIND")
    parser.add_argument("--pictures", type=Path, help="folder of photographs; default scikit-image's")
    parser.add_argument("--rounds", type=int, default=1, help="frames of each kind, each with another picture")
    parser.add_argument("--rows", type=int, default=1600)
    parser.add_argument("--cols", type=int, default=2400)
    parser.add_argument("--few-peers", action="store_true", help="only the peers that the targets need")
    parser.add_argument("--full", action="store_true", help="a table of all peers for each frame as well")
    parser.add_argument("--sheets", type=Path, help="folder for a PNG of crops for each frame")
    parser.add_argument("--json", type=Path, help="file for every score")
    return parser.parse_args()


def _sanei(console: Console) -> SaneiIr | None:
    try:
        return SaneiIr()
    except UnavailableError as error:
        console.print(f"{SANEI} skipped: {error}")
        return None


def _run(cases: list[Case], peers: dict[str, Peer], options: argparse.Namespace, console: Console) -> list[Result]:
    clean_ours(cases[0].simulate(400, 600))  # numba compiles or loads its kernels here, not in the first frame's time
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(cases))
        for case in cases:
            progress.update(task, description=f"{case.kind}, {case.picture_name}")
            results.append(_measure(case, peers, options))
            progress.advance(task)
    return results


def _measure(case: Case, peers: dict[str, Peer], options: argparse.Namespace) -> Result:
    frame = case.simulate(options.rows, options.cols)
    judge = Judge(frame)
    cleaned, answer = clean_ours(frame)
    scores, skipped = {OURS: judge.score(answer)}, {}
    for name, peer in peers.items():
        try:
            scores[name] = judge.score(peer(Scene(frame, cleaned)))
        except (PeerSkippedError, UnavailableError) as error:
            skipped[name] = str(error)
    if options.sheets is not None:
        save_sheet(options.sheets / f"{case.kind}-{case.seed}.png", frame, answer, _title(case, scores))
    return Result(case, scores, skipped, tuple(str(warning) for warning in cleaned.report.warnings))


def _title(case: Case, scores: dict[str, Score]) -> str:
    ours, raw = scores[OURS], scores[RAW]
    name = f"{case.kind}, {case.picture_name}, seed {case.seed}"
    if math.isnan(ours.f1):
        return f"{name}: without damage, {100 * ours.changed:.3f} % of the pixels changed"
    return f"{name}: F1 {ours.f1:.3f}, defects {raw.defects_db:.1f} > {ours.defects_db:.1f} dB"


if __name__ == "__main__":
    main()
