"""A command line is a list of arguments: placeholders are replaced, choices made, and no shell sees any of it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from filmscand.drivers.command.arguments import (
    Arguments,
    Condition,
    Placeholder,
    check_program,
    conditions,
    filled,
    placeholders,
)

ARGUMENTS = TypeAdapter(Arguments)
VALUES = {placeholder: f"<{placeholder}>" for placeholder in Placeholder}


def parse(*arguments):
    return ARGUMENTS.validate_python(arguments)


def test_placeholders_are_replaced_wherever_they_stand_and_nothing_is_split():
    command = parse("scan it", "--to={output}", "{dpi}x{dpi}", "$HOME; rm *", 16)
    assert filled(command, VALUES, ()) == ["scan it", "--to=<output>", "<dpi>x<dpi>", "$HOME; rm *", "16"]
    assert placeholders(command) == {Placeholder.OUTPUT, Placeholder.DPI}


@pytest.mark.parametrize(("holds", "given"), [([Condition.INFRARED], ["--rgbi", "-q"]), ([], ["--rgb"])])
def test_a_choice_gives_its_arguments_in_its_case_only(holds, given):
    command = parse("scan", {"if": "infrared", "then": ["--rgbi", "-q"], "else": ["--rgb"]})
    assert filled(command, VALUES, holds) == ["scan", *given]
    assert conditions(command) == {Condition.INFRARED}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["scan", "{nonsense}"], r"expected one of \{output\}, .*, found \{nonsense\}"),
        (["scan", {"if": "raining", "then": []}], "infrared"),
        (["scan", {"if": "infrared", "than": ["-i"]}], "than"),
        (["scan", True], "string"),
    ],
)
def test_a_mistake_in_an_argument_is_named(arguments, problem):
    with pytest.raises(ValidationError, match=problem):
        parse(*arguments)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], None),
        (["scan"], None),
        (["/opt/scan"], None),
        (["scan", {"if": "region", "then": ["{top_mm}"]}], None),
        (["./scan"], "on the PATH or a whole path"),
        ([{"if": "infrared", "then": ["scan"]}], "expected a program as the first argument"),
        (["{output}"], "expected a program as the first argument"),
        (["scan", "{top_mm}"], "only within `if: region`"),
        (["scan", {"if": "infrared", "then": ["{top_mm}"]}], "only within `if: region`"),
        (["scan", {"if": "region", "else": ["{top_mm}"]}], "after `else`"),
    ],
)
def test_a_command_begins_with_a_program_and_names_an_area_only_where_there_is_one(arguments, problem):
    found = check_program(parse(*arguments))
    assert found is None if problem is None else problem in found
