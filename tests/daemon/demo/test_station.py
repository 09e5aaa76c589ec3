"""The demo's scratch station: its configuration, and a service that has to end in order."""

from __future__ import annotations

import sys

import pytest

from filmscand.daemon.demo import station as demo
from filmscand.daemon.demo.frames import DROPS, folders_of
from filmscand.daemon.station.configuration import load_station


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program in the place of filmscand: it ends as told when it gets SIGTERM."""

    def write(body):
        path = tmp_path / "program"
        path.write_text(f"#!{sys.executable}\nimport signal, sys, time\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setattr(demo, "PROGRAM", (str(path),))

    return write


def run_service(folder):
    config = folder / "station.yaml"
    with demo.service_process(config, folder / "service.log") as service:
        demo_waits_for_log(folder / "service.log")
        assert service.poll() is None


def demo_waits_for_log(log):
    import time

    deadline_s = time.monotonic() + 20
    while b"ready" not in log.read_bytes():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_the_configuration_has_a_watch_folder_for_slides_and_one_for_negatives(tmp_path):
    station = load_station(demo.write_config(tmp_path, folders_of(DROPS)))
    assert [watch.path for watch in station.watch] == [tmp_path / "drop/slides", tmp_path / "drop/negatives"]
    assert station.archive.is_relative_to(tmp_path)


def test_a_service_that_ends_with_status_0_after_sigterm_ended_in_order(program, tmp_path):
    program("signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('ready', flush=True); time.sleep(60)")
    run_service(tmp_path)


def test_another_status_after_sigterm_is_an_error(program, tmp_path):
    program("signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('ready', flush=True); time.sleep(60)")
    with pytest.raises(demo.DemoError, match="ended with status 7 after SIGTERM, expected 0"):
        run_service(tmp_path)


def test_a_service_that_does_not_stop_is_killed_and_an_error(program, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_STOP_LIMIT_S", 0.2)
    program("signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)")
    with pytest.raises(demo.DemoError, match="did not stop within 0 s of SIGTERM"):
        run_service(tmp_path)
