"""The command `filmscand clean`: cleans files one by one, with a progress bar on a terminal and JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from filmscand.daemon.core.errors import DaemonError, FrameExistsError
from filmscand.drivers.base import DriverError

if TYPE_CHECKING:
    from filmscand.daemon.cleaning.files import FileReport
    from filmscand.daemon.station.configuration import Cleaning

ModelFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Model to use instead of ours (ONNX)."),
]


@dataclass(frozen=True, slots=True)
class FileResult:
    """Result of one frame: a report, or an error."""

    picture: Path
    report: FileReport | None
    error: str | None


def clean_all(files: Sequence[Path], output: Path, cleaning: Cleaning) -> list[FileResult]:
    """Clean the frames of all `files` into the folder `output`; a frame that fails does not stop the others."""
    # The engine takes a second to load, and `--help` does not need it.
    from filmscand.daemon.cleaning.files import pictures_of

    pictures = pictures_of(files)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("cleaning", total=len(pictures))
        for result in _clean_each(pictures, output, cleaning):
            results.append(result)
            progress.update(task, advance=1, description=escape(result.picture.name))
    return results


def _clean_each(pictures: Sequence[Path], output: Path, cleaning: Cleaning) -> Iterator[FileResult]:
    from filmscand.daemon.cleaning.engine_options import options_of
    from filmscand.daemon.cleaning.files import clean_file, colliding
    from filmscand.ir import ImageError

    options = options_of(cleaning)
    collisions = dict(colliding(pictures))
    for picture in pictures:
        try:
            if picture in collisions:
                raise FrameExistsError(f"{picture}: expected another name than {collisions[picture]}")
            yield FileResult(picture, clean_file(picture, output, options, pictures), None)
        except (DaemonError, DriverError, ImageError, OSError) as error:
            yield FileResult(picture, None, str(error))


def show_results(results: Sequence[FileResult], *, as_json: bool) -> None:
    """Print the result of each frame; without JSON, errors go to stderr."""
    if as_json:
        print(to_json({"frames": [_plain(result) for result in results]}, indent=2).decode())
        return
    for result in results:
        if result.error is not None:
            print(f"filmscand: {result.error}", file=sys.stderr)
    table = Table("frame", "method", "leakage of red", "threshold", "changed", "seconds", "remarks", box=None)
    for result in results:
        if result.report is not None:
            table.add_row(escape(result.picture.name), *_row(result.report))
    if table.row_count:
        Console().print(table)


def _plain(result: FileResult) -> dict[str, object]:
    report = result.report.model_dump(mode="json") if result.report else None
    return {"picture": str(result.picture), "error": result.error, "report": report}


def _row(report: FileReport) -> tuple[str, ...]:
    found = report.report
    return (
        str(found.method),
        f"{found.leakage.red or 0.0:.3f}",
        f"{found.threshold or 0.0:.3f}",
        f"{found.defects_found} defects, {100 * (found.coverage or 0.0):.2f} %",
        f"{sum(report.seconds.values()):.2f}",
        ", ".join((*report.capture.flags, *report.warnings)),
    )
