"""`filmscand verify`: compare archived files with their records."""

from __future__ import annotations

from typing import Annotated

import typer

from filmscand.daemon.cli.report import show_verification
from filmscand.daemon.cli.screen.terminal import complain
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station
from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.core.exit_status import Exit


def verify(
    frames: Annotated[
        list[str] | None, typer.Argument(metavar="[COLLECTION/BOX/ROLL...]", help="Rolls; default: all.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read archived frames from the disk and compare them with their hashes."""
    from filmscand.daemon.archive.tree import Archive
    from filmscand.daemon.archive.verify_rolls import verify_rolls
    from filmscand.daemon.cli.screen.bars import reading_bar
    from filmscand.daemon.maintenance.identity import identity_problem, is_alone

    station = open_station(config, as_json=as_json)
    problem = identity_problem(station)
    if problem is not None:
        complain(str(problem))
    with reading_bar("verified", [station.archive / roll for roll in frames or [""]]):
        report = verify_rolls(Archive(station.archive), tuple(frames or ()), station.database)
    show_verification(report, as_json=as_json, station=station.root)
    # An archive without a marker and without a station, a copy for example, is verified for what it is.
    if report.damaged or (problem is not None and not is_alone(station)):
        raise typer.Exit(Exit.INTEGRITY)
    if report.found_nothing:
        raise FrameMissingError(f"{station.archive}: not one frame was verified; is the archive mounted?")
