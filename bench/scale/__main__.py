"""The model of scale: `python -m bench.scale`.

One frame of 24 megapixels is archived and cleaned. Then very many empty frames go through the real queue, with real
worker processes that do nothing, and through a real Dask cluster. The tables tell what a million frames need, and what
saturates first.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.measures.dask_cluster import DaskCluster
from bench.measures.figures import save_figures
from bench.scale.frame_cost import FrameCost, measure_frame
from bench.scale.loads import command_rate, planned, queue_again_rate, queue_rate, scheduler_rate
from bench.scale.model import Rates, cost_table, rates_table, saturation_table, size_table
from bench.scale.rows import add_records, database_cost, empty_result, make_station
from filmscand.daemon.station.configuration import Station

# Workers of a station; the last number takes all frames, the others a tenth.
_WORKERS: Final = (1, 2, 4)
# Of so many empty frames one goes through Dask alone, too: its rate does not depend on their number.
_THROUGH_DASK: Final = 5


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000, help="empty frames")
    parser.add_argument("--folder", type=Path, help="folder for the station, to measure its disk")
    options = parser.parse_args()
    frames: int = options.frames
    console = Console(highlight=False)
    loaded = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="filmscand-scale-", dir=options.folder) as name:
        root = Path(name)
        with console.status("one frame of 24 megapixels"):
            cost = measure_frame(_made(root / "frame"))
        with console.status(f"{frames} rows"):
            station = make_station(_made(root / "station"), cost, frames)
        queue = _queue_rates(station, cost, frames, console)
        database = database_cost(station, frames)
        with console.status("planning and Dask"):
            rates = _other_rates(station, cost, frames, (queue, _made(root / "dask")))
    cores = len(os.sched_getaffinity(0))
    tables = [
        cost_table(cost, database),
        rates_table(f"{frames} empty frames, {cores} cores, load {loaded:.1f} before the run", rates),
        size_table(cost, database, rates),
        saturation_table(cost, rates),
    ]
    for table in tables:
        console.print(table.for_terminal())
    save_figures("scale", tables)


def _queue_rates(station: Station, cost: FrameCost, frames: int, console: Console) -> dict[int, float]:
    rates = {}
    for workers in _WORKERS:
        with console.status(f"the queue with {workers} workers"):
            some = None if workers == _WORKERS[-1] else frames // 10
            rates[workers] = queue_rate(station, empty_result(cost), workers, some)
    return rates


def _other_rates(station: Station, cost: FrameCost, frames: int, known: tuple[dict[int, float], Path]) -> Rates:
    queue, folder = known
    _, plan = planned(station, "bench")
    with DaskCluster(folder) as cluster:
        for number in range(2):
            cluster.add_worker(f"worker-{number}")
        scheduler = scheduler_rate(cluster, frames // _THROUGH_DASK)
        # The first box; its frames have files, for the command reads their records.
        part, _ = planned(station, "bench/box-00000")
        add_records(station, cost, part.frames)
        command = command_rate(station, cluster, part, empty_result(cost))
    return Rates(plan, queue_again_rate(station), queue, scheduler, command)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
