"""`filmscand export`: give away finished pictures, raw files and whole rolls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmscand.daemon.cli.screen.terminal import complain, say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station, print_answer
from filmscand.daemon.core.errors import FrameIdError

if TYPE_CHECKING:
    from filmscand.daemon.database.sheets.selection import Selector
    from filmscand.daemon.export.run import ExportFormat, ExportReport
    from filmscand.daemon.station.configuration import Station


def export(
    selectors: Annotated[
        list[str],
        typer.Argument(
            metavar="COLLECTION[/BOX[/ROLL[_0003[-0012]]]]...", help="Collections, boxes, rolls, frames, frame ranges."
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder that the files are written into.")],
    jpeg: Annotated[bool, typer.Option("--jpeg", help="Finished pictures as JPEG, sRGB (the default).")] = False,
    tiff: Annotated[bool, typer.Option("--tiff", help="Finished pictures as TIFF, 16 bits.")] = False,
    rgbi: Annotated[bool, typer.Option("--rgbi", help="Raw pictures with infrared as TIFF, for VueScan.")] = False,
    ocfl: Annotated[bool, typer.Option("--ocfl", help="Whole rolls, raw files and all, as OCFL 1.1 objects.")] = False,
    packed: Annotated[bool, typer.Option("--zip", help="Whole rolls, each as a ZIP file.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Give frames away: finished pictures for photo programs, raw files, whole rolls. Nothing is replaced or changed.

    If it is stopped or killed, run it again: what is done stays.
    """
    chosen = _selectors(selectors)
    format = _format({"jpeg": jpeg, "tiff": tiff, "rgbi": rgbi, "ocfl": ocfl, "zip": packed})
    station = open_station(config, as_json=as_json)
    report = _export(station, chosen, to.absolute(), format)
    if as_json:
        print_answer(station, report)
    else:
        _show(report)
    raise typer.Exit(report.exit_status)


def _selectors(texts: list[str]) -> list[Selector]:
    from filmscand.daemon.database.sheets.selection import Selector

    try:
        return [Selector.parse(text) for text in texts]
    except FrameIdError as error:
        raise typer.BadParameter(str(error)) from None


def _format(asked: dict[str, bool]) -> ExportFormat:
    from filmscand.daemon.export.finished import PictureFormat
    from filmscand.daemon.export.rolls import RollFormat

    names = [name for name, wanted in asked.items() if wanted] or [str(PictureFormat.JPEG)]
    if len(names) > 1:
        raise typer.BadParameter(f"choose one of {', '.join(f'--{name}' for name in names)}")
    return RollFormat(names[0]) if names[0] in list(RollFormat) else PictureFormat(names[0])


def _export(station: Station, chosen: list[Selector], to: Path, format: ExportFormat) -> ExportReport:
    from filmscand.daemon.archive.tree import Archive
    from filmscand.daemon.cli.screen.bars import add_bar, progress_bars
    from filmscand.daemon.export.run import ExportOrder, export, require_elsewhere
    from filmscand.daemon.export.selecting import chosen_frames
    from filmscand.daemon.maintenance.identity import identity_problem

    require_elsewhere(to, station)
    problem = identity_problem(station)
    if problem is not None:
        # It is only read: a copy of an archive is exported for what it is.
        complain(str(problem))
    is_known = problem is None and station.database.exists()
    frames = chosen_frames(station.archive, chosen, station.database if is_known else None)
    with progress_bars() as progress:
        bar = add_bar(progress, "exported", len(frames))

        def show(done: int, name: str) -> None:
            bar.show(done, f"{done} of {len(frames)}", name=name)

        limit_bytes = station.workers.memory_limit_mib << 20
        return export(Archive(station.archive), frames, ExportOrder(to, format, limit_bytes), show)


def _show(report: ExportReport) -> None:
    for one in report.failed:
        complain(one.error if one.frame in one.error else f"{one.frame}: {one.error}")
    kept = f", {report.kept} were there already" if report.kept else ""
    failed = f", {len(report.failed)} could not be exported" if report.failed else ""
    say(f"{len(report.given)} written to {report.to}{kept}{failed}")
