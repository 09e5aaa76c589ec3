"""Locks are advisory, shared or not, and end with the file."""

from __future__ import annotations

import errno
import fcntl

import pytest

from filmscand.daemon.archive.files.locking import lock


def test_one_that_shares_waits_only_for_one_that_does_not(tmp_path):
    path = tmp_path / "a"
    path.touch()
    with path.open("rb") as first, path.open("rb") as second, path.open("rb") as third:
        assert lock(first, shared=True)
        assert lock(second, shared=True, wait=False)
        with pytest.raises(BlockingIOError):
            lock(third, wait=False)
    with path.open("rb") as third:
        assert lock(third, wait=False)


def test_a_file_system_without_locks_lets_everybody_pass(tmp_path, monkeypatch):
    def refuse(code):
        def flock(file, kind):
            raise OSError(code, "no")

        return flock

    (tmp_path / "a").touch()
    with (tmp_path / "a").open("rb") as file:
        monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
        assert not lock(file)
        monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
        with pytest.raises(OSError, match="no"):
            lock(file)
