"""The commands `filmscand archive init`, `adopt` and `accept-loss`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station, print_answer

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.adopt import BoundArchive
    from filmscand.daemon.station.configuration import Station

archive_app = typer.Typer(help="The station's archive: its folder, and what of it is lost.", no_args_is_help=True)
Folder = Annotated[
    Path | None, typer.Argument(metavar="[PATH]", help="The folder that the configuration names; default: that one.")
]


@archive_app.command()
def init(path: Folder = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make a new archive; a new station whose folder is empty does this by itself."""
    from filmscand.daemon.maintenance.adopt import init_archive

    station = open_station(config, as_json=as_json, may_be_new=True, to_change=True)
    _answer(station, init_archive(station, path), "made", as_json=as_json)


@archive_app.command()
def adopt(path: Folder = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make an archive this station's: one that was moved, restored, or written by another station."""
    from filmscand.daemon.maintenance.adopt import adopt_archive

    station = open_station(config, as_json=as_json, may_be_new=True, to_change=True)
    _answer(station, adopt_archive(station, path), "adopted", as_json=as_json)


@archive_app.command("accept-loss")
def accept_loss(
    frames: Annotated[list[str], typer.Argument(metavar="COLLECTION/BOX/ROLL_0007...", help="Frames that are gone.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they are gone, for later readers.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Note that frames are gone for good; `verify` then lists them as known losses and no longer as damage."""
    from filmscand.daemon.maintenance.losses import accept_losses

    if not reason.strip():
        raise typer.BadParameter("--reason: expected a text, found none")
    station = open_station(config, as_json=as_json)
    accepted = accept_losses(station, frames, reason.strip())
    if as_json:
        print_answer(station, {"accepted": accepted})
        return
    for frame in accepted:
        print(f"{frame}: noted as lost")


def _answer(station: Station, bound: BoundArchive, done: str, *, as_json: bool) -> NoReturn:
    if as_json:
        print_answer(station, bound)
    else:
        for text in (*bound.problems, *(f"{frame}: the archive does not hold this frame" for frame in bound.missing)):
            print(text)
        print(f"{bound.archive}: {done}, {bound.frames} frames, {len(bound.added)} of them new to the database")
    raise typer.Exit(bound.exit_status)
