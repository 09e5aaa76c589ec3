"""A station with one finished roll of two small frames, which is sealed, cleaned again and sealed again."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import bagit

from filmscand.daemon.archive.records.events import read_events
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.maintenance.reclean import Changes, queue_again
from filmscand.daemon.maintenance.sealing.seal import seal
from support.cleaned_station import CleanedStation

ROLL = "unsorted/unsorted/r"
FRAMES = [FrameId("unsorted", "unsorted", "r", number) for number in (1, 2)]
# What a process tells the interpreter's audit hooks before it changes a file system.
CHANGES = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}


class SealedRoll(CleanedStation):
    """The station; `copy` makes another one that looks the same."""

    @property
    def folder(self):
        return self.archive.root / ROLL

    def copy(self, root):
        """Copy the station into another folder; nothing may have it open."""
        root.mkdir(parents=True)
        shutil.copytree(self.archive.root, root / "archive")
        for path in self.station.database.parent.glob("station.db*"):
            shutil.copy(path, root)
        return SealedRoll(root)

    def seal(self, **labels):
        return seal(self.station, ROLL, labels)

    def clean_again(self, number, sensitivity):
        queue_again(self.station, [f"{ROLL}_{number:04d}"], Changes(sensitivity))
        return self.work()

    def events(self):
        return list(read_events(self.folder / "metadata" / "events.jsonl"))

    def raws(self):
        """Return content and time of every raw file."""
        raws = sorted(self.folder.glob("data/*/*_raw.tif"))
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in raws}

    def revisions(self):
        return [[one.number for one in self.archive.read_sidecar(frame).revisions] for frame in FRAMES]

    def require_bag(self):
        """Let the program of the Library of Congress check the roll; it raises what it does not like."""
        bagit.Bag(str(self.folder)).validate()

    def is_bag(self):
        return bagit.Bag(str(self.folder)).is_valid()


def killed_at(number, deed):
    """Do something in a child process that kills itself just before its change `number` of a file system, from 0.

    Returns
    -------
    bool
        False: it was done before it came so far.
    """
    child = os.fork()
    if child == 0:
        left = number

        def count(event, arguments):
            nonlocal left
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if event in CHANGES or writes:
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        try:
            sys.addaudithook(count)
            deed()
        except BaseException as error:
            sys.__stderr__.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0
