"""The commands for scanners: devices, virtual-scanner, scan and session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from filmscand.daemon.cli.scan import follow, parse_positions, show_devices, show_report
from filmscand.daemon.cli.screen.terminal import say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_desk, open_station
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.database.session_records import Wish
from filmscand.daemon.maintenance.desk.desk import Desk
from filmscand.daemon.maintenance.sessions.order import SessionOrder
from filmscand.daemon.station.configuration import Station

SessionNumber = Annotated[int, typer.Argument(metavar="SESSION", help="Number of the session; see `filmscand status`.")]

Positions = Annotated[
    str | None,
    typer.Option("--positions", metavar="1,3-6", help="Frames of the strip or holder to scan; others are skipped."),
]
FirstNumber = Annotated[
    int | None,
    typer.Option(
        "--first",
        min=1,
        metavar="NUMBER",
        help="Number of the first frame on the roll, not its place; default: next free.",
    ),
]

session_app = typer.Typer(help="Pause, resume or cancel a scanning session, or skip its slide.", no_args_is_help=True)


def scan(
    roll: Annotated[str, typer.Option("--roll", metavar="ID", help="Roll that the frames belong to.")],
    frames: Annotated[
        int | None,
        typer.Option("--frames", min=1, metavar="N", help="Slides to scan; default: until the magazine is empty."),
    ] = None,
    positions: Positions = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", metavar="D", help="Scanner, by its name in `filmscand devices`; default: the only one."
        ),
    ] = None,
    collection: Annotated[str, typer.Option(help="Collection in the archive.")] = "unsorted",
    box: Annotated[str, typer.Option(help="Box in the archive.")] = "unsorted",
    first: FirstNumber = None,
    film: Annotated[FilmKind, typer.Option(help="Kind of film.")] = FilmKind.UNKNOWN,
    dpi: Annotated[int | None, typer.Option("--dpi", min=1, help="Resolution; default: the scanner's highest.")] = None,
    depth: Annotated[int, typer.Option("--depth", help="Bits per sample, 8 or 16.")] = 16,
    samples: Annotated[int, typer.Option("--samples", min=1, help="How often to read each line, for an average.")] = 1,
    infrared: Annotated[bool, typer.Option(help="Whether to scan infrared, too.")] = True,
    operator: Annotated[str | None, typer.Option(help="Name of the person who scans, for the record.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Scan a magazine or a strip: every frame is archived as captured, then cleaned."""
    station, desk = open_desk(config, as_json=as_json, may_be_new=True)
    chosen = _chosen(positions, frames)
    try:
        order = SessionOrder.model_validate(
            {
                **{"roll": roll, "collection": collection, "box": box, "first_number": first, "frames": frames},
                **{"positions": chosen, "film": film, "device": device, "operator": operator},
                "scanner": {"resolution_dpi": dpi, "depth_bits": depth, "samples": samples, "infrared": infrared},
            }
        )
        session_id = desk.order(order)
    except ValidationError as error:
        raise typer.BadParameter(_mistakes(error)) from None
    _follow(station, config, desk, session_id, as_json=as_json)


def _chosen(positions: str | None, frames: int | None) -> tuple[int, ...] | None:
    if positions is None:
        return None
    if frames is not None:
        raise typer.BadParameter("name --frames or --positions, not both")
    try:
        return parse_positions(positions)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def devices(
    host: Annotated[
        list[str] | None, typer.Option("--host", metavar="NAME", help="List the scanners of this host, too.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Use every backend of SANE's own configuration; slow.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the scanners that can be reached, whether they scan infrared, and which recipe drives them."""
    from filmscand.daemon.scanning.drivers import drivers_of

    station = open_station(config, as_json=as_json, may_be_new=True)
    drivers = drivers_of(station)
    drivers = replace(drivers, hosts=(*drivers.hosts, *(host or ())))
    show_devices(station, drivers.list(system=everything), as_json=as_json)


def virtual_scanner(
    model: Annotated[str, typer.Option(help="coolscan2, coolscan3, pieusb, genesys or pixma.")] = "coolscan3",
    slides: Annotated[int, typer.Option(min=1, metavar="N", help="Slides in the magazine.")] = 6,
    kinds: Annotated[str | None, typer.Option(help="Kinds of slides, separated by commas.")] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="Fault to simulate: jammed@start:3, stall@read:5/0.8 ...")
    ] = None,
    address: Annotated[str, typer.Option(help="Loopback address; libsane uses port 6566 only.")] = "127.0.0.1",
    rows: Annotated[int, typer.Option(min=16, help="Rows of a slide at the highest resolution.")] = 1200,
    cols: Annotated[int, typer.Option(min=16, help="Columns of a slide.")] = 1800,
    time_scale: Annotated[float, typer.Option(min=0.0, help="1: as slow as a real scanner; 0: no waiting.")] = 0.0,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="Film files to use as slides.")
    ] = None,
) -> None:
    """Run a film scanner that exists only on the network, for training and trials."""
    from filmscand.drivers.virtual.command import ScannerSettings, run_scanner
    from filmscand.drivers.virtual.faults import Fault
    from filmscand.drivers.virtual.film_slides import SIX_KINDS

    pictures = tuple(files or ())
    try:
        settings = ScannerSettings(
            model=model,
            slides=len(pictures) or slides,
            kinds=tuple(kinds.split(",")) if kinds else SIX_KINDS,
            files=pictures,
            rows_px=rows,
            cols_px=cols,
            faults=tuple(Fault.parse(text) for text in fault or ()),
            address=address,
            time_scale=time_scale,
        )
        run_scanner(settings)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@session_app.command()
def pause(session: SessionNumber, config: ConfigFile = None) -> None:
    """Pause a session after the current frame."""
    _, desk = open_desk(config)
    desk.tell(session, Wish.PAUSE)
    say(f"session {session} pauses after the current frame")


@session_app.command()
def cancel(session: SessionNumber, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Cancel a session after the current frame; captured frames are kept."""
    station, desk = open_desk(config, as_json=as_json)
    desk.tell(session, Wish.CANCEL)
    _follow(station, config, desk, session, as_json=as_json)


@session_app.command()
def resume(session: SessionNumber, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Resume a session that is paused, needs attention, or was ended by a power cut, and follow it."""
    station, desk = open_desk(config, as_json=as_json)
    desk.tell(session, Wish.RESUME)
    _follow(station, config, desk, session, as_json=as_json)


@session_app.command()
def skip(session: SessionNumber, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Resume a session without the slide that it waits at; the slide is recorded as lost, with the reason."""
    station, desk = open_desk(config, as_json=as_json)
    desk.skip(session)
    _follow(station, config, desk, session, as_json=as_json)


def _follow(station: Station, config: Path | None, desk: Desk, session_id: int, *, as_json: bool) -> None:
    report = follow(station, config, desk, session_id, as_json=as_json)
    show_report(station, report, as_json=as_json)
    if report.exit_status is not Exit.DONE:
        raise typer.Exit(report.exit_status)


def _mistakes(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in error.errors())
