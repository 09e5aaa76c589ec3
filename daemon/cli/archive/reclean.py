"""`filmscand reclean`: clean archived frames again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_desk, print_answer
from filmscand.daemon.core.film_kind import FilmKind

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.reclean import RecleanReport

_COLUMNS: Final = (
    Column("frame", Kind.NAME),
    Column("outcome"),
    Column("revision", Kind.NUMBER),
    Column("remarks", Kind.TEXT),
)


def reclean(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COLLECTION/BOX/ROLL[_0007]...]", help="Rolls and frames to clean."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only frames that failed or were set aside.")] = False,
    sensitivity: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Default: the sensitivity of the frame's last revision.")
    ] = None,
    film: Annotated[FilmKind | None, typer.Option(help="Kind of film; default: as before.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the frames are cleaned.")] = True,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Clean archived frames again: each gets a new revision beside the old ones; raw files are only read."""
    from filmscand.daemon.cli.screen.bars import add_bar, progress_bars
    from filmscand.daemon.maintenance.reclean import Changes, follow_cleaning

    if not names and not failed:
        raise typer.BadParameter("name rolls or frames, or use --failed")
    station, desk = open_desk(config, as_json=as_json)
    report = desk.reclean(names or (), Changes(sensitivity, film), failed=failed)
    if wait:
        with progress_bars() as progress:
            bar = add_bar(progress, "cleaned")

            def show(report: RecleanReport) -> None:
                done = sum(frame.outcome is not None for frame in report.frames)
                bar.show(done, f"{done} of {len(report.frames)}", total=len(report.frames))

            report = follow_cleaning(station, config, report, show)
    if as_json:
        print_answer(station, report)
    else:
        _show(report)
    raise typer.Exit(report.exit_status)


def _show(report: RecleanReport) -> None:
    rows = []
    for frame in report.frames:
        unchanged = "the same as before" if frame.revision is not None and not frame.is_new else ""
        revision = "-" if frame.revision is None else frame.revision
        rows.append((frame.frame, frame.outcome or "queued", revision, frame.error or unchanged))
    rows += [(name, "skipped", "-", "queued already, or not in the archive yet") for name in report.skipped]
    show_table(_COLUMNS, rows)
    if not rows:
        say("there is nothing to clean again")
