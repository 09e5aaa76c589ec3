"""Cleans single files outside any archive: what `filmscand clean` does."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json, to_jsonable_python

from daemon.atomic_file import Digest, make_folders, publish_bytes, publish_together
from daemon.encode import write_mask_png
from daemon.errors import FrameExistsError
from daemon.metadata import FileTitle, clean_tags
from daemon.sidecar import CaptureRecord
from drivers.base import Capture
from drivers.film_files import find_infrared_partner, infrared_stem, read_capture
from drivers.film_writer import write_tiff
from ir import VERSION, CleanedFrame, CleanOptions, clean_frame


@dataclass(frozen=True, slots=True)
class Source:
    """One frame to clean: its picture, and its infrared file where that is a separate one."""

    picture: Path
    infrared: Path | None


class FileReport(BaseModel):
    """What `NAME.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    picture: str
    infrared: str | None
    engine_version: str
    options: dict[str, Any]
    capture: CaptureRecord
    report: dict[str, Any]
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    files: dict[str, dict[str, Any]]


def pair_up(files: Iterable[Path]) -> list[Source]:
    """Return the frames that the named files belong to, each once, in their order.

    A file named twice counts once; an infrared file stands for its picture, also where only it is named.

    Raises
    ------
    DriverError
        Two infrared files fit one picture equally well.
    """
    named = dict.fromkeys(Path(file).absolute() for file in files)
    pictures = dict.fromkeys(_picture_of(file) for file in named)
    return [Source(picture, _partner_of(picture)) for picture in pictures]


def clean_file(source: Source, output: Path, options: CleanOptions) -> FileReport:
    """Clean one frame into `output`: NAME_clean.tif, NAME_mask.png, and NAME.json last.

    Raises
    ------
    DriverError
        The file is no film scan that can be read.
    FrameExistsError
        The result would replace the file that is read.
    TransientError
        The disk does not take the result.
    OSError
        The file cannot be read.
    """
    name = source.picture.stem
    targets = {ending: output / f"{name}{ending}" for ending in ("_clean.tif", "_mask.png", ".json")}
    _refuse_to_replace_input(source, targets.values())
    clock = [time.perf_counter()]
    capture = read_capture(source.picture, source.infrared)
    clock.append(time.perf_counter())
    cleaned = clean_frame(capture.rgb, capture.infrared, options)
    clock.append(time.perf_counter())
    make_folders(output)
    tags = clean_tags(FileTitle(name, f"{name}_clean"), FileTitle(name, source.picture.name), capture.info, options)
    done = publish_together(
        {
            targets["_clean.tif"]: lambda file: write_tiff(file, cleaned.rgb, tags),
            targets["_mask.png"]: lambda file: write_mask_png(file, cleaned.defect_mask),
        }
    )
    clock.append(time.perf_counter())
    report = _report(source, capture, cleaned, {path.name: digest for path, (digest, _) in done.items()})
    seconds = {
        step: round(end - start, 4)
        for step, start, end in zip(("read", "clean", "write"), clock, clock[1:], strict=False)
    }
    report = report.model_copy(update={"seconds": seconds, "options": asdict(options)})
    publish_bytes(targets[".json"], to_json(report, indent=2, inf_nan_mode="null") + b"\n", replace=True)
    return report


def colliding(sources: Iterable[Source]) -> Iterator[tuple[Source, Source]]:
    """Yield each frame whose results would have the names of an earlier frame's, with that frame."""
    first: dict[str, Source] = {}
    for source in sources:
        earlier = first.setdefault(source.picture.stem, source)
        if earlier is not source:
            yield source, earlier


def _picture_of(file: Path) -> Path:
    stem = infrared_stem(file.name)
    if stem is None or not file.parent.is_dir():
        return file
    candidates = [other for other in sorted(file.parent.iterdir()) if stem.casefold() in _names(other)]
    return next((picture for picture in candidates if _partner_of(picture) == file), file)


def _names(path: Path) -> tuple[str, str]:
    return path.stem.casefold(), path.name.casefold()


def _partner_of(picture: Path) -> Path | None:
    return find_infrared_partner(picture) if picture.parent.is_dir() else None


def _refuse_to_replace_input(source: Source, targets: Iterable[Path]) -> None:
    inputs = {source.picture.resolve(), *([source.infrared.resolve()] if source.infrared else [])}
    for target in targets:
        if target.resolve() in inputs:
            raise FrameExistsError(f"{target}: expected an output folder apart from the input, found the input itself")


def _report(source: Source, capture: Capture, cleaned: CleanedFrame, digests: dict[str, Digest]) -> FileReport:
    return FileReport(
        picture=str(source.picture),
        infrared=str(source.infrared) if source.infrared else None,
        engine_version=VERSION,
        options={},
        capture=CaptureRecord.of(capture.info, capture.rgb),
        report=to_jsonable_python(cleaned.report.as_dict(), inf_nan_mode="null"),
        warnings=tuple(str(warning) for warning in cleaned.report.warnings),
        seconds={},
        files={name: asdict(digest) for name, digest in digests.items()},
    )
