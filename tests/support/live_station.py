"""A real station for tests: its folders, small frames to drop in, and the service as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile
import yaml

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.request import Role
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.station.configuration import load_station
from filmscand.ir import clean_frame
from support.page_site import PageSite

ROWS, COLS = 120, 180


def film(seed, rows=ROWS, cols=COLS):
    """Make (rows, cols, 4) counts of a smooth picture with grain, its infrared, and two specks of dust."""
    random = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(0, 3, cols), np.linspace(0, 2, rows))
    light = 0.35 + 0.25 * np.sin(across[..., None] + np.array([0.0, 0.7, 1.4]) + seed) * np.cos(down[..., None])
    planes = np.concatenate([light, np.full((rows, cols, 1), 0.8)], axis=2)
    planes *= random.normal(1.0, 0.01, planes.shape)
    for _ in range(2):
        row, col = random.integers(10, rows - 10), random.integers(10, cols - 10)
        planes[row : row + 3, col : col + 3] *= 0.3
    return np.clip(planes * 65535, 0, 65535).astype(np.uint16)


def warm_up_engine():
    """Let numba compile what it has not cached yet, so that no worker is waited for longer than it works."""
    planes = film(1)
    clean_frame(np.ascontiguousarray(planes[..., :3]), np.ascontiguousarray(planes[..., 3]))


def write_inside(path, seed, **size):
    """Write a scan with its infrared as the fourth sample, as VueScan does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = {"photometric": "rgb", "extrasamples": [0], "software": "VueScan 9 x64 (9.8.26.08)", "metadata": None}
    tifffile.imwrite(path, film(seed, **size), **extra)
    return path


def write_blank(path, seed):
    """Write a scan with infrared of a frame that was never exposed: nothing on it is looked at by a model."""
    planes = np.full_like(film(seed), 30_000 + seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    extra = {"photometric": "rgb", "extrasamples": [0], "software": "VueScan 9 x64 (9.8.26.08)", "metadata": None}
    tifffile.imwrite(path, planes, **extra)
    return path


def write_picture(path, seed, **size):
    """Write a scan without infrared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, film(seed, **size)[..., :3].copy(), photometric="rgb", metadata=None)
    return path


def write_infrared(path, seed, **size):
    """Write the infrared half that belongs to `write_picture` of the same seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, film(seed, **size)[..., 3].copy(), photometric="minisblack", metadata=None)
    return path


def write_config(root, watch=None, **station):
    """Write station.yaml: `watch` changes its one watch, everything else the station.

    No page is served unless `page` asks for one: stations run side by side. The archive is not read back unless `audit`
    asks for it: many tests damage it.
    """
    root.mkdir(parents=True, exist_ok=True)
    one_watch = {"path": "drop", "settle_s": 0.3, "pair_timeout_s": 1.0, **(watch or {})}
    config = root / "station.yaml"
    off = {"page": {"enabled": False}, "audit": {"enabled": False}}
    config.write_text(yaml.safe_dump({"root": str(root), "watch": [one_watch], **off, **station}))
    return config


RUN = """
import sys
from pathlib import Path
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.core.timing import AuditTiming, NotifyTiming, ReplicateTiming, Timing
from filmscand.daemon.service import run_service
if __name__ == "__main__":
    notify = NotifyTiming(poll_s=0.1, gather_s=0.3, settle_s=0.5, retry_first_s=0.2, retry_cap_s=0.5)
    audit = AuditTiming(poll_s=0.1, enrol_s=0.5, settle_s=0.2, damaged_s=0.3, retry_s=0.2)
    copies = ReplicateTiming(poll_s=0.1, retry_first_s=0.2, retry_cap_s=0.5)
    rests = {"retry_first_s": 0.2, "retry_cap_s": 0.5, "tick_s": 0.5, "worker_poll_s": 0.5}
    timing = Timing(**rests, sweep_s=1.0, quiet_s=0.5, notify=notify, replicate=copies, audit=audit)
    sys.exit(run_service(load_station(Path(sys.argv[1])), timing))
"""


class LiveStation:
    """A station in a folder, and its service while it runs."""

    def __init__(self, root, watch=None, **station):
        self.root = root
        self.config = write_config(root, watch, **station)
        self.drop = root / "drop"
        self.program = root / "run_station.py"
        self.program.write_text(RUN)
        self.command = [sys.executable, str(self.program), str(self.config)]
        self.log = root / "service.log"
        self.service = None

    @property
    def station(self):
        return load_station(self.config)

    @property
    def archive(self):
        return Archive(self.station.archive)

    def store_raw(self, frame):
        """Put a scan of its own into the archive as the raw file of a frame."""
        source = write_inside(self.root / "scans" / f"{frame.number}.tif", frame.number)
        return self.archive.copy_original(frame, source, Role.RAW)

    def start(self, **environment):
        with self.log.open("ab") as log:
            self.service = subprocess.Popen(self.command, stderr=log, stdout=log, env={**os.environ, **environment})
        return self.service

    def wait_for_page(self, at_most_s=30.0):
        """Wait until the service serves its page; return a client."""
        deadline_s = time.monotonic() + at_most_s
        while time.monotonic() < deadline_s:
            for line in self.log_lines():
                if line["event"].startswith("page at "):
                    return PageSite(self.station, None, int(line["event"].rstrip("/").rpartition(":")[2]))
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def status(self):
        return station_status(self.station)

    def wait_for(self, what, at_most_s=30.0):
        """Wait until `what(status)` is true, and return the status."""
        deadline_s = time.monotonic() + at_most_s
        while time.monotonic() < deadline_s:
            if self.station.database.exists() and what(status := self.status()):
                return status
            assert self.service is None or self.service.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{self.status()}\n{self.log.read_text()}")

    def wait_for_archived(self, count, at_most_s=30.0):
        return self.wait_for(lambda status: status.outcomes["archived"] >= count, at_most_s)

    def workers(self):
        """Return the process numbers of the workers."""
        return self._children(b"spawn_main")

    def scanners(self):
        """Return the process numbers of the open scanners."""
        return self._children(b"drivers.child.main")

    def _children(self, what):
        # of every thread: a scanner's process is a child of its session's thread
        lists = Path(f"/proc/{self.service.pid}/task").glob("*/children")
        children = " ".join(one.read_text() for one in lists).split()
        return [int(pid) for pid in children if what in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def stop(self, at_most_s=30.0):
        """Stop the service in order; return its exit status."""
        self.service.send_signal(signal.SIGTERM)
        return self.service.wait(at_most_s)

    def kill(self):
        """Kill the service as a power cut would."""
        self.service.kill()
        self.service.wait()

    def log_lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@contextmanager
def running(station, **environment):
    """Run the service around the block."""
    station.start(**environment)
    try:
        yield station
    finally:
        if station.service.poll() is None:
            station.kill()


def leftovers(root):
    """Return every temporary file below a folder."""
    return [path for path in root.rglob("*") if path.name.startswith(".filmscand-") or path.suffix in (".part", ".tmp")]
