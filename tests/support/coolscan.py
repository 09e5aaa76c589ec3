"""A Coolscan behind the stand-in for nkscan, for tests."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from filmscand.drivers.nkscan.scanner import NkscanScanner
from filmscand.drivers.scanner.recipes import Budgets
from support.command_station import ProgramStation

FAKE = Path(__file__).with_name("fake_nkscan")
LOCATION = "usb:1-3.2"
QUICK = Budgets(open_s=20, start_s=1.5, read_s=1.5, cancel_s=1.0, close_s=2.0)


@contextmanager
def coolscan(folder: Path, adapter: str, slides: int, monkeypatch: pytest.MonkeyPatch):
    """Put a Coolscan with an adapter and so many slides on this machine; yield its folder and a way to open it."""
    station = ProgramStation(folder, slides)
    (folder / "adapter").write_text(adapter)
    monkeypatch.setenv("FAKE_NKSCAN", str(folder))
    monkeypatch.syspath_prepend(FAKE)
    yield station, lambda: NkscanScanner(LOCATION, QUICK)
