"""The commands for the archive: reclean, seal and rebuild."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.scanners import AsJson, ConfigFile
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.station.configuration import load_station

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.rebuild import Rebuilt
    from filmscand.daemon.maintenance.reclean import RecleanReport

    Report = TypeVar("Report", Rebuilt, RecleanReport)


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
    from filmscand.daemon.maintenance.reclean import Changes, reclean

    if not names and not failed:
        raise typer.BadParameter("name rolls or frames, or use --failed")
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("cleaned", total=None)

        def show(report: RecleanReport) -> None:
            done = sum(frame.outcome is not None for frame in report.frames)
            progress.update(bar, completed=done, total=len(report.frames))

        report = reclean(
            load_station(config),
            names or (),
            Changes(sensitivity, film),
            failed=failed,
            config=config,
            show=show if wait else None,
        )
    _answer(report, _print_recleaned, as_json=as_json)


def rebuild(
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the existing database aside; it is kept under another name.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild the station's database from its archive, after the database was lost."""
    from filmscand.daemon.maintenance.rebuild import rebuild

    _answer(rebuild(load_station(config), replace=replace), _print_rebuilt, as_json=as_json)


def _answer(report: Report, show: Callable[[Report], None], *, as_json: bool) -> NoReturn:
    if as_json:
        print_json(report)
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
    from filmscand.daemon.maintenance.seal import seal

    labels = dict(_label(line) for line in info or ())
    station = load_station(config)
    try:
        sealed = [seal(station, roll, labels) for roll in rolls]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_json({"sealed": sealed})
        return
    for one in sealed:
        print(
            f"{one.roll}: {one.frames} frames, {one.files} files, {one.size_bytes / 1e9:.2f} GB sealed in {one.folder}"
        )


def _label(line: str) -> tuple[str, str]:
    label, colon, value = line.partition(":")
    if not colon:
        raise typer.BadParameter(f"expected 'LABEL: VALUE', found {line!r}")
    return label.strip(), value.strip()


def _print_rebuilt(report: Rebuilt) -> None:
    for problem in report.problems:
        print(problem)
    print(f"{report.archived} frames archived, {len(report.queued)} queued, {len(report.problems)} problems")
    if report.old_database is not None:
        print(f"the old database is {report.old_database}")


def _print_recleaned(report: RecleanReport) -> None:
    table = Table(box=None)
    table.add_column("frame", no_wrap=True, overflow="ignore")
    for title in ("outcome", "revision", "remarks"):
        table.add_column(title)
    for frame in report.frames:
        unchanged = "the same as before" if frame.revision is not None and not frame.is_new else ""
        outcome, revision = str(frame.outcome or "queued"), "-" if frame.revision is None else str(frame.revision)
        table.add_row(escape(frame.frame), outcome, revision, escape(frame.error or unchanged))
    for name in report.skipped:
        table.add_row(escape(name), "skipped", "-", "queued already, or not in the archive yet")
    Console().print(table)
