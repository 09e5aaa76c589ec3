"""What the demo shows at its end: the archive's tree, tables of its frames, and sheets of crops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.request import CleanOutcome, Role
from filmscand.daemon.demo.frames import MUST_BE_CLEANED, SLIDES
from filmscand.daemon.demo.station import DemoError
from filmscand.daemon.evaluation.crop_sheet import save_sheet
from filmscand.film.frame import SimulatedFrame


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """A cleaned frame of the archive: counts and mask."""

    rgb: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.bool_]


def read_sidecars(folder: Path, expected: int) -> list[Sidecar]:
    """Return the sidecars of an archive, once it is verified that it holds so many complete and intact frames.

    Raises
    ------
    DemoError
        Frames are missing, or a file of one is not as recorded.
    """
    archive = Archive(folder)
    frames = [frame for frame in archive.frames() if archive.is_complete(frame)]
    if len(frames) != expected:
        raise DemoError(f"expected {expected} complete frames in {folder}, found {len(frames)}")
    for frame in frames:
        for problem in archive.verify(frame):
            raise DemoError(f"{frame}: {problem}")
    return [archive.read_sidecar(frame) for frame in frames]


def show_results(
    folder: Path, sidecars: Sequence[Sidecar], frames: dict[str, SimulatedFrame], sheets: Path, console: Console
) -> None:
    """Print the tree of the archive `folder` and the tables, write a sheet for each frame to `sheets` and name it.

    Raises
    ------
    DemoError
        A frame has damage and was not cleaned.
    """
    console.print(_tree(folder))
    console.print(*_tables(sidecars))
    _print_pictures(Archive(folder), sidecars, frames, sheets, console)
    for sidecar in sidecars:
        if name_of(sidecar) in MUST_BE_CLEANED and sidecar.latest.outcome is not CleanOutcome.CLEANED:
            raise DemoError(f"{sidecar.frame_id} has damage and was not cleaned: {sidecar.latest.warnings}")


def name_of(sidecar: Sidecar) -> str:
    """Return the demo's name of an archived frame; scanned slides are numbered in the order of the magazine."""
    original = sidecar.originals[0].original_name
    return Path(original).stem if original else SLIDES[sidecar.frame_id.number - 1].name


def _tree(folder: Path) -> Tree:
    tree = Tree(f"[bold]{escape(str(folder))}[/]")
    _grow(tree, folder)
    return tree


def _grow(tree: Tree, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            _grow(tree.add(f"{path.name}/"), path)
        else:
            tree.add(f"{path.name}  [dim]{decimal(path.stat().st_size)}[/]")


def _tables(sidecars: Sequence[Sidecar]) -> Iterator[Table]:
    found = Table("frame", "from", title="what was found", box=None)
    for name in ("leakage", "threshold", "defects", "warnings"):
        found.add_column(name)
    took = Table("frame", "divided", "filled", "left", "s read", "clean", "preview", "store", "in all", box=None)
    for sidecar in sidecars:
        stem, report, seconds = sidecar.frame_id.stem, sidecar.latest.report, sidecar.latest.seconds
        numbers = f"{report.leakage.red:.3f}", f"{report.threshold:.4f}", str(report.defects_found)
        source = f"{name_of(sidecar)}, {sidecar.capture.layout}"
        found.add_row(stem, source, *numbers, ", ".join(sidecar.latest.warnings))
        counts = (str(count) for count in (report.defects_divided, report.defects_filled, report.defects_left))
        steps = [seconds[name] for name in ("read", "clean", "preview", "store")]
        took.add_row(stem, *counts, *(f"{step:.2f}" for step in [*steps, sum(steps)]))
    yield found
    yield took


def _print_pictures(
    archive: Archive, sidecars: Sequence[Sidecar], frames: dict[str, SimulatedFrame], sheets: Path, console: Console
) -> None:
    console.print("pictures to open (sheets: raw, infrared, cleaned, truth and mask, crop by crop):")
    for sidecar in sidecars:
        folder = archive.frame_folder(sidecar.frame_id).path
        named = {file.role: folder / file.name for file in sidecar.latest.files}
        name = name_of(sidecar)
        sheet = sheets / f"{name}.png"
        _save_sheet(sheet, name, frames[name], named)
        for path in (named[Role.ACCESS], sheet):
            console.print(f"  {path}", soft_wrap=True, highlight=False, markup=False)


def _save_sheet(path: Path, name: str, frame: SimulatedFrame, named: dict[Role, Path]) -> None:
    cleaned = tifffile.imread(named[Role.CLEAN])
    mask = np.asarray(Image.open(named[Role.MASK])) > 0
    save_sheet(path, _first_rows(frame, len(cleaned)), _Cleaned(cleaned, mask), name)


def _first_rows(frame: SimulatedFrame, rows: int) -> SimulatedFrame:
    """Cut a frame to the rows that were scanned: python-sane loses the last row of a scan."""
    planes = {field.name: getattr(frame, field.name) for field in fields(frame)}
    cut: dict[str, Any] = {
        name: plane[:rows] for name, plane in planes.items() if isinstance(plane, np.ndarray) and plane.ndim > 1
    }
    return replace(frame, **cut)
