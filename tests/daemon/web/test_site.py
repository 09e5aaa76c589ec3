"""What every route needs: threads for disks that may not answer."""

from __future__ import annotations

import asyncio
import threading

import pytest

from filmscand.daemon.web import site as site_module
from filmscand.daemon.web.log_lines import RecentLog
from filmscand.daemon.web.pulse import Pulse
from filmscand.daemon.web.site import DiskSilentError, Site
from support.page_site import no_bell


@pytest.fixture
def site(connection, station):
    return Site(station, Pulse(), RecentLog(), no_bell)


def test_what_a_disk_answers_is_returned_and_its_error_raised(site):
    assert asyncio.run(site.on_disk(lambda a, b: a + b, 1, b=2)) == 3
    with pytest.raises(FileNotFoundError):
        asyncio.run(site.on_disk((site.station.root / "nothing").read_bytes))
    assert site.close(5.0)


def test_a_disk_that_does_not_answer_is_told_and_only_so_many_threads_wait_for_it(site, monkeypatch):
    monkeypatch.setattr(site_module, "_DISK_PATIENCE_S", 0.2)
    answered = threading.Event()

    async def ask():
        waits = [site.on_disk(answered.wait) for _ in range(30)]
        return await asyncio.gather(*waits, return_exceptions=True)

    found = asyncio.run(ask())
    assert {type(error) for error in found} == {DiskSilentError}
    waiting = [thread for thread in threading.enumerate() if thread.name.startswith("page disk")]
    assert len(waiting) == 8
    assert not site.close(0.1)
    answered.set()
    for thread in waiting:
        thread.join(10)
    assert not any(thread.is_alive() for thread in waiting)


def test_the_database_can_only_be_read(site):
    with site.reading() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM frames")
    site.close(5.0)
