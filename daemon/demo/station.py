"""The scratch station of the demo: configuration, service process, and waiting for its frames."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from filmscand.daemon.demo.frames import DropFolder
from filmscand.daemon.maintenance.status import StationStatus, station_status
from filmscand.daemon.station.configuration import Station

# Longest wait for the frames. In a fresh checkout numba compiles the engine before the first frame.
LIMIT_S = 400.0
_STOP_LIMIT_S = 40.0
# As `daemon.web.server` logs it.
_PAGE_AT = re.compile(r"page at (http://[^\s\"]+/)")
PROGRAM: Final = (sys.executable, "-m", "filmscand.daemon.cli")


class DemoError(Exception):
    """The main job did not finish; the message says where it stopped."""


def write_config(root: Path, folders: Iterable[DropFolder], *, page: bool = False) -> Path:
    """Write a configuration with these watch folders, whose files settle after one second.

    `page`: the page is served, at any free port, since 8420 may be that of a real station.
    """
    quick = {"settle_s": 1.0, "collection": "demo", "box": "box-1"}
    watches = [{"path": f"drop/{one.name}", "film": one.film, "roll": one.name, **quick} for one in folders]
    path = root / "station.yaml"
    path.write_text(yaml.safe_dump({"root": str(root), "watch": watches, "page": {"enabled": page, "port": 0}}))
    return path


@contextmanager
def service_process(config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service as a process; at exit it gets SIGTERM and must end with status 0.

    Raises
    ------
    DemoError
        The service ended with another status, or not in time.
    """
    with log.open("wb") as output:
        command = [*PROGRAM, "run", "--config", str(config)]
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
            raise DemoError(f"the service ended with status {status} after SIGTERM, expected 0")


@contextmanager
def _kill_if_needed(service: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired as error:
        service.kill()
        service.wait()
        raise DemoError(f"the service did not stop within {_STOP_LIMIT_S:.0f} s of SIGTERM") from error


def wait_until(condition: Callable[[StationStatus], bool], station: Station, service: subprocess.Popen[bytes]) -> None:
    """Wait until the station's status meets a condition, a minute at most."""
    deadline_s = time.monotonic() + 60.0
    while not condition(station_status(station)):
        _require_alive(service)
        if time.monotonic() > deadline_s:
            raise DemoError("the service did not start within 60 s")
        time.sleep(0.2)


def serve_page(root: Path, folders: Iterable[DropFolder], console: Console) -> None:
    """Run the service on the finished station, name its page, and serve it until Ctrl-C."""
    log = root / "service.log"
    with service_process(write_config(root, folders, page=True), log) as service:
        address = _address_of_page(service, log)
        console.print(f"the station's page: [bold]{address}[/]  Ctrl-C ends it", soft_wrap=True)
        try:
            service.wait()
        except KeyboardInterrupt:
            # The terminal sends Ctrl-C to the service too, which a second signal would catch at its very end.
            with suppress(subprocess.TimeoutExpired):
                service.wait(_STOP_LIMIT_S)


def _address_of_page(service: subprocess.Popen[bytes], log: Path) -> str:
    deadline_s = time.monotonic() + 60.0
    while (found := _PAGE_AT.search(log.read_text())) is None:
        _require_alive(service)
        if time.monotonic() > deadline_s:
            raise DemoError(f"the page was not served within 60 s; {log} tells why")
        time.sleep(0.1)
    return found[1]


def follow_frames(count: int, station: Station, service: subprocess.Popen[bytes], console: Console) -> None:
    """Wait, with a progress bar, until `count` more frames are archived."""
    before = station_status(station).states["finished"]
    deadline_s = time.monotonic() + LIMIT_S
    columns = (BarColumn(), TextColumn("{task.completed} of {task.total} archived"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=count)
        while True:
            _require_alive(service)
            status = station_status(station)
            finished = status.states["finished"] - before
            progress.update(task, completed=finished, description=_state_of(status))
            require_no_failure(status)
            if finished == count:
                return
            if time.monotonic() > deadline_s:
                raise DemoError(f"not archived within {LIMIT_S:.0f} s: {_state_of(status)}")
            time.sleep(0.25)


def require_no_failure(status: StationStatus) -> None:
    """Raise a `DemoError` if a frame failed, an alarm is raised or a file waits for a person."""
    for frame in status.last_frames:
        if frame.error is not None:
            raise DemoError(f"{frame.frame}: {frame.error}")
    for alarm in status.alarms:
        if alarm.key != "space":
            raise DemoError(alarm.message)
    for file in status.waiting:
        if file.state != "wait_pair":
            raise DemoError(f"{file.path} is held back: {file.reason}")


def _state_of(status: StationStatus) -> str:
    at_work = [f"{status.arriving} files arriving"] if status.arriving else []
    if status.states["queued"]:
        at_work.append(f"{status.states['queued']} queued")
    return ", ".join([*at_work, *(f"cleaning {frame}" for frame in status.in_work)])


def _require_alive(service: subprocess.Popen[bytes]) -> None:
    if service.poll() is not None:
        raise DemoError(f"the service ended unexpectedly with status {service.returncode}")
