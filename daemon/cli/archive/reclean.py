"""`filmscand reclean`: clean parts of the archive again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import complain, say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_desk, print_answer
from filmscand.daemon.core.film_kind import FilmKind

if TYPE_CHECKING:
    from filmscand.daemon.bulk.recleaning.comparison import Recleaned, Report
    from filmscand.daemon.bulk.recleaning.plan import Choice, Plan
    from filmscand.daemon.database.sheets.cleanings import Findings
    from filmscand.daemon.maintenance.desk.desk import Desk
    from filmscand.daemon.maintenance.reclean import Changes
    from filmscand.daemon.station.configuration import Station

_COLUMNS: Final = (
    Column("frame", Kind.NAME),
    Column("outcome"),
    Column("revision", Kind.NUMBER),
    Column("effect", colours={"worse": "red", "mixed": "yellow", "better": "green"}),
    Column("method"),
    Column("coverage", Kind.NUMBER),
    Column("found", Kind.NUMBER),
    Column("left", Kind.NUMBER),
    Column("remarks", Kind.TEXT),
)
# Rows of the table; those that a person should look at come first, and --json tells all.
_MOST_ROWS: Final = 50

_Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="COLLECTION[/BOX[/ROLL]]",
        help="Collections, boxes, rolls, frames (ROLL_0007) and ranges of frames (ROLL_0003-0012) to clean.",
    ),
]
_Failed = Annotated[bool, typer.Option("--failed", help="Only frames that failed or were set aside.")]
_Flags = Annotated[
    list[str] | None,
    typer.Option("--flag", metavar="CODE", help="Only frames with this reason code of the review; repeatable."),
]
_OlderEngine = Annotated[
    str | None,
    typer.Option(
        "--engine-older-than",
        metavar="VERSION",
        help="Only frames that an engine older than this version cleaned; 'this': any engine but this one.",
    ),
]
_Sensitivity = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="Default: the sensitivity of the frame's last revision.")
]
_Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Clean on a Dask cluster; the address of its scheduler, tcp://HOST:8786."),
]


def reclean(
    names: _Names = None,
    failed: _Failed = False,
    flag: _Flags = None,
    engine_older_than: _OlderEngine = None,
    sensitivity: _Sensitivity = None,
    film: Annotated[FilmKind | None, typer.Option(help="Kind of film; default: as before.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the frames are cleaned.")] = True,
    scheduler: _Scheduler = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Clean archived frames again: each gets a new revision beside the old ones; raw files are only read."""
    from filmscand.daemon.bulk.recleaning.plan import Choice, opened
    from filmscand.daemon.maintenance.reclean import Changes

    if not (names or failed or flag or engine_older_than):
        raise typer.BadParameter("name a part of the archive, or use --failed, --flag or --engine-older-than")
    if scheduler and not wait:
        raise typer.BadParameter("--scheduler cleans while the command runs: it cannot be used with --no-wait")
    station, desk = open_desk(config, as_json=as_json)
    choice, changes = Choice(tuple(names or ()), failed, None, engine_older_than), Changes(sensitivity, film)
    with opened(station, to_write=scheduler is not None) as connection:
        plan = _planned(station, connection, (choice, changes), flag or [])
        if scheduler:
            report = _cleaned(plan, _on_cluster(plan, station, connection, (scheduler, changes)))
        else:
            with _locally(plan, (station, config), connection, (desk, changes), wait=wait) as frames:
                report = _cleaned(plan, frames)
    if as_json:
        print_answer(station, report)
    else:
        _show(report)
    raise typer.Exit(report.exit_status)


def _planned(station: Station, connection: sqlite3.Connection, asked: tuple[Choice, Changes], codes: list[str]) -> Plan:
    from dataclasses import replace

    from filmscand.daemon.bulk.recleaning.plan import plan_recleaning
    from filmscand.daemon.maintenance.identity import bound_archive
    from filmscand.daemon.review.listing import frames_with_flags

    choice, changes = asked
    if codes:
        choice = replace(choice, flagged=frames_with_flags(connection, codes))
    return plan_recleaning(connection, bound_archive(station, connection), station.cleaning, (choice, changes))


def _on_cluster(
    plan: Plan, station: Station, connection: sqlite3.Connection, asked: tuple[str, Changes]
) -> Generator[Recleaned, None, None]:
    from filmscand.daemon.bulk.recleaning.cluster.run import Cluster, clean_on_cluster

    scheduler, changes = asked
    return clean_on_cluster(plan, Cluster(scheduler, station, connection, changes))


@contextmanager
def _locally(
    plan: Plan,
    where: tuple[Station, Path | None],
    connection: sqlite3.Connection,
    asked: tuple[Desk, Changes],
    *,
    wait: bool,
) -> Iterator[Generator[Recleaned, None, None]]:
    from filmscand.daemon.bulk.recleaning.local import Local, clean_locally, hand_in_all
    from filmscand.daemon.maintenance.temporary_service import TemporaryService

    station, config = where
    desk, changes = asked
    with TemporaryService(station, config) as service:
        keep_running = partial(service.keep_running, connection)
        local = Local(desk, connection, changes, station.workers.count, keep_running, service.finish)
        yield clean_locally(plan, local) if wait else hand_in_all(plan, local)


def _cleaned(plan: Plan, frames: Generator[Recleaned, None, None]) -> Report:
    """Follow the frames until the last one, or until Ctrl-C."""
    from filmscand.daemon.bulk.recleaning.comparison import report_of
    from filmscand.daemon.cli.screen.bars import add_bar, progress_bars

    cleaned: list[Recleaned] = []
    remaining = 0
    # Closed also where Ctrl-C comes between two frames: what is out on a cluster goes back to the queue.
    with progress_bars() as progress, closing(frames):
        bar = add_bar(progress, "cleaned", plan.frames)
        bar.show(0, f"0 of {plan.frames}")
        try:
            for one in frames:
                cleaned.append(one)
                bar.show(len(cleaned), f"{len(cleaned)} of {plan.frames}")
        except KeyboardInterrupt:
            remaining = plan.frames - len(cleaned)
    if remaining:
        complain(f"stopped; {remaining} frames remain, and the same command goes on with them")
    return report_of(cleaned, plan.done, plan.skipped, remaining)


def _show(report: Report) -> None:
    # What was done already is one line: of a large archive it is most of it.
    cleaned = sorted(report.frames[: len(report.frames) - report.done], key=_importance)
    rows = [_row(one) for one in cleaned]
    rows += [(name, "skipped", *["-"] * 6, "queued already, or not in the archive yet") for name in report.skipped]
    show_table(_COLUMNS, rows[:_MOST_ROWS])
    if len(rows) > _MOST_ROWS:
        say(f"... and {len(rows) - _MOST_ROWS} more: --json tells all")
    if any(report.effects.values()):
        say(", ".join(f"{count} {effect}" for effect, count in report.effects.items() if count))
    if report.done:
        say(f"{report.done} as wanted already: made from the same files, with the same settings, by this engine")
    if not rows and not report.done:
        say("there is nothing to clean again")


def _importance(one: Recleaned) -> tuple[bool, int, str]:
    effects = ("worse", "mixed", "better", "other", "same")
    return one.error is None, effects.index(one.effect) if one.effect else -1, one.frame


def _row(one: Recleaned) -> tuple[object, ...]:
    unchanged = "the same as before" if one.revision is not None and not one.is_new else ""
    cautions = " ".join((*(f"+{code}" for code in one.gained), *(f"-{code}" for code in one.lost)))
    return (
        one.frame,
        one.outcome or "queued",
        "-" if one.revision is None else one.revision,
        one.effect or "-",
        _change(one, lambda findings: findings.method),
        _change(one, lambda findings: None if findings.coverage is None else f"{100 * findings.coverage:.2f} %"),
        _change(one, lambda findings: findings.defects_found),
        _change(one, lambda findings: findings.defects_left),
        one.error or cautions or unchanged,
    )


def _change(one: Recleaned, value: Callable[[Findings], object]) -> str:
    """Return a value before and after; once where it did not change, or is not known yet."""
    values = [None if findings is None else value(findings) for findings in (one.before, one.after)]
    before, after = ("-" if found is None else str(found) for found in values)
    return before if one.outcome is None or before == after else f"{before} > {after}"
