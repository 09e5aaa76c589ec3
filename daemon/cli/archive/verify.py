"""`filmscand verify`: compare archived files with their records, and with a second copy of the archive."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmscand.daemon.cli.report import show_comparison, show_verification
from filmscand.daemon.cli.screen.terminal import complain
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station
from filmscand.daemon.core.errors import DaemonError, FrameMissingError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.visible import message_of

if TYPE_CHECKING:
    from filmscand.daemon.archive.verify_rolls import Verification
    from filmscand.daemon.fixity.compare import Comparison
    from filmscand.daemon.fixity.repair import Repaired
    from filmscand.daemon.station.configuration import Station


def verify(
    frames: Annotated[
        list[str] | None, typer.Argument(metavar="[COLLECTION/BOX/ROLL...]", help="Rolls; default: all.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="COPY", help="Compare with this copy of the archive, file by file."),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="With --against: bring back from the copy what is damaged here.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --repair: do not ask.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read archived frames from the disk and compare them with their hashes."""
    from filmscand.daemon.maintenance.identity import identity_problem, is_alone

    _require_options(against, repair=repair, yes=yes, as_json=as_json)
    station = open_station(config, as_json=as_json, to_change=repair)
    problem = identity_problem(station)
    if problem is not None:
        if repair:
            raise problem
        complain(str(problem))
    rolls = tuple(frames or ())
    if against is not None:
        damaged = _compare(station, against.absolute(), rolls, repair=repair, yes=yes, as_json=as_json)
    else:
        report = _verified(station, rolls)
        show_verification(report, as_json=as_json, station=station.root)
        damaged = report.damaged
    # An archive without a marker and without a station, a copy for example, is verified for what it is.
    if damaged or (problem is not None and not is_alone(station)):
        raise typer.Exit(Exit.INTEGRITY)
    if against is None and report.found_nothing:
        raise FrameMissingError(f"{station.archive}: not one frame was verified; is the archive mounted?")


def _require_options(against: Path | None, *, repair: bool, yes: bool, as_json: bool) -> None:
    if repair and against is None:
        raise typer.BadParameter("--repair needs --against COPY, the copy to bring files back from")
    if yes and not repair:
        raise typer.BadParameter("--yes answers the question of --repair")
    if repair and as_json and not yes:
        raise typer.BadParameter("--repair asks a question, which JSON has no place for: add --yes")


def _verified(station: Station, rolls: tuple[str, ...]) -> Verification:
    """Verify rolls; those that are sound are frozen no longer, damaged ones are from now on."""
    from filmscand.daemon.archive.tree import Archive
    from filmscand.daemon.archive.verify_rolls import verify_rolls
    from filmscand.daemon.cli.screen.bars import reading_bar
    from filmscand.daemon.fixity.findings import freezes_or_thaws, note_verification

    with reading_bar("verified", [station.archive / roll for roll in rolls or [""]]):
        report = verify_rolls(Archive(station.archive), rolls, station.database)
    _noted(station, lambda: note_verification(station, report), lambda: freezes_or_thaws(station, report))
    return report


def _noted(station: Station, note: Callable[[], None], matters: Callable[[], bool] = lambda: True) -> None:
    """Note what was found, if the station has a database; tell a user who may not write there, if it matters."""
    from filmscand.daemon.maintenance.identity import identity_problem

    if identity_problem(station) is not None or not station.database.exists():
        return
    try:
        note()
    except (sqlite3.Error, DaemonError, OSError) as error:
        if matters():
            complain(
                f"the result is not noted, so no roll is frozen or taken up again: {message_of(error)}. The service's "
                "next audit notes it, or run the command as the user of the service"
            )


def _compare(station: Station, copy: Path, rolls: tuple[str, ...], *, repair: bool, yes: bool, as_json: bool) -> bool:
    """Compare with a copy, repair if that is wanted, and show everything; return whether damage remains."""
    from filmscand.daemon.cli.screen.bars import reading_bar
    from filmscand.daemon.fixity.compare import compare
    from filmscand.daemon.fixity.repair import note_damage, rolls_to_verify

    with reading_bar("compared", [top / roll for top in (station.archive, copy) for roll in rolls or [""]]):
        comparison = compare(station, copy, rolls)
    if not as_json:
        show_comparison(comparison, (), None, as_json=False, station=station.root)
    repaired: tuple[Repaired, ...] = ()
    after = None
    if repair and comparison.repairable and (yes or _agreed(comparison)):
        from filmscand.daemon.fixity.repair import repair as bring_back

        repaired = bring_back(station, copy, comparison)
        after = _verified(station, rolls_to_verify(comparison, repaired))
    elif comparison.damage:
        _noted(station, lambda: note_damage(station, comparison))
    if as_json or repaired:
        show_comparison(comparison, repaired, after, as_json=as_json, station=station.root)
    remains = bool(comparison.damage) if after is None else after.damaged
    return remains or comparison.copy_is_damaged


def _agreed(comparison: Comparison) -> bool:
    count = len(comparison.repairable)
    return typer.confirm(f"Bring {'this file' if count == 1 else f'these {count} files'} back from the copy?", err=True)
