"""`filmscand import`: take a folder of finished files into the archive."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import complain, say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station, print_answer
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.station.configuration import PairRule, Station
from filmscand.daemon.station.rights import require_owner

if TYPE_CHECKING:
    from filmscand.daemon.bulk.importing.campaign import Campaign
    from filmscand.daemon.bulk.importing.report import ImportReport


def import_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Folder of the files.")],
    collection: Annotated[str, typer.Option(help="Collection of the frames.")] = "unsorted",
    box: Annotated[str, typer.Option(help="Box of the frames.")] = "unsorted",
    roll: Annotated[str, typer.Option(metavar="TEMPLATE", help="Name of the roll, as in watch.roll.")] = "{folder}",
    film: Annotated[FilmKind, typer.Option(help="Kind of film.")] = FilmKind.UNKNOWN,
    pair: Annotated[PairRule, typer.Option(help="Whether infrared may, or must, lie in a second file.")] = (
        PairRule.OPTIONAL
    ),
    fourth_sample_infrared: Annotated[
        bool | None, typer.Option(help="What a fourth sample is; default: decided by the file.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=64, help="Files read and copied at the same time; default: by the cores.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be imported.")] = False,
    report_file: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.csv", help="Write what became of each file to a table.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a folder of finished files, and everything below it, into the archive; the files themselves stay.

    Each picture is taken once, also if the command is killed and given again.
    """
    from filmscand.daemon.archive.files.atomic_file import publish_bytes

    station = open_station(config, as_json=as_json, to_change=not dry_run)
    if not dry_run:
        require_owner(station)
    settings = {"collection": collection, "box": box, "roll": roll, "film": film, "pair": pair}
    campaign = _campaign(folder.absolute(), {**settings, "fourth_sample_infrared": fourth_sample_infrared})
    report = _run(station, campaign, threads, dry_run=dry_run)
    if report_file is not None:
        publish_bytes(report_file.absolute(), report.as_csv(), replace=True)
    if as_json:
        print_answer(station, {"counts": report.counts, "frames": report.frames, "report": report})
    else:
        _show(report)
    raise typer.Exit(report.exit_status)


def _campaign(folder: Path, settings: dict[str, object]) -> Campaign:
    from pydantic import ValidationError

    from filmscand.daemon.bulk.importing.campaign import Campaign

    try:
        return Campaign.model_validate({"path": folder, **settings})
    except ValidationError as error:
        wrong = error.errors()[0]
        named = "".join(f"--{part}: " for part in wrong["loc"])
        raise typer.BadParameter(named + wrong["msg"].removeprefix("Value error, ")) from None


def _run(station: Station, campaign: Campaign, threads: int | None, *, dry_run: bool) -> ImportReport:
    from filmscand.daemon.bulk.importing.run import Progress, import_folder, look_through, usual_threads
    from filmscand.daemon.cli.screen.bars import add_bar, progress_bars

    with progress_bars() as bars:
        bar = add_bar(bars, "looked into" if dry_run else "imported")

        def show(now: Progress) -> None:
            bar.show(now.bytes, f"{now.files} of {now.of_files} files", total=now.of_bytes)

        do = look_through if dry_run else import_folder
        return do(station, campaign, threads or usual_threads(), show)


def _show(report: ImportReport) -> None:
    from filmscand.daemon.bulk.importing.report import Fate

    for file in report.files:
        if file.fate in (Fate.REJECTED, Fate.WAITING):
            complain(f"{file.path}: {file.fate}: {file.reason}")
    if report.dry_run:
        rolls = Counter(file.roll for file in report.files if file.fate is Fate.IMPORTED)
        show_table([Column("roll", Kind.NAME), Column("files", Kind.NUMBER)], list(rolls.items()))
    counts = ", ".join(f"{count} {fate}" for fate, count in report.counts.items() if count or fate == Fate.IMPORTED)
    ending = " (a dry run: nothing was changed)" if report.dry_run else f"; {report.frames} frames queued to be cleaned"
    say(f"{report.folder}: {counts}{ending}")
