"""What follows of the cost of a frame and of the rates, for any number of frames: tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.measures.figure_table import Cell, FigureTable, columns
from bench.scale.frame_cost import FrameCost
from bench.scale.rows import DatabaseCost

# A large archive, and all photographs that a country's archives hold.
SIZES: Final = (10**6, 10**9)
_DAY_S, _HOUR_S = 86400.0, 3600.0
_TB, _GB = 1e12, 1e9


@dataclass(frozen=True, slots=True)
class Rates:
    """Frames in a second, each with workers that do nothing.

    Attributes
    ----------
    plan : float
        Looked at, to find what has to be cleaned again.
    again : float
        Queued again in one statement.
    queue : dict of int to float
        Taken and finished, by the number of worker processes of one station.
    scheduler : float
        Tasks through the scheduler of Dask alone.
    command : float
        Taken out, cleaned by two workers of a cluster, and entered.
    """

    plan: float
    again: float
    queue: dict[int, float]
    scheduler: float
    command: float


def cost_table(cost: FrameCost, database: DatabaseCost) -> FigureTable:
    """Return what a frame costs, and what each further revision does."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("processor seconds", cost.clean_s, cost.clean_s),
        ("bytes in the archive, MB", (cost.raw_bytes + cost.revision_bytes) / 1e6, cost.revision_bytes / 1e6),
        ("of these, records (sidecar and events), MB", _records(cost) / 1e6, None),
        ("files and folders", cost.raw_inodes + cost.revision_inodes, cost.revision_inodes),
        ("rows in the database", database.rows, 0.0),
        ("bytes in the database, kB", database.size_bytes / 1e3, 0.0),
    )
    title = "a frame of 24 megapixels with infrared"
    return FigureTable(title=title, columns=columns("cost", "first revision", "each further one"), rows=rows)


def rates_table(title: str, rates: Rates) -> FigureTable:
    """Return the rates."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("looked at by a plan", rates.plan),
        ("queued again", rates.again),
        *((f"taken and finished, {_workers(count)}", rate) for count, rate in rates.queue.items()),
        ("through Dask's scheduler, two workers", rates.scheduler),
        ("cleaned again by `--scheduler`, two workers", rates.command),
    )
    return FigureTable(title=title, columns=columns("empty frames", ("in a second", 0)), rows=rows)


def size_table(cost: FrameCost, database: DatabaseCost, rates: Rates) -> FigureTable:
    """Return what archives of these sizes need."""
    queue = max(rates.queue.values())

    def row(name: str, each: float) -> tuple[Cell, ...]:
        return (name, *(each * size for size in SIZES))

    rows = (
        row("archive, one revision, TB", (cost.raw_bytes + cost.revision_bytes) / _TB),
        row("each further revision of all, TB", cost.revision_bytes / _TB),
        row("files and folders, millions", (cost.raw_inodes + cost.revision_inodes) / 1e6),
        row("database, GB", database.size_bytes / _GB),
        row("cleaning all on one core, days", cost.clean_s / _DAY_S),
        row("planning to clean all again, hours", 1 / rates.plan / _HOUR_S),
        row("all through the station's queue, hours", 1 / queue / _HOUR_S),
        row("all through Dask's scheduler, hours", 1 / rates.scheduler / _HOUR_S),
        row("all through the command of `--scheduler`, hours", 1 / rates.command / _HOUR_S),
    )
    names = (f"{size:,} frames".replace(",", " ") for size in SIZES)
    return FigureTable(title="archives of two sizes", columns=columns("need", *((n, 1) for n in names)), rows=rows)


def saturation_table(cost: FrameCost, rates: Rates) -> FigureTable:
    """Return how many cores each part keeps busy, and how long 1 million frames take then: the least comes first."""
    parts = {
        "the station's queue": max(rates.queue.values()),
        "Dask's scheduler": rates.scheduler,
        "the command of `--scheduler`": rates.command,
    }
    # The bytes of a frame that its worker reads and writes, against a share of 10 gigabit a second.
    parts["a share of 10 Gbit/s"] = 1.25e9 / (cost.raw_bytes + cost.revision_bytes)
    rows: Sequence[tuple[Cell, ...]] = [
        (name, rate, rate * cost.clean_s, SIZES[0] / rate / _HOUR_S)
        for name, rate in sorted(parts.items(), key=lambda part: part[1])
    ]
    heads = columns("part", ("frames a second", 1), ("cores that it keeps busy", 0), ("hours for a million frames", 1))
    return FigureTable(title="what saturates first", columns=heads, rows=tuple(rows))


def _records(cost: FrameCost) -> int:
    return cost.sidecar_bytes + cost.events_bytes


def _workers(count: int) -> str:
    return "1 worker process" if count == 1 else f"{count} worker processes"
