from __future__ import annotations

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.database.service_record import ServiceRecord, begin_service, find_service
from support.queue_rows import OTHER, WORKER, enqueue


def test_the_service_that_started_last_is_the_one_of_the_station(connection):
    assert find_service(connection) is None
    for service in (ServiceRecord(WORKER, 1.0), ServiceRecord(OTHER, 2.0)):
        begin_service(connection, service)
        assert find_service(connection) == service


def test_a_service_that_starts_clears_alarms_and_waiting_times(connection, queue):
    enqueue(queue, "a")
    queue.give_back(queue.take(WORKER, 60.0), "no space left", 100.0)
    candidates = Candidates(connection, "/drop")
    candidates.put_off(candidates.see("a.tif", 10, 1), "the share does not answer", 50.0)
    Alarms(connection).raise_alarm("archive", "no space left")
    assert queue.take(WORKER, 60.0) is None
    begin_service(connection, ServiceRecord(WORKER, 1.0))
    assert Alarms(connection).standing() == []
    assert [row.not_before for row in candidates.in_state({CandidateState.SEEN})] == [0.0]
    assert queue.take(WORKER, 60.0) is not None
