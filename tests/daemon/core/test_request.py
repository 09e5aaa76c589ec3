from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from filmscand.daemon.core.request import CleanRequest, CleanResult, LeakageRecord, ReportRecord, ShiftRecord
from filmscand.drivers.base import CaptureInfo
from filmscand.ir.report import CleanReport, LeakageReport, Method, ShiftReport


@pytest.mark.parametrize(
    "record",
    [
        CleanRequest(film="slide", flags=("pair_timeout",), captured=CaptureInfo(rows=2, cols=3, layout="x")),
        CleanResult(revision=2, created=True, outcome="cleaned", report=ReportRecord(threshold=0.1)),
    ],
    ids=["request", "result"],
)
def test_a_record_goes_through_json_unchanged_with_fields_that_are_not_known(record):
    plain = {**json.loads(record.model_dump_json()), "surprise": {"deep": [1]}}
    again = type(record).model_validate_json(json.dumps(plain))
    assert json.loads(again.model_copy(update={}).model_dump_json()) == plain
    assert type(record).model_validate_json(record.model_dump_json()) == record


def test_a_request_that_cannot_be_is_refused():
    for mistake in ({"sensitivity": 1.1}, {"film": "glass"}, {"captured": {"rows": 0, "cols": 1, "layout": "x"}}):
        with pytest.raises(ValidationError):
            CleanRequest.model_validate(mistake)


def test_the_record_of_a_report_has_every_field_of_the_engines_report():
    pairs = ((ReportRecord, CleanReport), (LeakageRecord, LeakageReport), (ShiftRecord, ShiftReport))
    assert all(list(record.model_fields) == list(report.__dataclass_fields__) for record, report in pairs)


def test_a_number_that_json_cannot_hold_is_unknown_in_the_record():
    record = ReportRecord.of(CleanReport(Method.NONE, LeakageReport(red=float("nan"))))
    assert record.leakage.red is None
    assert json.loads(record.model_dump_json())["leakage"]["red"] is None


def test_a_report_of_an_engine_that_told_less_is_read_and_nothing_is_added():
    plain = {"method": "infrared", "leakage": {"red": 0.1}, "shift": {}}
    record = ReportRecord.model_validate(plain)
    assert (record.leakage.red, record.leakage.green, record.defects_found) == (0.1, None, None)
    assert record.model_dump(mode="json") == plain


@pytest.mark.parametrize(
    "module", ["core.request", "database.queue", "database.sessions", "archive.records.sidecar", "archive.tree"]
)
def test_who_reads_records_loads_no_engine(module):
    program = f"import sys, filmscand.daemon.{module}; print({{'numba', 'scipy', 'onnxruntime'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
