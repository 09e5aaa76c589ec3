"""Whatever fits or does not fit the OpenAPI document is answered as it says, and never by an error of the service."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import ScanPlan
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import Page, Station
from support.page_site import served

schemathesis = pytest.importorskip("schemathesis")
conformance = pytest.importorskip("schemathesis.specs.openapi.checks")
# A stream that does not end, and SANE, which takes seconds.
LEFT_OUT = {"GET /api/events", "GET /api/scanners"}
EXAMPLES = 25
CHECKS = [
    schemathesis.checks.not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a station with a session; sessions are told what to do, and new ones are ordered."""
    station = Station(root=tmp_path_factory.mktemp("schema") / "station", page=Page(port=0))
    connect_station(station).close()
    with closing(open_database(station.database)) as connection:
        Sessions(connection).add(ScanPlan(roll="r", device="test:0"))
    with served(station) as site:
        yield site


@pytest.fixture(scope="module")
def schema(page):
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{page.port}/api/openapi.json")


def test_every_operation_answers_whatever_comes_as_its_document_says(page, schema):
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.label in LEFT_OUT:
            continue
        tried.append(operation.label)
        # No supervisor runs beside the page; after 30 s without its pulse the page is not healthy, rightly.
        page.server.pulse.beat(None)
        cases = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategies.one_of(*cases))
        def answers_as_it_says(case):
            case.call_and_validate(checks=CHECKS)

        answers_as_it_says()
    assert len(tried) >= 20
    assert page.get("/healthz").status == 200
    assert "test:0" in page.get("/api/sessions").text


def test_the_document_is_of_the_standard(schema):
    schema.validate()
