"""The workers of a cluster that may clean frames: those with the station's engine that find its archive."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filmscand.daemon.bulk.recleaning.cluster.task import Introduction, introduce
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.station.marker import Identity

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger(__name__)

# Between two looks for workers that came or went, seconds.
_LOOK_S: Final = 1.0
# So long a run waits for a first worker, or for one after all have gone: a worker that was killed is started again by
# its nanny within seconds.
PATIENCE_S: Final = 60.0


class NoWorkersError(DaemonError):
    """No worker of the cluster can clean frames of this station."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker has to have: the archive at this path, with these ids, and the engine of this label."""

    archive: Path
    identity: Identity
    engine: str


class Crew:
    """The workers that may clean frames, as they come and go.

    Parameters
    ----------
    client : Client
        The connection to the scheduler.
    wanted : Wanted
        What a worker has to have.
    clock_s : callable
        Returns seconds of a clock that nobody sets.
    """

    def __init__(self, client: Client, wanted: Wanted, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._wanted = wanted
        self._clock_s = clock_s
        self._workers: set[str] = set()
        self._refused: dict[str, str] = {}
        self._had_any = False
        self._looked_s = -_LOOK_S
        self._alone_since_s = clock_s()

    @property
    def workers(self) -> frozenset[str]:
        """Addresses of the workers that may clean, and live."""
        return frozenset(self._workers)

    def look(self) -> None:
        """Look for workers that came or went, now and then.

        Raises
        ------
        NoWorkersError
            There is none, for `PATIENCE_S`; or all were refused.
        """
        if self._clock_s() - self._looked_s < _LOOK_S:
            return
        self._looked_s = self._clock_s()
        # Without the number, some versions tell of five workers only.
        known: Mapping[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        self._workers &= known.keys()
        self._refused = {address: why for address, why in self._refused.items() if address in known}
        new = [address for address in known if address not in self._workers and address not in self._refused]
        if new:
            self._meet(new, known)
        if self._workers:
            self._had_any, self._alone_since_s = True, self._looked_s
        elif (self._refused and not self._had_any) or self._looked_s - self._alone_since_s > PATIENCE_S:
            raise NoWorkersError(self._why_none())

    def _meet(self, addresses: list[str], known: Mapping[str, Any]) -> None:
        wanted = self._wanted
        answers = self._client.run(introduce, wanted.archive, wanted.identity, workers=addresses, on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, OSError):
                # It has just gone.
                continue
            problem = self._problem(answer)
            if problem is None:
                self._workers.add(address)
            else:
                name = f"{known[address]['name']} at {address}"
                self._refused[address] = f"worker {name}: {problem}"
                log.warning("refused %s", self._refused[address])

    def _problem(self, answer: object) -> str | None:
        if not isinstance(answer, Introduction):
            return f"it cannot load filmscand: {answer!r}. Install the same version there"
        if answer.engine != self._wanted.engine:
            return (
                f"expected engine {self._wanted.engine}, found {answer.engine} on {answer.host}; "
                "install the same version there"
            )
        return None if answer.problem is None else f"on {answer.host}: {answer.problem}"

    def _why_none(self) -> str:
        if not self._refused:
            return f"no worker has come to the scheduler for {PATIENCE_S:.0f} s; start workers, then run it again"
        return f"no worker of the cluster may clean: {'; '.join(self._refused.values())}"
