"""The commands for the archive: reclean, seal and rebuild."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_desk, open_station, print_answer
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.rebuild import Rebuilt
    from filmscand.daemon.maintenance.reclean import RecleanReport
    from filmscand.daemon.station.configuration import Station

    Report = TypeVar("Report", Rebuilt, RecleanReport)

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
    _answer(station, report, _print_recleaned, as_json=as_json)


def rebuild(
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the existing database aside; it is kept under another name.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild the station's database from its archive, after the database was lost."""
    from filmscand.daemon.maintenance.rebuild import rebuild

    station = open_station(config, as_json=as_json, to_change=True)
    _answer(station, rebuild(station, replace=replace), _print_rebuilt, as_json=as_json)


def _answer(station: Station, report: Report, show: Callable[[Report], None], *, as_json: bool) -> NoReturn:
    if as_json:
        print_answer(station, report)
    else:
        show(report)
    raise typer.Exit(report.exit_status)


def seal(
    rolls: Annotated[list[str], typer.Argument(metavar="COLLECTION/BOX/ROLL...", help="Finished rolls to seal.")],
    info: Annotated[
        list[str] | None,
        typer.Option("--info", metavar="'LABEL: VALUE'", help="Line for bag-info.txt; can be repeated."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Seal rolls: each becomes a BagIt bag with manifests, and nothing can be added to it later."""
    from filmscand.daemon.cli.screen.bars import reading_bar

    labels = dict(_label(line) for line in info or ())
    station, desk = open_desk(config, as_json=as_json)
    try:
        # The service reads the files, and tells of it only at the end.
        is_own = isinstance(desk, OwnDesk)
        with reading_bar("sealed", [station.archive / roll for roll in rolls]) if is_own else nullcontext():
            sealed = [desk.seal(roll, labels) for roll in rolls]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_answer(station, {"sealed": sealed})
        return
    for one in sealed:
        size = f"{one.size_bytes / 1e9:.2f} GB"
        say(f"{one.roll}: {one.frames} frames, {one.files} files, {size} sealed in {one.folder}")


def _label(line: str) -> tuple[str, str]:
    label, colon, value = line.partition(":")
    if not colon:
        raise typer.BadParameter(f"expected 'LABEL: VALUE', found {line!r}")
    return label.strip(), value.strip()


def _print_rebuilt(report: Rebuilt) -> None:
    for problem in report.problems:
        say(problem)
    say(f"{report.archived} frames archived, {len(report.queued)} queued, {len(report.problems)} problems")
    if report.old_database is not None:
        say(f"the old database is {report.old_database}")


def _print_recleaned(report: RecleanReport) -> None:
    rows = []
    for frame in report.frames:
        unchanged = "the same as before" if frame.revision is not None and not frame.is_new else ""
        revision = "-" if frame.revision is None else frame.revision
        rows.append((frame.frame, frame.outcome or "queued", revision, frame.error or unchanged))
    rows += [(name, "skipped", "-", "queued already, or not in the archive yet") for name in report.skipped]
    show_table(_COLUMNS, rows)
    if not rows:
        say("there is nothing to clean again")
