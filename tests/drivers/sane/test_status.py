"""The status texts of libsane become errors that name what can be done."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.status import STATUS_TEXTS, scanner_error
from filmscand.drivers.scanner.errors import (
    CoverOpenError,
    MagazineEmptyError,
    Recovery,
    ScannerAccessError,
    ScannerBusyError,
    ScannerGoneError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
)
from filmscand.drivers.scanner.meanings import Meaning
from filmscand.drivers.scanner.recipes import (
    Recipe,
    Status,
    load_recipe,
)

A_RECIPE = {
    "name": "mine",
    "backend": "mine",
    "title": "Mine",
    "match": {"device": "mine:"},
    "picture": [{"option": "resolution", "from": "resolution"}],
}


@pytest.mark.parametrize(
    ("text", "kind", "recovery"),
    [
        ("Device busy", ScannerBusyError, Recovery.WAIT),
        ("Document feeder jammed", ScannerJammedError, Recovery.HUMAN),
        ("Document feeder out of documents", MagazineEmptyError, Recovery.FINISH),
        ("Scanner cover is open", CoverOpenError, Recovery.HUMAN),
        ("Error during device I/O", ScannerIoError, Recovery.REOPEN),
        ("Out of memory", ScannerIoError, Recovery.REOPEN),
        ("Access to resource has been denied", ScannerAccessError, Recovery.HUMAN),
        ("Invalid argument", ScannerSetupError, Recovery.FIX),
        ("Unknown SANE status code 77", ScannerIoError, Recovery.REOPEN),
    ],
)
def test_the_words_of_libsane_become_errors_that_say_what_can_be_done(text, kind, recovery):
    error = scanner_error(text, load_recipe("coolscan3"), "option")
    assert type(error) is kind
    assert error.recovery is recovery
    assert str(error) == f"{text}, when an option was set"


def test_an_invalid_open_means_that_the_device_is_gone_and_an_invalid_start_that_its_state_is_lost():
    recipe = load_recipe("coolscan3")
    assert type(scanner_error("Invalid argument", recipe, "open")) is ScannerGoneError
    assert type(scanner_error("Invalid argument", recipe, "start")) is ScannerIoError


def test_a_recipe_may_say_that_a_status_means_something_else():
    recipe = Recipe.model_validate({**A_RECIPE, "errors": {"no_docs": "jammed"}})
    assert recipe.meaning(Status.NO_DOCS) is Meaning.JAMMED
    assert type(scanner_error("Document feeder out of documents", recipe, "start")) is ScannerJammedError


def test_every_status_has_a_text_and_a_meaning():
    assert set(STATUS_TEXTS.values()) == set(Status)
    assert all(load_recipe("test").meaning(status) for status in Status)


def test_a_read_that_is_not_supported_after_its_start_was_is_a_fault_of_the_connection():
    recipe = load_recipe("coolscan2")
    assert type(scanner_error("Operation not supported", recipe, "read")) is ScannerIoError
    assert type(scanner_error("Operation not supported", recipe, "start")) is ScannerSetupError
