"""One watch folder and its ingest, run round by round: real files, a real database, a real archive."""

from __future__ import annotations

import hashlib
import time
from datetime import date

from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanResult
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.database.frames import JobState, unfinished_frames
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.threads import IngestRounds, plan_ingest
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import load_station
from support.live_station import write_config

TIMING = Timing(poll_s=0.02, retry_first_s=0.05, retry_cap_s=0.1, max_settle_s=60.0)
TODAY = date.today().isoformat()
WORKER = ProcessId(1, 1)
RESULT = CleanResult(revision=1, created=True, outcome="cleaned")


class Bench:
    """One watch folder and its ingest, run round by round."""

    def __init__(self, root, timing=TIMING, **watch):
        self.root = root
        self.config = write_config(root, {"mode": "poll", "settle_s": 0.1, **watch})
        self.station = load_station(self.config)
        self.station.database.parent.mkdir(parents=True, exist_ok=True)
        self.drop = self.station.watch[0].path
        self.drop.mkdir(exist_ok=True)
        self.connection = connect_station(self.station)
        self.queue = Queue(self.connection)
        self.candidates = Candidates(self.connection, str(self.drop))
        self.timing = timing
        self.restart()

    def restart(self):
        plan = plan_ingest(self.station, self.timing)[0]
        self.rounds = IngestRounds(plan, self.connection, network=False, events=None)
        self.rounds.begin()

    def run(self, until=lambda: False, at_most_s=10.0):
        deadline_s = time.monotonic() + at_most_s
        while not until():
            assert time.monotonic() < deadline_s, self.rows()
            self.rounds.round()
            time.sleep(0.01)

    def run_for(self, seconds):
        deadline_s = time.monotonic() + seconds
        self.run(lambda: time.monotonic() > deadline_s)

    def run_until_queued(self, count):
        self.run(lambda: len(self.queued()) >= count and not self.rows(CandidateState.STORED))

    def queued(self):
        return [job for job in unfinished_frames(self.connection) if job.state is JobState.QUEUED]

    def rows(self, *states):
        return self.candidates.in_state(states or tuple(CandidateState))

    def raw(self, job):
        frame = self.station.archive / job.frame.folder
        return next(frame.glob("*_raw.*"))

    def alarms(self):
        return {alarm.key for alarm in Alarms(self.connection).standing()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
