"""Cleans single files without an archive (the command `filmscand clean`)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic_core import to_json

from filmscand.daemon.archive.files.atomic_file import Digest, make_folders, publish_bytes, publish_together
from filmscand.daemon.archive.frames.encode import write_mask_png
from filmscand.daemon.archive.frames.metadata import CleanedBy, FileTitle, clean_tags
from filmscand.daemon.archive.records.sidecar import EngineOptions
from filmscand.daemon.cleaning.healing.command import Healer
from filmscand.daemon.cleaning.healing.frame import clean_capture
from filmscand.daemon.core.errors import FrameExistsError
from filmscand.daemon.core.request import Record, ReportRecord
from filmscand.drivers.base import CaptureInfo, DriverError
from filmscand.drivers.files.reader import (
    SUFFIXES,
    find_infrared_partner,
    infrared_stem,
    is_infrared_file,
    read_capture,
)
from filmscand.drivers.files.writer import write_tiff
from filmscand.ir import CleanOptions, engine_identity


class FileReport(Record):
    """The content of `NAME.json`.

    Attributes
    ----------
    picture, infrared : str
        The files that were read; `infrared` is None where there is none.
    engine_version, engine_code_sha256, engine_models_sha256 : str
        Identity of the engine; see `filmscand.ir.identity.EngineIdentity`.
    seconds : dict of str to float
        Wall time of "read", "clean" and "write", seconds.
    files : dict of str to Digest
        Size and hashes of each file that was written, by name.
    """

    picture: str
    infrared: str | None
    engine_version: str
    engine_code_sha256: str
    engine_models_sha256: str
    options: EngineOptions
    capture: CaptureInfo
    report: ReportRecord
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    files: dict[str, Digest]


IsInfrared = Callable[[Path], bool]


def pictures_of(files: Iterable[Path], is_infrared: IsInfrared | None = None) -> list[Path]:
    """Return the pictures that the files belong to, each once, in the order of the files.

    An infrared file stands for its picture, also if only the infrared file is given.

    Parameters
    ----------
    files : iterable of Path
        Pictures and infrared files.
    is_infrared : callable, optional
        Returns whether a file with the name of an infrared can be one by what it holds; default: every one can.
    """
    return list(dict.fromkeys(_picture_of(Path(file).absolute(), is_infrared) for file in files))


@dataclass(frozen=True, slots=True)
class CleanOrders:
    """How all files of one run are cleaned.

    Attributes
    ----------
    output : Path
        Folder for the results; it is made if it is missing.
    options : CleanOptions
        Options of the engine.
    keep : tuple of Path
        Files that no result may replace. The files that are read are never replaced.
    memory_limit_bytes : int or None
        Memory that the process may use; see `read_capture`.
    healer : Healer or None
        Fills the defects in place of the engine.
    """

    output: Path
    options: CleanOptions
    keep: tuple[Path, ...] = ()
    memory_limit_bytes: int | None = None
    healer: Healer | None = None


def clean_ordered(order: tuple[Path, CleanOrders]) -> FileReport:
    """Clean one file of a run (the task of a child process)."""
    picture, orders = order
    return clean_file(picture, orders)


def load_engine() -> None:
    """Load the libraries that must not find memory short: OpenBLAS loops for ever if it finds none while it loads."""
    import numba  # noqa: F401
    import scipy.linalg  # noqa: F401


def clean_file(picture: Path, orders: CleanOrders) -> FileReport:
    """Clean a picture and write NAME_clean.tif, NAME_mask.png and NAME.json.

    Parameters
    ----------
    picture : Path
        The picture. A separate infrared file beside it is found by its name; a scan in colours is none.
    orders : CleanOrders
        How it is cleaned, and where the results go.

    Raises
    ------
    DriverError, FrameExistsError, HealerError, TransientError, OSError
        No film scan, a result would replace a file that must be kept, the healer or a disk fails.
    """
    output, options = orders.output, orders.options
    targets = {ending: output / f"{picture.stem}{ending}" for ending in ("_clean.tif", "_mask.png", ".json")}
    clock = [time.perf_counter()]
    infrared = find_infrared_partner(picture, is_infrared_file)
    _refuse_to_replace([*orders.keep, picture, *([infrared] if infrared else [])], targets.values())
    capture = read_capture(picture, infrared, memory_limit_bytes=orders.memory_limit_bytes)
    clock.append(time.perf_counter())
    cleaned = clean_capture(capture, options, orders.healer)
    clock.append(time.perf_counter())
    make_folders(output)
    title = FileTitle(picture.stem, f"{picture.stem}_clean")
    engine = engine_identity()
    healer = None if orders.healer is None else orders.healer.command
    by = CleanedBy(engine, options.sensitivity, healer)
    tags = clean_tags(title, FileTitle(picture.stem, picture.name), capture, by)
    done = publish_together(
        {
            targets["_clean.tif"]: lambda file: write_tiff(file, cleaned.rgb, tags),
            targets["_mask.png"]: lambda file: write_mask_png(file, cleaned.defect_mask),
        }
    )
    clock.append(time.perf_counter())
    report = FileReport(
        picture=str(picture),
        infrared=str(infrared) if infrared else None,
        engine_version=engine.version,
        engine_code_sha256=engine.code_sha256,
        engine_models_sha256=engine.models_sha256,
        options=EngineOptions(**asdict(options), healer=healer),
        capture=capture.info,
        report=ReportRecord.of(cleaned.report),
        warnings=tuple(str(warning) for warning in cleaned.report.warnings),
        seconds=_between(clock, ("read", "clean", "write")),
        files={path.name: digest for path, (digest, _) in done.items()},
    )
    publish_bytes(targets[".json"], to_json(report, indent=2, inf_nan_mode="null") + b"\n", replace=True)
    return report


def colliding(pictures: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield each picture whose results would have the same names as those of an earlier picture, with that picture."""
    first: dict[str, Path] = {}
    for picture in pictures:
        earlier = first.setdefault(picture.stem, picture)
        if earlier is not picture:
            yield picture, earlier


def _picture_of(file: Path, is_infrared: IsInfrared | None) -> Path:
    stem = infrared_stem(file.name)
    if stem is None or not file.parent.is_dir():
        return file
    # Beside them may lie the results of an earlier run: NAME.json is no picture.
    films = (other for other in sorted(file.parent.iterdir()) if other.suffix.lower() in SUFFIXES)
    candidates = (other for other in films if stem.casefold() in _names(other))
    picture = next((picture for picture in candidates if _belongs(file, picture, is_infrared)), file)
    return picture if is_infrared is None or is_infrared(file) else file


def _belongs(file: Path, picture: Path, is_infrared: IsInfrared | None) -> bool:
    try:
        return find_infrared_partner(picture, is_infrared) == file
    except DriverError:
        # More than one infrared file fits: cleaning the picture reports that.
        return True


def _names(path: Path) -> tuple[str, str]:
    return path.stem.casefold(), path.name.casefold()


def _refuse_to_replace(inputs: Iterable[Path], targets: Iterable[Path]) -> None:
    # Path.resolve raises an error for a link that leads to itself, and one such input would end all others.
    kept = {os.path.realpath(file) for file in inputs}
    for target in targets:
        if os.path.realpath(target) in kept:
            raise FrameExistsError(f"{target}: a result would replace this input file; choose another output folder")


def _between(clock: Sequence[float], steps: Sequence[str]) -> dict[str, float]:
    return {step: round(end - start, 4) for step, start, end in zip(steps, clock, clock[1:], strict=False)}
