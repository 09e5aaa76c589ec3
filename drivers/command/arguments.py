"""Command lines as a list of arguments, with placeholders and choices; no shell ever sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from filmscand.drivers.scanner.recipe_file import RecipePart

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Placeholder(StrEnum):
    """What a `{placeholder}` in an argument is replaced by.

    OUTPUT: path of the TIFF to write; FOLDER: the folder that it lies in. FRAME: number of the frame, from 1. DPI,
    DEPTH, SAMPLES: as requested, in numbers that the recipe offers. TOP, LEFT, HEIGHT, WIDTH: the requested part of the
    scan area in mm, from its upper left corner; only within a choice `if: region`.
    """

    OUTPUT = "output"
    FOLDER = "folder"
    FRAME = "frame"
    DPI = "dpi"
    DEPTH = "depth"
    SAMPLES = "samples"
    TOP_MM = "top_mm"
    LEFT_MM = "left_mm"
    HEIGHT_MM = "height_mm"
    WIDTH_MM = "width_mm"


_OF_REGION = frozenset({Placeholder.TOP_MM, Placeholder.LEFT_MM, Placeholder.HEIGHT_MM, Placeholder.WIDTH_MM})


class Condition(StrEnum):
    """What a choice depends on: infrared, autofocus or autoexposure wanted, a part of the area, a slide to be fed."""

    INFRARED = "infrared"
    REGION = "region"
    FEED = "feed"
    AUTOFOCUS = "autofocus"
    AUTOEXPOSURE = "autoexposure"


def _number_as_text(value: object) -> object:
    """Return the text of a number: `[--depth, 16]` in YAML."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _known_placeholders(argument: str) -> str:
    for name in _PLACEHOLDER.findall(argument):
        if name not in set(Placeholder):
            known = ", ".join(f"{{{each}}}" for each in Placeholder)
            raise ValueError(f"{argument}: expected one of {known}, found {{{name}}}")
    return argument


Argument = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_known_placeholders)]


class Choice(RecipePart):
    """Arguments that are given only in one case: `{if: infrared, then: [--infrared], else: [--colour-only]}`."""

    condition: Condition = Field(alias="if")
    then: tuple[Argument, ...] = ()
    otherwise: tuple[Argument, ...] = Field(default=(), alias="else")


Arguments = tuple[Choice | Argument, ...]


def check_program(arguments: Arguments) -> str | None:
    """Return what is wrong with a command, None if nothing is; an empty one is right."""
    if not arguments:
        return None
    program = arguments[0]
    if isinstance(program, Choice) or not program or _PLACEHOLDER.search(program):
        return "expected a program as the first argument"
    if "/" in program and not program.startswith("/"):
        return f"expected a program on the PATH or a whole path, found {program!r}"
    for each in arguments:
        outside = [each] if isinstance(each, str) else each.otherwise
        if (isinstance(each, str) or each.condition is not Condition.REGION) and _named(_texts([each])) & _OF_REGION:
            return "expected {top_mm}, {left_mm}, {height_mm} and {width_mm} only within `if: region`"
        if _named(outside) & _OF_REGION:
            return "expected no part of the scan area after `else`"
    return None


def placeholders(arguments: Arguments) -> set[Placeholder]:
    """Return the placeholders of a command."""
    return _named(_texts(arguments))


def conditions(arguments: Arguments) -> set[Condition]:
    """Return what the choices of a command depend on."""
    return {each.condition for each in arguments if isinstance(each, Choice)}


def filled(arguments: Arguments, values: Mapping[Placeholder, str], holds: Iterable[Condition]) -> list[str]:
    """Return program and arguments of a command with its placeholders replaced.

    Parameters
    ----------
    arguments : Arguments
        As in the recipe.
    values : mapping of Placeholder to str
        What each placeholder stands for.
    holds : iterable of Condition
        The conditions that hold.
    """
    true = set(holds)
    chosen: list[str] = []
    for each in arguments:
        if isinstance(each, Choice):
            chosen += each.then if each.condition in true else each.otherwise
        else:
            chosen.append(each)
    return [_PLACEHOLDER.sub(lambda found: values[Placeholder(found.group(1))], text) for text in chosen]


def _texts(arguments: Iterable[Choice | str]) -> list[str]:
    groups = ((each,) if isinstance(each, str) else (*each.then, *each.otherwise) for each in arguments)
    return [text for group in groups for text in group]


def _named(texts: Iterable[str]) -> set[Placeholder]:
    return {Placeholder(name) for text in texts for name in _PLACEHOLDER.findall(text)}
