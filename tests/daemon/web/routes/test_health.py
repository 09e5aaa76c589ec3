"""/healthz: 200 while the service can make progress, 503 with the reasons while it cannot."""

from __future__ import annotations


def test_a_station_that_gets_on_is_healthy(page):
    page.server.pulse.beat(None)
    answer = page.get("/healthz")
    assert (answer.status, answer.json) == (200, {"healthy": True, "problems": []})


def test_a_service_without_workers_is_not(page):
    page.server.pulse.beat("no worker can be started: no memory")
    answer = page.get("/healthz")
    assert (answer.status, answer.json["problems"]) == (503, ["no worker can be started: no memory"])


def test_a_supervisor_that_stalled_is_not(page):
    page.server.pulse._clock_s = lambda: page.server.pulse._last[0] + 31.0
    answer = page.get("/healthz")
    assert answer.status == 503
    assert "has not finished a round for 31 s" in answer.json["problems"][0]


def test_a_database_that_is_gone_is_told_and_the_page_still_answers(page, station):
    station.database.rename(station.database.with_suffix(".away"))
    answer = page.get("/healthz")
    assert (answer.status, answer.json["healthy"]) == (503, False)
    assert str(station.database) in answer.json["problems"][0]
    assert page.get("/api/rolls").status == 503
    assert page.get("/static/page.css").status == 200


def test_an_empty_file_in_the_place_of_the_database_is_told(page, station):
    station.database.rename(station.database.with_suffix(".away"))
    station.database.touch()
    assert page.get("/healthz").status == 503
