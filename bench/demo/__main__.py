"""The main job end to end, on a scratch station: `python -m bench.demo` (what `make run` calls).

`filmscand scan` scans six slides of a virtual scanner through real libsane and python-sane, and three scans of other
programs are copied into watch folders. The service archives and cleans all nine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.tree import Tree

from bench.demo.station import (
    LIMIT_S,
    PROGRAM,
    DemoError,
    follow_frames,
    require_no_failure,
    serve_page,
    service_process,
    wait_until,
    write_config,
)
from bench.frames.photographs import MakePicture, photograph
from bench.frames.scan_files import WriteScan, write_pair, write_silverfast, write_vuescan
from bench.measures.crop_sheets import save_sheet
from bench.measures.metrics import Answer, Judge
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.request import CleanOutcome, Role
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.drivers.virtual.magazine import STILL, Magazine, Slide
from filmscand.drivers.virtual.server import VirtualScanner
from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, night, portrait

ROWS, COLS = 1000, 1500
MAGAZINE = "magazine"
_MODEL, _MODEL_BITS = "coolscan3", 14
# Time of a frame over that of a real scanner: slow enough to watch the progress bar.
_TIME_SCALE = 1 / 12
# Lines of the service's log to print after a failure.
_LOG_LINES = 60


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame to simulate: name, kind of film and damage, picture and seed."""

    name: str
    kind: str
    picture: MakePicture
    seed: int

    def simulate(self, *, bits: int = 16) -> SimulatedFrame:
        """Return the frame as a scanner with that bit depth sees it."""
        recipe = KINDS[self.kind]
        recipe = replace(recipe, scanner=replace(recipe.scanner, bits=bits))
        return simulate_frame(self.picture(ROWS, COLS), recipe, seed=self.seed)


@dataclass(frozen=True, slots=True)
class _Drop:
    """A frame that arrives as a file: the function that writes it as a scanning program does, and the watch folder."""

    frame: _Frame
    write: WriteScan
    folder: str


# Enlarged further than on a bench: a whole photograph is nicer to look at than a sharp one mirrored at its edges.
_COFFEE, _ROCKET, _CAT = (photograph(name, most_enlarged=4.0) for name in ("coffee", "rocket", "chelsea"))
_SLIDES = (
    _Frame("leaky", "leaky_slide", _COFFEE, 71),
    _Frame("bright", "bright_slide", lambda rows, cols: portrait(rows, cols, 2), 74),
    _Frame("dark", "dark_slide", lambda rows, cols: girders(rows, cols, 3), 75),
    _Frame("mounted", "mounted", _ROCKET, 76),
    _Frame("kodachrome", "kodachrome", _CAT, 77),
    _Frame("spotless", "spotless", lambda rows, cols: night(rows, cols, 6), 78),
)
_DROPS = (
    _Drop(_Frame("leaky-slide", "leaky_slide", _CAT, 79), write_vuescan, "slides"),
    _Drop(
        _Frame("negative", "negative", lambda rows, cols: landscape(rows, cols, 5), 72), write_silverfast, "negatives"
    ),
    _Drop(_Frame("mounted-slide", "mounted", _ROCKET, 73), write_pair, "slides"),
)
# Frames that must be cleaned. Kodachrome may be left as it is, and a spotless slide needs no cleaning.
_MUST_BE_CLEANED = frozenset({"leaky", "bright", "mounted", *(drop.frame.name for drop in _DROPS)})


def main() -> int:
    """Run the demo; returns the exit status."""
    console = Console()
    root = Path(tempfile.mkdtemp(prefix="filmscand-"))
    console.print(f"scratch station: [bold]{root}[/]")
    try:
        _show(root, console)
        if sys.stdin.isatty() and console.is_terminal:
            serve_page(root, console)
    except DemoError as error:
        console.print(f"[bold red]failed:[/] {error}", soft_wrap=True)
        log = root / "service.log"
        if log.is_file():
            console.print(f"\n{log}, the last lines:")
            console.print("\n".join(log.read_text().splitlines()[-_LOG_LINES:]), markup=False, soft_wrap=True)
        return 1
    return 0


def _show(root: Path, console: Console) -> None:
    config = write_config(root)
    station = load_station(config)
    frames = _make_frames(console)
    with service_process(config, root / "service.log") as service:
        wait_until(lambda status: status.service.running, station, service)
        _scan(config, frames, console)
        require_no_failure(station_status(station))
        console.print("three scans of other programs, dropped into the watch folders:")
        _drop(frames, root)
        follow_frames(len(_DROPS), station, service, console)
    sidecars = _sidecars(station)
    console.print(_tree(station.archive))
    console.print(*_tables(sidecars))
    _print_pictures(Archive(station.archive), sidecars, frames, root, console)
    for sidecar in sidecars:
        if _name(sidecar) in _MUST_BE_CLEANED and sidecar.latest.outcome is not CleanOutcome.CLEANED:
            raise DemoError(f"{sidecar.frame_id} has damage and was not cleaned: {sidecar.latest.warnings}")


def _make_frames(console: Console) -> dict[str, SimulatedFrame]:
    frames = {}
    with console.status("making frames") as status:
        for frame in (*_SLIDES, *(drop.frame for drop in _DROPS)):
            status.update(f"making {frame.name} ({ROWS} x {COLS})")
            frames[frame.name] = frame.simulate(bits=_MODEL_BITS if frame in _SLIDES else 16)
    return frames


def _scan(config: Path, frames: dict[str, SimulatedFrame], console: Console) -> None:
    """Scan the magazine with `filmscand scan`, as a technician would."""
    planes = [frames[slide.name] for slide in _SLIDES]
    magazine = Magazine.of([Slide(frame.rgb, frame.infrared, STILL) for frame in planes])
    with VirtualScanner(_MODEL, magazine, address=None, time_scale=_TIME_SCALE) as scanner:
        console.print(f"virtual scanner: [bold]{scanner.device}[/], {len(_SLIDES)} slides")
        options = {
            "--roll": MAGAZINE,
            "--frames": str(len(_SLIDES)),
            "--collection": "demo",
            "--box": "box-1",
            "--film": "slide",
        }
        words = [word for pair in options.items() for word in pair]
        command = [str(PROGRAM), "scan", *words, "--device", scanner.device, "--config", str(config)]
        status = subprocess.run(command, timeout=LIMIT_S, check=False).returncode
        if status != 0:
            raise DemoError(f"`filmscand scan` ended with status {status}")


def _drop(frames: dict[str, SimulatedFrame], root: Path) -> None:
    """Write the files outside the watch folders and copy them into these, one after another, as from a share."""
    scans = root / "scans"
    scans.mkdir()
    for drop in _DROPS:
        for path in drop.write(scans, drop.frame.name, frames[drop.frame.name]):
            shutil.copyfile(path, root / "drop" / drop.folder / path.name)


def _sidecars(station: Station) -> list[Sidecar]:
    archive = Archive(station.archive)
    frames = [frame for frame in archive.frames() if archive.is_complete(frame)]
    expected = len(_SLIDES) + len(_DROPS)
    if len(frames) != expected:
        raise DemoError(f"expected {expected} complete frames in {station.archive}, found {len(frames)}")
    for frame in frames:
        for problem in archive.verify(frame):
            raise DemoError(f"{frame}: {problem}")
    return [archive.read_sidecar(frame) for frame in frames]


def _name(sidecar: Sidecar) -> str:
    """Return the demo's name of an archived frame; slides are numbered in the order of the magazine."""
    frame = sidecar.frame_id
    if frame.roll == MAGAZINE:
        return _SLIDES[frame.number - 1].name
    return Path(sidecar.originals[0].original_name or "").stem


def _tree(folder: Path) -> Tree:
    tree = Tree(f"[bold]{folder}[/]")
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
        found.add_row(stem, f"{_name(sidecar)}, {sidecar.capture.layout}", *numbers, ", ".join(sidecar.latest.warnings))
        counts = (str(count) for count in (report.defects_divided, report.defects_filled, report.defects_left))
        steps = [seconds[name] for name in ("read", "clean", "preview", "store")]
        took.add_row(stem, *counts, *(f"{step:.2f}" for step in [*steps, sum(steps)]))
    yield found
    yield took


def _print_pictures(
    archive: Archive, sidecars: Sequence[Sidecar], frames: dict[str, SimulatedFrame], root: Path, console: Console
) -> None:
    console.print("pictures to open (sheets: raw, infrared, cleaned, truth and mask, crop by crop):")
    for sidecar in sidecars:
        folder = archive.frame_folder(sidecar.frame_id).path
        named = {file.role: folder / file.name for file in sidecar.latest.files}
        name = _name(sidecar)
        sheet = root / "sheets" / f"{name}.png"
        _save_sheet(sheet, name, frames[name], named)
        for path in (named[Role.ACCESS], sheet):
            console.print(f"  {path}", soft_wrap=True, highlight=False)


def _save_sheet(path: Path, name: str, frame: SimulatedFrame, named: dict[Role, Path]) -> None:
    cleaned = tifffile.imread(named[Role.CLEAN])
    mask = np.asarray(Image.open(named[Role.MASK])) > 0
    seen = _first_rows(frame, len(cleaned))
    save_sheet(path, seen, Judge(seen), Answer(cleaned, mask, 0.0), name)


def _first_rows(frame: SimulatedFrame, rows: int) -> SimulatedFrame:
    """Cut a frame to the rows that were scanned: python-sane loses the last row of a scan."""
    planes = {field.name: getattr(frame, field.name) for field in fields(frame)}
    cut: dict[str, Any] = {
        name: plane[:rows] for name, plane in planes.items() if isinstance(plane, np.ndarray) and plane.ndim > 1
    }
    return replace(frame, **cut)


if __name__ == "__main__":
    sys.exit(main())
