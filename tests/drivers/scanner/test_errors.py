"""Errors of a scanner carry what the caller and the operator can do."""

from __future__ import annotations

import pytest

from filmscand.drivers.base import DriverError
from filmscand.drivers.scanner.errors import (
    ERROR_TYPES,
    AttentionError,
    Recovery,
    ScannerBusyError,
    ScannerError,
    ScannerHungError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
    SlideFate,
)


def subclasses(kind):
    return {kind} | {deeper for direct in kind.__subclasses__() for deeper in subclasses(direct)}


def test_an_error_has_the_advice_of_its_kind_and_leaves_the_slide_in_the_gate():
    error = ScannerJammedError("feeder")
    assert (str(error), error.advice, error.slide) == (
        "feeder",
        ScannerJammedError.default_advice,
        SlideFate.IN_GATE,
    )


def test_advice_of_a_recipe_replaces_the_usual_advice_even_if_it_is_empty():
    assert ScannerHungError("silent", advice="Turn the Coolscan off.").advice == "Turn the Coolscan off."
    assert ScannerHungError("silent", advice="").advice == ""


def test_every_error_that_a_process_can_report_is_found_by_its_name():
    concrete = {kind for kind in subclasses(ScannerError) if kind is not AttentionError}
    assert {kind.__name__: kind for kind in concrete} == ERROR_TYPES


@pytest.mark.parametrize(
    ("kind", "recovery"),
    [
        (ScannerBusyError, Recovery.WAIT),
        (ScannerIoError, Recovery.REOPEN),
        (ScannerHungError, Recovery.REOPEN),
        (ScannerJammedError, Recovery.HUMAN),
        (ScannerSetupError, Recovery.FIX),
    ],
)
def test_the_kind_of_an_error_decides_what_the_caller_can_do(kind, recovery):
    assert kind("").recovery is recovery
    assert isinstance(kind(""), DriverError)


def test_every_error_that_needs_a_person_says_what_to_do():
    for kind in subclasses(AttentionError) - {AttentionError}:
        assert kind.default_advice.endswith(".")
