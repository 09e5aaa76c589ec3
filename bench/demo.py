"""The main job end to end, on a scratch station: `python -m bench.demo` (what `make run` calls)."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
import yaml
from PIL import Image
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.tree import Tree

from bench.frames import Case, photograph
from bench.metrics import Answer, Judge
from bench.scans import WriteScan, write_pair, write_silverfast, write_vuescan
from bench.sheets import save_sheet
from daemon.archive import Archive
from daemon.config import Station, load_station
from daemon.sidecar import Outcome, Role, Sidecar
from daemon.status import StationStatus, station_status
from film.frame import SimulatedFrame
from film.pictures import landscape

ROWS, COLS = 1600, 2400
# The first frame of a fresh checkout waits until numba has compiled the engine.
_LIMIT_S = 400.0
_STOP_LIMIT_S = 40.0
_LOG_LINES = 60


@dataclass(frozen=True, slots=True)
class _Scan:
    """A frame to make, the program whose files it comes in, and the watch folder it is dropped into."""

    stem: str
    case: Case
    write: WriteScan
    drop: str


# A whole photograph is nicer to look at than its sharp, mirrored parts.
_COFFEE, _ROCKET = (photograph(name, most_enlarged=4.0) for name in ("coffee", "rocket"))
_SCANS = (
    _Scan("leaky-slide", Case("leaky_slide", "coffee", _COFFEE, 71), write_vuescan, "slides"),
    _Scan(
        "negative",
        Case("negative", "landscape", lambda rows, cols: landscape(rows, cols, 5), 72),
        write_silverfast,
        "negatives",
    ),
    _Scan("mounted-slide", Case("mounted", "rocket", _ROCKET, 73), write_pair, "slides"),
)


class DemoError(Exception):
    """The main job did not come to its end; the message says where it stopped."""


def main() -> int:
    """Run it; returns the exit status."""
    console = Console()
    root = Path(tempfile.mkdtemp(prefix="filmscand-"))
    console.print(f"scratch station: [bold]{root}[/]")
    try:
        _show(root, console)
    except DemoError as error:
        console.print(f"[bold red]failed:[/] {error}", soft_wrap=True)
        log = root / "service.log"
        if log.is_file():
            console.print(f"\n{log}, the last lines:")
            console.print("\n".join(log.read_text().splitlines()[-_LOG_LINES:]), markup=False, soft_wrap=True)
        return 1
    return 0


def _show(root: Path, console: Console) -> None:
    config = _write_config(root)
    station = load_station(config)
    frames = _make_frames(console)
    with _service(config, root / "service.log") as service:
        _wait_until(lambda status: status.service.running, station, service)
        _drop(frames, root)
        _follow(station, service, console)
    sidecars = _sidecars(station)
    console.print(_tree(station.archive))
    console.print(*_tables(sidecars))
    _print_pictures(Archive(station.archive), sidecars, frames, root, console)
    for sidecar in sidecars:
        if sidecar.latest.outcome is not Outcome.CLEANED:
            raise DemoError(f"{sidecar.frame_id} carries damage and was not cleaned: {sidecar.latest.warnings}")


def _write_config(root: Path) -> Path:
    """Write a station with a watch folder for slides and one for negatives that does not wait for slow copies."""
    quick = {"settle_s": 1.0, "collection": "demo", "box": "box-1"}
    watches = [
        {"path": "drop/slides", "film": "slide", "roll": "slides", **quick},
        {"path": "drop/negatives", "film": "negative", "roll": "negatives", **quick},
    ]
    path = root / "station.yaml"
    path.write_text(yaml.safe_dump({"root": str(root), "watch": watches, "page": {"port": _free_port()}}))
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _make_frames(console: Console) -> dict[str, SimulatedFrame]:
    frames = {}
    with console.status("making frames") as status:
        for scan in _SCANS:
            status.update(f"making {scan.stem} ({ROWS} x {COLS})")
            frames[scan.stem] = scan.case.simulate(ROWS, COLS)
    return frames


@contextmanager
def _service(config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service as a process of its own; at the end it is asked to stop and has to do so in order."""
    program = Path(sys.executable).with_name("filmscand")
    with log.open("wb") as output:
        command = [str(program), "run", "--config", str(config)]
        service = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield service
    except BaseException:
        service.terminate()
        with _kill_if_needed(service):
            service.wait(_STOP_LIMIT_S)
        raise
    service.send_signal(signal.SIGTERM)
    with _kill_if_needed(service):
        status = service.wait(_STOP_LIMIT_S)
        if status != 0:
            raise DemoError(f"the service ended with status {status} when it was asked to stop")


@contextmanager
def _kill_if_needed(service: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired as error:
        service.kill()
        service.wait()
        raise DemoError(f"the service did not stop within {_STOP_LIMIT_S:.0f} s of SIGTERM") from error


def _drop(frames: dict[str, SimulatedFrame], root: Path) -> None:
    """Copy the files into the watch folders one after another, as from a share."""
    made = root / "scans"
    made.mkdir()
    for scan in _SCANS:
        for path in scan.write(made, scan.stem, frames[scan.stem]):
            shutil.copyfile(path, root / "drop" / scan.drop / path.name)


def _wait_until(condition: Callable[[StationStatus], bool], station: Station, service: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + 60.0
    while not condition(station_status(station)):
        _require_alive(service)
        if time.monotonic() > deadline_s:
            raise DemoError("the service was not up within 60 s")
        time.sleep(0.2)


def _follow(station: Station, service: subprocess.Popen[bytes], console: Console) -> None:
    deadline_s = time.monotonic() + _LIMIT_S
    columns = (BarColumn(), TextColumn("{task.completed} of {task.total} archived"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=len(_SCANS))
        while True:
            _require_alive(service)
            status = station_status(station)
            progress.update(task, completed=status.states["finished"], description=_state_of(status))
            _require_no_failure(status)
            if status.states["finished"] == len(_SCANS):
                return
            if time.monotonic() > deadline_s:
                raise DemoError(f"not archived within {_LIMIT_S:.0f} s: {_state_of(status)}")
            time.sleep(0.25)


def _state_of(status: StationStatus) -> str:
    at_work = [f"{status.arriving} files arriving"] if status.arriving else []
    if status.states["queued"]:
        at_work.append(f"{status.states['queued']} queued")
    return ", ".join([*at_work, *(f"cleaning {frame}" for frame in status.in_work)])


def _require_alive(service: subprocess.Popen[bytes]) -> None:
    if service.poll() is not None:
        raise DemoError(f"the service ended by itself with status {service.returncode}")


def _require_no_failure(status: StationStatus) -> None:
    for frame in status.last_frames:
        if frame.error is not None:
            raise DemoError(f"{frame.frame}: {frame.error}")
    for alarm in status.alarms:
        if alarm.key != "space":
            raise DemoError(alarm.message)
    for file in status.waiting:
        if file.state != "wait_pair":
            raise DemoError(f"{file.path} is set aside: {file.reason}")


def _sidecars(station: Station) -> list[Sidecar]:
    archive = Archive(station.archive)
    frames = [frame for frame in archive.frames() if archive.is_complete(frame)]
    if len(frames) != len(_SCANS):
        raise DemoError(f"expected {len(_SCANS)} complete frames in {station.archive}, found {len(frames)}")
    for frame in frames:
        for problem in archive.verify(frame):
            raise DemoError(f"{frame}: {problem}")
    return [archive.read_sidecar(frame) for frame in frames]


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
        numbers = f"{report['leakage']['red']:.3f}", f"{report['threshold']:.4f}", str(report["defects_found"])
        found.add_row(stem, _source(sidecar), *numbers, ", ".join(sidecar.latest.warnings))
        counts = (str(report[f"defects_{name}"]) for name in ("divided", "filled", "left"))
        steps = [seconds[name] for name in ("read", "clean", "preview", "store")]
        took.add_row(stem, *counts, *(f"{step:.2f}" for step in [*steps, sum(steps)]))
    yield found
    yield took


def _source(sidecar: Sidecar) -> str:
    return f"{Path(sidecar.originals[0].original_name or '').stem}, {sidecar.capture.layout}"


def _print_pictures(
    archive: Archive, sidecars: Sequence[Sidecar], frames: dict[str, SimulatedFrame], root: Path, console: Console
) -> None:
    console.print("pictures to open (sheets: raw, infrared, cleaned, truth and mask, crop by crop):")
    for sidecar in sidecars:
        folder = archive.folder(sidecar.frame_id)
        named = {file.role: folder / file.name for file in sidecar.latest.files}
        stem = Path(sidecar.originals[0].original_name or "").stem
        sheet = root / "sheets" / f"{stem}.png"
        _save_sheet(sheet, stem, frames[stem], named)
        for path in (named[Role.ACCESS], sheet):
            console.print(f"  {path}", soft_wrap=True, highlight=False)


def _save_sheet(path: Path, stem: str, frame: SimulatedFrame, named: dict[Role, Path]) -> None:
    cleaned = tifffile.imread(named[Role.CLEAN])
    mask = np.asarray(Image.open(named[Role.MASK])) > 0
    save_sheet(path, frame, Judge(frame), Answer(cleaned, mask, 0.0), stem)


if __name__ == "__main__":
    sys.exit(main())
