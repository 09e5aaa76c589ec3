"""The whole service as a process: dropped in, killed, filled up, stopped. How often it is killed: FILMSCAND_KILLS."""

import hashlib
import os
import random
import resource
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from filmscand.daemon.archive.frames.verify_frame import verify_folder
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.keeping.audits import Audits, Damage, Part
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.session_records import ScanPlan, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.status import ServiceStatus, station_status
from filmscand.daemon.service import Bell, Supervisor
from filmscand.daemon.station.systemd_notify import Notifier
from support.live_station import (
    LiveStation,
    leftovers,
    running,
    write_blank,
    write_infrared,
    write_inside,
    write_picture,
)
from support.program import PROGRAM
from support.queue_rows import enqueue
from support.receiver import TOKEN, receiving
from support.scanner_station import needs_sane, scanner
from support.systemd_manager import heard

pytestmark = pytest.mark.usefixtures("compiled_engine")
KILLS = int(os.environ.get("FILMSCAND_KILLS", "5"))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_archived_once(station, hashes):
    """Every dropped picture lies in the archive once, whole, with right hashes, and nothing half-written beside it."""
    frames = list(station.archive.frames())
    raws = Counter(digest(station.archive.frame_folder(frame).raw()) for frame in frames)
    assert raws == Counter(hashes)
    for frame in frames:
        assert verify_folder(station.archive.frame_folder(frame).path, station.archive.read_sidecar(frame)) == ()
        assert len(station.archive.read_sidecar(frame).revisions) == 1
    assert leftovers(station.root) == []
    assert sorted(frame.number for frame in frames) == list(range(1, len(hashes) + 1))


def test_frames_dropped_in_arrive_complete_and_the_service_stops_in_order(tmp_path):
    station = LiveStation(tmp_path)
    hashes = [digest(write_inside(station.drop / "r" / f"{seed}.tif", seed)) for seed in range(3)]
    with running(station):
        station.wait_for_archived(3)
        hashes.append(digest(write_picture(station.drop / "r" / "pair.tif", 7)))
        write_infrared(station.drop / "r" / "pair_ir.tif", 7)
        (station.drop / "letter.tif").write_text("Dear archivist, " * 100)
        station.wait_for_archived(4)
        station.wait_for(lambda _: any((station.drop / "_failed").rglob("letter.tif.error.json")))
        status = station.wait_for(lambda status: status.arriving == 0 and status.waiting == ())
        assert status.failed_files == 1
        again = subprocess.run([*station.service.args], capture_output=True, text=True, timeout=30)
        assert again.returncode != 0
        assert f"another service (process {station.service.pid}) runs this station" in again.stderr
        workers = station.workers()
        assert station.stop() == 0
    assert len(workers) == 1
    assert status.service.running
    assert status.outcomes == {"archived": 4, "failed": 0, "set_aside": 0}
    assert status.free_frames > 0
    last = status.last_frames[0]
    assert (last.frame, last.outcome, last.error) == ("unsorted/unsorted/r_0004", "archived", None)
    assert last.seconds > 0
    assert_archived_once(station, hashes)
    assert not station.status().service.running
    archived = [line for line in station.log_lines() if "archived, revision 1" in line["event"]]
    assert len(archived) == 4
    assert all("leakage" in line["event"] and line["frame"].startswith("r_") for line in archived)


def test_kills_at_any_moment_neither_lose_nor_double_a_frame(tmp_path):
    station = LiveStation(tmp_path, {"settle_s": 0.15}, workers={"count": 2})
    moments = random.Random(20261)
    hashes = []
    for round_number in range(KILLS):
        with running(station):
            for frame in range(3):
                name = f"{round_number:02d}-{frame}.tif"
                hashes.append(digest(write_inside(station.drop / "r" / name, len(hashes), rows=480, cols=720)))
            kill_somebody(station, moments)
    with running(station):
        station.wait_for(lambda status: status.service.running)
        station.wait_for_archived(len(hashes), at_most_s=60.0)
        assert station.stop() == 0
    status = station.status()
    assert status.outcomes == {"archived": len(hashes), "failed": 0, "set_aside": 0}
    assert_archived_once(station, hashes)
    assert sorted(path.name for path in (station.drop / "_done").rglob("*.tif")) == sorted(
        f"{round_number:02d}-{frame}.tif" for round_number in range(KILLS) for frame in range(3)
    )


def kill_somebody(station, moments):
    """Kill a worker first or not, then the service, both at random moments: some in a claim, some in a frame."""
    moment = moments.choice(["in a claim", "in a frame", "in a frame", "anywhere"])
    if moment == "anywhere":
        time.sleep(moments.uniform(0.2, 1.5))
    else:
        station.wait_for(lambda status: status.service.running and (status.in_work or moment == "in a claim"))
        time.sleep(moments.uniform(0.0, 0.15))
    workers = station.workers()
    if moments.random() < 0.5 and workers:
        os.kill(moments.choice(workers), signal.SIGKILL)
        time.sleep(moments.uniform(0.0, 0.5))
        workers = station.workers()
    station.kill()
    deadline_s = time.monotonic() + 10.0
    while any(is_running(pid) for pid in workers):
        assert time.monotonic() < deadline_s, "a worker outlived its service"
        time.sleep(0.02)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def small_disk(folder, size_bytes):
    """Give a folder a disk of its own that is soon full; skipped where this user may not mount."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no right to mount; the file-size limit stands for a full disk elsewhere")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_archive_is_waited_out_and_nothing_is_lost(tmp_path):
    station = LiveStation(tmp_path)
    with small_disk(tmp_path / "archive", 4 << 20):
        filler = tmp_path / "archive" / "filler"
        # Room for one raw file, and not for what is made of it.
        filler.write_bytes(bytes((4 << 20) - (320 << 10)))
        hashes = [digest(write_inside(station.drop / "r" / f"{seed}.tif", seed)) for seed in range(3)]
        with running(station):
            status = station.wait_for(lambda status: "archive" in {alarm.key for alarm in status.alarms})
            status = station.wait_for(lambda status: sum(alarm.times for alarm in status.alarms) >= 4)
            assert status.service.running
            assert {alarm.key for alarm in status.alarms} == {"archive", "space"}
            assert status.outcomes["failed"] == status.outcomes["set_aside"] == 0
            sources = [digest(path) for path in station.drop.rglob("*.tif")]
            assert sorted(sources) == sorted(hashes)
            filler.unlink()
            status = station.wait_for_archived(3)
            assert "archive" not in {alarm.key for alarm in status.alarms}
            assert station.stop() == 0
        assert_archived_once(station, hashes)


def test_a_file_size_limit_is_waited_out_like_a_full_disk(tmp_path):
    # A limit of 5 MiB on every file that the service writes: its database stays far below it, a large scan does not.
    station = LiveStation(tmp_path)
    with running(station):
        station.wait_for(lambda status: status.service.running)
        _, hard = resource.prlimit(station.service.pid, resource.RLIMIT_FSIZE, (5 << 20, resource.RLIM_INFINITY))
        source = write_inside(station.drop / "large.tif", 1, rows=800, cols=900)
        assert source.stat().st_size > 5 << 20
        before = digest(source)
        station.wait_for(lambda status: "archive" in {alarm.key for alarm in status.alarms})
        assert digest(source) == before
        resource.prlimit(station.service.pid, resource.RLIMIT_FSIZE, (hard, hard))
        station.wait_for_archived(1)
        assert station.stop() == 0
    assert_archived_once(station, [before])


def test_a_service_without_a_file_descriptor_for_a_new_worker_goes_on_and_starts_one_when_it_can(tmp_path):
    station = LiveStation(tmp_path)
    hashes = [digest(write_inside(station.drop / "r" / "1.tif", 1))]
    with running(station):
        station.wait_for_archived(1)
        (worker,) = station.workers()
        before = resource.prlimit(station.service.pid, resource.RLIMIT_NOFILE)
        in_use = len(list(Path(f"/proc/{station.service.pid}/fd").iterdir()))
        resource.prlimit(station.service.pid, resource.RLIMIT_NOFILE, (in_use - 1, before[1]))
        os.kill(worker, signal.SIGKILL)
        told = station.wait_for(lambda status: any(alarm.key == "worker_start" for alarm in status.alarms))
        resource.prlimit(station.service.pid, resource.RLIMIT_NOFILE, before)
        hashes.append(digest(write_inside(station.drop / "r" / "2.tif", 2)))
        station.wait_for_archived(2)
        station.wait_for(lambda status: status.alarms == ())
        assert station.stop() == 0
    (alarm,) = [alarm for alarm in told.alarms if alarm.key == "worker_start"]
    assert "a worker cannot be started: " in alarm.message
    assert_archived_once(station, hashes)


def test_a_service_that_is_told_to_stop_in_the_middle_leaves_nothing_half_written(tmp_path):
    station = LiveStation(tmp_path)
    hashes = [digest(write_inside(station.drop / "r" / f"{n}.tif", n, rows=600, cols=900)) for n in range(3)]
    with running(station):
        station.wait_for(lambda status: status.in_work)
        assert station.stop(at_most_s=30.0) == 0
    status = station.status()
    assert status.states["processing"] == 0
    assert leftovers(station.root) == []
    with running(station):
        station.wait_for_archived(3)
        assert station.stop() == 0
    assert_archived_once(station, hashes)


def test_a_disk_that_is_unmounted_and_mounted_again_costs_nothing(tmp_path):
    station = LiveStation(tmp_path, {"source_policy": "delete"})
    archive, away = station.station.archive, tmp_path / "unmounted"
    hashes = [digest(write_inside(station.drop / "r" / "1.tif", 1))]
    with running(station):
        station.wait_for_archived(1)
        archive.rename(away)
        archive.mkdir()
        source = write_inside(station.drop / "r" / "2.tif", 2)
        hashes.append(digest(source))
        station.wait_for(lambda status: [alarm.key for alarm in status.alarms] == ["archive"])
        time.sleep(1.0)
        assert source.exists()
        assert list(archive.iterdir()) == []
        archive.rmdir()
        away.rename(archive)
        station.wait_for_archived(2)
        station.wait_for(lambda status: status.alarms == ())
        assert not source.exists()
        assert station.stop() == 0
    assert_archived_once(station, hashes)


def test_an_alarm_and_its_end_are_told_once_also_over_a_restart_and_without_the_secret(tmp_path):
    with receiving() as receiver:
        station = LiveStation(tmp_path, notify={"targets": [{"webhook": receiver.address}], "room_frames": 0})
        archive, away = station.station.archive, tmp_path / "unmounted"
        with running(station):
            station.wait_for(lambda _: archive.exists())
            archive.rename(away)
            receiver.wait_for(1)
            assert station.stop() == 0
        with running(station):
            station.wait_for(lambda status: status.service.running and status.alarms)
            time.sleep(2.0)
            assert len(receiver.messages) == 1
            away.rename(archive)
            receiver.wait_for(2)
            assert station.stop() == 0
        raised, cleared = receiver.messages
        assert [alarm["key"] for alarm in raised["raised"]] == ["archive"]
        assert "expected the station's archive" in raised["text"]
        assert [alarm["key"] for alarm in cleared["cleared"]] == ["archive"]
        assert TOKEN not in station.log.read_text()


def test_a_target_that_is_down_is_an_alarm_that_ends_when_it_is_back(tmp_path):
    with receiving(500) as receiver:
        station = LiveStation(tmp_path, notify={"targets": [{"webhook": receiver.address}], "room_frames": 10**9})
        with running(station):
            status = station.wait_for(lambda status: any("notifications" in alarm.message for alarm in status.alarms))
            receiver.answer = 200
            (message,) = receiver.wait_for(1)
            station.wait_for(lambda status: [alarm.key for alarm in status.alarms] == ["space"])
            assert station.stop() == 0
        assert {alarm.key for alarm in status.alarms} == {"space", "notify:webhook 127.0.0.1"}
        assert [alarm["key"] for alarm in message["raised"]] == ["space"]
        assert message["unreached_since"] is not None
        assert TOKEN not in station.log.read_text()


@needs_sane
def test_a_jam_and_the_end_of_the_magazine_are_told_while_another_target_hangs(tmp_path):
    with receiving() as receiver, receiving("slow") as slow, scanner(3, "jammed@start:2xall") as virtual:
        targets = [{"name": "slow", "webhook": slow.address}, {"webhook": receiver.address}]
        station = LiveStation(tmp_path, notify={"targets": targets, "room_frames": 0})
        with running(station):
            station.wait_for(lambda status: status.service.running)
            with closing(open_database(station.station.database)) as connection:
                session = Sessions(connection).add(ScanPlan(roll="mag2", device=virtual.device)).session_id
                receiver.wait_for(1)
                virtual.clear_faults()
                Sessions(connection).ask(session, Wish.RESUME)
                receiver.wait_for(2)
            station.wait_for_archived(3)
            receiver.wait_for(3)
            station.stop()
    told = receiver.messages[:3]
    assert [alarm["key"] for alarm in told[0]["raised"]] == ["session:1"]
    assert "Free the slide" in told[0]["text"]
    assert [alarm["key"] for message in told for alarm in message["cleared"]] == ["session:1"]
    (finished,) = [one for message in told for one in message["finished"]]
    assert (finished["roll"], finished["reason"], finished["captured"]) == (
        "unsorted/unsorted/mag2",
        "magazine_empty",
        3,
    )


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_removed_or_replaced_ends_the_service_and_is_not_made_anew(tmp_path, replaced):
    station = LiveStation(tmp_path)
    write_inside(station.drop / "r" / "1.tif", 1)
    with running(station):
        station.wait_for_archived(1)
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"station.db{ending}").unlink(missing_ok=True)
        if replaced:
            open_database(tmp_path / "station.db").close()
        source = write_inside(station.drop / "r" / "2.tif", 2)
        assert station.service.wait(30.0) == 1
        assert "removed or replaced while it was in use" in station.log.read_text()
        assert station.start().wait(30.0) == 1
    assert "filmscand rebuild" in station.log.read_text().splitlines()[-1]
    assert source.exists()
    assert (tmp_path / "station.db").exists() is replaced
    assert [frame.number for frame in station.archive.frames()] == [1]


def test_a_service_starts_without_a_model_that_it_names_and_cleans_what_needs_none(tmp_path):
    model = tmp_path / "gone.onnx"
    station = LiveStation(tmp_path, cleaning={"detector_model": str(model)})
    station.command = [*PROGRAM, "run", "--config", str(station.config)]
    with running(station):
        status = station.wait_for(lambda status: status.service.running and status.alarms, at_most_s=120.0)
        assert [alarm.key for alarm in status.alarms] == ["model"]
        assert str(model) in status.alarms[0].message
        write_blank(station.drop / "blank.tif", 3)
        write_picture(station.drop / "needs_it.tif", 4)
        status = station.wait_for(
            lambda status: status.outcomes["archived"] == 1 and status.states["queued"] == 1, at_most_s=120.0
        )
        assert [frame.source for frame in status.last_frames] == ["blank.tif"]
        assert station.stop() == 0


def test_a_service_serves_its_page_and_stops_in_order_while_it_is_watched(tmp_path):
    station = LiveStation(tmp_path, page={"port": 0})
    with running(station):
        page = station.wait_for_page()
        assert page.get("/healthz").status == 200
        with page.events() as next_event:
            write_blank(station.drop / "r" / "1.tif", 1)
            station.wait_for_archived(1, at_most_s=120.0)
            moves = []
            while not any(move["outcome"] == "archived" for move in moves):
                name, data = next_event()
                moves += data if name == "frames" else []
            assert {move["frame"] for move in moves} == {"unsorted/unsorted/r_0001"}
            assert page.get("/api/frames/unsorted/unsorted/r_0001/thumbnail").body[:3] == b"\xff\xd8\xff"
            assert page.get("/api/status").json["service"]["pid"] == station.service.pid
            assert station.stop() == 0
    of_the_page = [
        line for line in station.log_lines() if line["logger"].startswith(("filmscand.daemon.web", "uvicorn"))
    ]
    assert [line["event"] for line in of_the_page if line["level"] != "info"] == []


def test_a_port_in_use_is_an_alarm_and_stops_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        station = LiveStation(tmp_path, page={"port": other.getsockname()[1]})
        with running(station):
            status = station.wait_for(lambda status: status.alarms)
            assert [alarm.key for alarm in status.alarms] == ["page"]
            assert "Address already in use. Stop the program that uses it" in status.alarms[0].message
            write_blank(station.drop / "r" / "1.tif", 1)
            station.wait_for_archived(1, at_most_s=120.0)
            other.close()
            assert station.wait_for_page().get("/healthz").status == 200
            station.wait_for(lambda status: not status.alarms)
            assert station.stop() == 0


def test_systemd_hears_of_the_start_the_watchdog_and_the_stop(tmp_path):
    station = LiveStation(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20.0)
        with running(station, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000"):
            assert heard(manager)[0] == "READY=1"
            lines = [heard(manager)[0] for _ in range(3)]
            assert "WATCHDOG=1" in lines
            station.service.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in (lines := heard(manager)):
                continue
            assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in lines)
            assert station.service.wait(30.0) == 0


def test_the_watchdog_goes_hungry_when_the_database_does_not_answer(tmp_path):
    station = LiveStation(tmp_path).station
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, Bell() as bell:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0.2)
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000"})
        with closing(connect_station(station)) as connection:
            supervisor = Supervisor(station, connection, notifier, bell, Timing())
            supervisor.look()
            assert [heard(manager)[0] for _ in range(2)] == ["STATUS=0 queued, 0 in work, 0 finished", "WATCHDOG=1"]
        supervisor.look()
        with pytest.raises(TimeoutError):
            heard(manager)


def test_frames_of_a_frozen_roll_keep_no_service_waiting_that_only_scans(tmp_path):
    station = LiveStation(tmp_path).station
    with Bell() as bell, closing(connect_station(station)) as connection:
        supervisor = Supervisor(station, connection, Notifier({}), bell, Timing())
        # A service looks for reopened rolls before it may end.
        supervisor._resealing.look()
        assert supervisor._is_idle()
        part = Part.of(enqueue(Queue(connection), "a").frame)
        assert not supervisor._is_idle()
        Audits(connection).note(part, [Damage("data", "missing", "gone")])
        assert supervisor._is_idle()


def test_a_station_that_never_ran_has_a_status(tmp_path):
    status = station_status(LiveStation(tmp_path).station)
    assert not status.service.running
    assert set(status.states) == {str(state) for state in JobState}
    assert set(status.outcomes) == {str(outcome) for outcome in JobOutcome}
    assert status.service == ServiceStatus(running=False, pid=None, started_at=None)
