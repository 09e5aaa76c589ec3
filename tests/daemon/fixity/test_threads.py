"""The audit beside a running service: its alarm comes and goes, and a stop does not wait for it."""

from __future__ import annotations

import threading

from filmscand.daemon.core.timing import AuditTiming
from filmscand.daemon.database.keeping.audits import summarize_audits
from filmscand.daemon.fixity import threads as module
from filmscand.daemon.fixity.threads import AuditThread
from filmscand.daemon.station.configuration import Audit
from support.kept_station import OPEN, RAW, copied, flip, open_station
from support.live_station import running

QUICK = AuditTiming(poll_s=0.01, enrol_s=0.1, settle_s=0.01, damaged_s=0.1, retry_s=0.01)


def audited(live, **settings):
    return live.station.model_copy(update={"audit": Audit(**settings)})


def wait_until(condition, ticks=500):
    tick = threading.Event()
    for _ in range(ticks):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not happen")


def recent(live):
    with open_station(live) as connection:
        return summarize_audits(connection, 1.0).recent


def test_the_alarm_of_a_damaged_roll_comes_and_goes_while_the_service_runs(template, tmp_path):
    live = copied(template, tmp_path / "station", page={"port": 0}, audit={"every_days": 1e-5, "mib_per_s": 1000})
    raw = live.archive.root / OPEN / RAW.format("k")
    with running(live):
        page = live.wait_for_page()
        live.wait_for(lambda status: status.audit is not None and status.audit.recent == 6)
        flip(raw)
        status = live.wait_for(lambda status: status.alarms)
        (alarm,) = status.alarms
        assert (alarm.key, status.audit.frozen_rolls) == (f"fixity:{OPEN}", (OPEN,))
        assert RAW.format("k") in alarm.message
        assert 'filmscand_alarm{key="fixity:c/b/k"} 1' in page.get("/metrics").text
        assert "filmscand_frozen_rolls 1\n" in page.get("/metrics").text
        shown = page.get("/").text
        assert "Damaged roll" in shown
        assert "Last audit" in shown
        refused = page.post("/api/reclean", {"frames": ["c/b/k_0001"], "failed": False})
        assert (refused.status, refused.json["kind"]) == (409, "integrity")
        assert "the roll is frozen" in refused.json["detail"]
        flip(raw)
        live.wait_for(lambda status: not status.alarms)
        wait_until(lambda: "filmscand_frozen_rolls 0\n" in page.get("/metrics").text)
        assert live.stop() == 0
    told = [line["event"] for line in live.log_lines() if "c/b/k_0001 is" in line["event"]]
    assert [text.split(",")[0] for text in told] == ["c/b/k_0001 is damaged", "c/b/k_0001 is as it was recorded again"]


def test_an_audit_that_is_turned_off_reads_nothing(live):
    thread = AuditThread(audited(live, enabled=False), QUICK)
    thread.start()
    assert thread.join(10)
    assert recent(live) == 0


def test_it_stops_in_the_middle_of_a_file(live):
    thread = AuditThread(audited(live, mib_per_s=1e-3), QUICK)
    thread.start()
    wait_until(lambda: recent(live) >= 1)
    thread.ask_to_stop()
    assert thread.join(10)
    assert recent(live) < 6


def test_an_archive_that_is_not_there_is_waited_for(live, caplog):
    marker = live.archive.root / ".filmscand"
    marker.rename(live.root / "gone")
    thread = AuditThread(audited(live, mib_per_s=1000), QUICK)
    thread.start()
    wait_until(lambda: "the audit waits" in caplog.text)
    (live.root / "gone").rename(marker)
    wait_until(lambda: recent(live) == 6)
    thread.ask_to_stop()
    assert thread.join(10)
    assert caplog.text.count("the audit waits") == 1


def test_a_kernel_that_knows_no_idle_class_is_told_in_the_log(live, caplog, monkeypatch):
    monkeypatch.setattr(module, "why_not_idle", lambda: "the kernel refuses the idle class of I/O: no")
    thread = AuditThread(audited(live, mib_per_s=1000), QUICK)
    thread.start()
    wait_until(lambda: "the audit may disturb other work: the kernel refuses" in caplog.text)
    thread.ask_to_stop()
    assert thread.join(10)


def test_an_unexpected_error_does_not_end_the_audit(live, caplog, monkeypatch):
    real = module.bound_archive
    calls = []

    def fail_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise ZeroDivisionError
        return real(*arguments)

    monkeypatch.setattr(module, "bound_archive", fail_once)
    thread = AuditThread(audited(live, mib_per_s=1000), QUICK)
    thread.start()
    wait_until(lambda: recent(live) == 6)
    thread.ask_to_stop()
    assert thread.join(10)
    assert "unexpected error of the audit" in caplog.text
