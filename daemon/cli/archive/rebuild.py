"""`filmscand rebuild`: make the database again from the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmscand.daemon.cli.screen.terminal import say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station, print_answer

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.rebuild import Rebuilt


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
    report = rebuild(station, replace=replace)
    if as_json:
        print_answer(station, report)
    else:
        _show(report)
    raise typer.Exit(report.exit_status)


def _show(report: Rebuilt) -> None:
    for problem in report.problems:
        say(problem)
    say(f"{report.archived} frames archived, {len(report.queued)} queued, {len(report.problems)} problems")
    if report.old_database is not None:
        say(f"the old database is {report.old_database}")
