"""A Dask cluster of processes of this machine: a scheduler, and workers of one thread each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

# Two workers on two cores: each has one, as many as the network's runtime and the kernels take.
ONE_THREAD: Final = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
_LIMIT_S: Final = 60.0
# Tasks may be functions of the benches, which are not installed.
_CHECKOUT: Final = str(Path(__file__).parents[2])


class DaskCluster:
    """A scheduler, which ends with the block, and workers (a context manager).

    Parameters
    ----------
    folder : Path
        Where its log and the file with its address lie.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "dask.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self._start(
            ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)], {}
        )
        end_s = time.monotonic() + _LIMIT_S
        while not (file.exists() and file.stat().st_size):
            if time.monotonic() > end_s:
                raise SystemExit(f"the scheduler does not start; {self._log} tells why")
            time.sleep(0.02)
        self.address = str(json.loads(file.read_text())["address"])

    def add_worker(self, name: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker; `environment` is added to this process's own."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", "--name", name]
        return self._start(["worker", self.address, *options], environment or {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments]
        with self._log.open("ab") as log:
            own = {**os.environ, **ONE_THREAD, "PYTHONPATH": _CHECKOUT}
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**own, **environment}, cwd="/")
        self._processes.append(process)
        return process
