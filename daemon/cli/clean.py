"""The command `filmscand clean`: cleans files one by one, with a progress bar on a terminal and JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from pydantic import ValidationError

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import complain
from filmscand.daemon.cli.stations import AsJson, ConfigFile
from filmscand.daemon.cli.warm_up import announce_compiling
from filmscand.daemon.core.errors import DaemonError, FrameExistsError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.station.configuration import Cleaning, DetectorUse, Workers, load_station
from filmscand.daemon.station.finding import find_config, root_variable
from filmscand.drivers.base import DriverError

if TYPE_CHECKING:
    from filmscand.daemon.cleaning.files import FileReport
    from filmscand.daemon.core.inspection import Inspector

ModelFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Model to use instead of ours (ONNX)."),
]
_COLUMNS: Final = (
    Column("frame", Kind.NAME),
    Column("method"),
    Column("leakage of red", Kind.NUMBER),
    Column("threshold", Kind.NUMBER),
    Column("changed"),
    Column("seconds", Kind.NUMBER),
    Column("remarks", Kind.TEXT),
)
# The results of `clean` for one frame, by the ends of their names.
_RESULTS: Final = ("_clean.tif", "_mask.png", ".json")


@dataclass(frozen=True, slots=True)
class FileResult:
    """Result of one frame: a report, or an error."""

    picture: Path
    report: FileReport | None
    error: str | None


def clean(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Scans, pairs NAME.tif + NAME_ir.tif, or folders of them.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")],
    sensitivity: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0: remove only certain dust; 1: remove everything suspicious.")
    ] = 0.5,
    detector: Annotated[
        DetectorUse,
        typer.Option(help="auto: find dust by colour where infrared cannot be used; off: leave such frames."),
    ] = DetectorUse.AUTO,
    detector_model: ModelFile = None,
    inpainting_model: ModelFile = None,
    healer: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="Command with {picture}, {mask} and {output} that fills the defects."),
    ] = None,
    healer_timeout: Annotated[
        float, typer.Option(min=1.0, max=600.0, help="Seconds that the command may take for one frame.")
    ] = 300.0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Clean files: write DIR/NAME_clean.tif, DIR/NAME_mask.png and DIR/NAME.json for each.

    Needs no station. The memory limit is workers.memory_limit_mib of the station that --config or FILMSCAND_STATION
    names.
    """
    cleaning = _cleaning(
        {"sensitivity": sensitivity, "detector": detector, "detector_model": detector_model}
        | {"inpainting_model": inpainting_model, "healer": healer, "healer_timeout_s": healer_timeout}
    )
    results = clean_all(files, output, cleaning, _memory_limit_bytes(config))
    show_results(results, as_json=as_json)
    raise typer.Exit(Exit.of(sum(result.error is not None for result in results), len(results)))


def _cleaning(settings: dict[str, object]) -> Cleaning:
    try:
        return Cleaning.model_validate(settings)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _memory_limit_bytes(config: Path | None) -> int:
    """Return the memory that one frame may take: as much as on the station that somebody named, else the default."""
    named = config is not None or (root_variable() is not None and find_config() is not None)
    workers = load_station(config).workers if named else Workers()
    return workers.memory_limit_mib << 20


def clean_all(files: Sequence[Path], output: Path, cleaning: Cleaning, memory_limit_bytes: int) -> list[FileResult]:
    """Clean the frames of all `files` into the folder `output`; a frame that fails does not stop the others.

    One frame may take `memory_limit_bytes`. A folder without a film file counts as a frame that fails.
    """
    named, failed = _look_into(files)
    # The engine takes a second to load, and `--help` does not need it.
    from filmscand.daemon.cleaning.files import pictures_of
    from filmscand.daemon.cli.screen.bars import add_bar, progress_bars
    from filmscand.daemon.core.inspection import Inspector

    if sys.stderr.isatty():
        announce_compiling()
    inspector = Inspector(memory_limit_bytes)
    try:
        pictures = pictures_of(named, cache(partial(_is_infrared, inspector)))
    finally:
        inspector.close()
    results = []
    with progress_bars() as progress:
        bar = add_bar(progress, "cleaning", len(pictures))
        for result in _clean_each(pictures, output, cleaning, memory_limit_bytes):
            results.append(result)
            bar.show(len(results), f"{len(results)} of {len(pictures)}", name=result.picture.name)
    return failed + results


def _is_infrared(inspector: Inspector, file: Path) -> bool:
    """Return whether a file with the name of an infrared can be one; a child of limited memory looks into it."""
    try:
        found = inspector.look(file, fourth_sample_is_infrared=None, has_partner=True, may_be_infrared=True)
    except (DriverError, OSError):
        # Only its name is known. Cleaning the picture tells what is wrong with it.
        return True
    return found.is_infrared


def _look_into(paths: Sequence[Path]) -> tuple[list[Path], list[FileResult]]:
    """Return the files that paths stand for, and the folders that hold none or cannot be read."""
    from filmscand.drivers.files.errors import SUFFIXES

    files, failed = [], []
    for path in paths:
        try:
            within = _files_of(path)
            error = f"{path}: expected film files ({' '.join(sorted(SUFFIXES))}), found none in this folder"
        except OSError as problem:
            within, error = [], _of_picture(path, message_of(problem))
        files += within
        failed += [] if within else [FileResult(path, None, error)]
    return files, failed


def _files_of(path: Path) -> list[Path]:
    """Return the film files of a folder by name, without the results of an earlier run; a file stands for itself."""
    from filmscand.drivers.files.errors import SUFFIXES

    if not path.is_dir():
        return [path]
    names = {file.name for file in path.iterdir()}
    return [
        file
        for file in sorted(path.iterdir())
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and not _is_result(file.name, names)
    ]


def _is_result(name: str, names: Iterable[str]) -> bool:
    stems = [name.removesuffix(ending) for ending in _RESULTS if name.endswith(ending)]
    return any(all(f"{stem}{ending}" in names for ending in _RESULTS) for stem in stems)


def _clean_each(pictures: Sequence[Path], output: Path, cleaning: Cleaning, limit_bytes: int) -> Iterator[FileResult]:
    from filmscand.daemon.cleaning.engine_options import options_of
    from filmscand.daemon.cleaning.files import CleanOrders, clean_ordered, colliding, load_engine
    from filmscand.daemon.cleaning.healing.command import Healer
    from filmscand.daemon.core.limited_process import LimitedProcess, TaskLostError
    from filmscand.daemon.core.timing import Timing
    from filmscand.ir import ImageError

    orders = CleanOrders(output, options_of(cleaning), tuple(pictures), limit_bytes, Healer.of(cleaning))
    collisions = dict(colliding(pictures))
    child = LimitedProcess(clean_ordered, limit_bytes, Timing().frame_limit_s, load_engine)
    try:
        for picture in pictures:
            try:
                if picture in collisions:
                    raise FrameExistsError(f"{picture}: expected another name than {collisions[picture]}")
                yield FileResult(picture, child.ask((picture, orders)), None)
            except TaskLostError as error:
                yield FileResult(picture, None, f"{picture}: {error}")
            except FileNotFoundError as error:
                yield FileResult(
                    picture, None, f"{error.filename}: expected a film file or a folder of them, found nothing"
                )
            except (DaemonError, DriverError, ImageError, OSError) as error:
                yield FileResult(picture, None, _of_picture(picture, message_of(error)))
            # A file that nobody foresaw must not keep the others from being cleaned.
            except Exception as error:
                yield FileResult(picture, None, f"{picture}: {type(error).__name__}: {error}")
    finally:
        child.close()


def _of_picture(picture: Path, message: str) -> str:
    """Return the message, which names the picture or another file of it already, or names it now."""
    return message if str(picture.parent) in message or picture.name in message else f"{picture}: {message}"


def show_results(results: Sequence[FileResult], *, as_json: bool) -> None:
    """Print the result of each frame; without JSON, errors go to stderr."""
    if as_json:
        print_json({"frames": [_plain(result) for result in results]})
        return
    for result in results:
        if result.error is not None:
            complain(result.error)
    show_table(_COLUMNS, [(result.picture.name, *_row(result.report)) for result in results if result.report])


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
