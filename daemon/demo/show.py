"""The main job end to end, on a scratch station (`filmscand demo`, which `make run` calls).

`filmscand scan` scans six slides of a virtual scanner through real libsane and python-sane, and three scans of other
programs are copied into watch folders. The service archives and cleans all nine. On a machine without SANE the six
slides come through a watch folder, too.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from filmscand.daemon.cleaning.warm_up import announcement, missing_kernels, warm_up
from filmscand.daemon.demo.frames import DROPS, MAGAZINE, SLIDES, Drop, folders_of, simulate_all, slides_as_files
from filmscand.daemon.demo.results import read_sidecars, show_results
from filmscand.daemon.demo.station import (
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
from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.scanner_checks import examine_libraries
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.station.configuration import load_station
from filmscand.drivers.virtual.magazine import STILL, Magazine, Slide
from filmscand.drivers.virtual.server import VirtualScanner
from filmscand.film.frame import SimulatedFrame

_MODEL: Final = "coolscan3"
_MODEL_BITS: Final = 14
# Time of a frame over that of a real scanner: slow enough to watch the progress bar.
_TIME_SCALE: Final = 1 / 12
# Lines of the service's log to print after a failure.
_LOG_LINES: Final = 60


def show_demo(root: Path, console: Console, *, keep: bool = True) -> bool:
    """Run the demo in an empty folder; return whether the main job was done from end to end.

    On a terminal the station's page is served at the end, until Ctrl-C.

    Parameters
    ----------
    root : Path
        Folder of the scratch station.
    console : Console
        Where to show it.
    keep : bool
        The scratch station stays afterwards; it is told how to remove it.
    """
    console.print(f"scratch station: [bold]{escape(str(root))}[/]", soft_wrap=True)
    drops = _drops(console)
    if missing := missing_kernels():
        console.print(announcement(len(missing)))
        warm_up()
    try:
        _show(root, drops, console)
        if keep:
            told = f"to remove the scratch station: rm -r {shlex.quote(str(root))}"
            console.print(told, soft_wrap=True, highlight=False, markup=False)
        if sys.stdin.isatty() and console.is_terminal:
            serve_page(root, folders_of(drops), console)
    except DemoError as error:
        console.print(f"[bold red]failed:[/] {escape(str(error))}", soft_wrap=True)
        log = root / "service.log"
        if log.is_file():
            console.print(f"\n{log}, the last lines:", markup=False)
            console.print("\n".join(log.read_text().splitlines()[-_LOG_LINES:]), markup=False, soft_wrap=True)
        return False
    return True


def _drops(console: Console) -> tuple[Drop, ...]:
    """Return the frames that come as files: all of them where SANE cannot be used, which is told."""
    missing = [check for check in examine_libraries() if check.verdict is not Verdict.OK]
    if not missing:
        return DROPS
    names = " and ".join(check.name for check in missing)
    console.print(f"[bold yellow]{names} missing:[/] no scanner can be shown. Its slides come as files instead.")
    for check in missing:
        console.print(f"  {check.name}: {check.advice}", soft_wrap=True, highlight=False, markup=False)
    return *slides_as_files(), *DROPS


def _show(root: Path, drops: Sequence[Drop], console: Console) -> None:
    config = write_config(root, folders_of(drops))
    station = load_station(config)
    frames = _make_frames(console)
    scanned = [] if len(drops) > len(DROPS) else [frames[slide.name] for slide in SLIDES]
    with service_process(config, root / "service.log") as service:
        wait_until(lambda status: status.service.running, station, service)
        if scanned:
            _scan(config, scanned, console)
            require_no_failure(station_status(station))
        console.print(f"{len(drops)} scans of other programs, dropped into the watch folders:")
        _drop(drops, frames, root)
        follow_frames(len(drops), station, service, console)
    sidecars = read_sidecars(station.archive, len(scanned) + len(drops))
    show_results(station.archive, sidecars, frames, root / "sheets", console)


def _make_frames(console: Console) -> dict[str, SimulatedFrame]:
    made = {}
    with console.status("making frames") as status:
        for frame, simulated in simulate_all(_MODEL_BITS):
            made[frame.name] = simulated
            status.update(f"making frames: {len(made)} of {len(SLIDES) + len(DROPS)}")
    return made


def _scan(config: Path, frames: Sequence[SimulatedFrame], console: Console) -> None:
    """Scan the magazine with `filmscand scan`, as a technician would."""
    magazine = Magazine.of([Slide(frame.rgb, frame.infrared, STILL) for frame in frames])
    with VirtualScanner(_MODEL, magazine, address=None, time_scale=_TIME_SCALE) as scanner:
        console.print(f"virtual scanner: [bold]{scanner.device}[/], {len(frames)} slides")
        options = {
            "--roll": MAGAZINE,
            "--frames": str(len(frames)),
            "--collection": "demo",
            "--box": "box-1",
            "--film": "slide",
        }
        words = [word for pair in options.items() for word in pair]
        command = [*PROGRAM, "scan", *words, "--device", scanner.device, "--config", str(config)]
        status = subprocess.run(command, timeout=LIMIT_S, check=False).returncode
        if status != 0:
            raise DemoError(f"`filmscand scan` ended with status {status}")


def _drop(drops: Sequence[Drop], frames: dict[str, SimulatedFrame], root: Path) -> None:
    """Write the files outside the watch folders and copy them into these, one after another, as from a share."""
    scans = root / "scans"
    scans.mkdir()
    for drop in drops:
        for path in drop.write(scans, drop.frame.name, frames[drop.frame.name]):
            shutil.copyfile(path, root / "drop" / drop.folder.name / path.name)
