"""Recipes for scanners that another program drives: its command lines, its exit codes, and what the scanner offers."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from filmscand.drivers.command.arguments import (
    Arguments,
    Condition,
    Placeholder,
    check_program,
    conditions,
    placeholders,
)
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.meanings import Meaning
from filmscand.drivers.scanner.recipe_file import NamedRecipe, read_recipe
from filmscand.drivers.scanner.recipes import Budgets, FeederWay

PREFIX = "command:"


def _whole_numbers(value: object) -> object:
    """Return the keys of a mapping as numbers: JSON, and quotes in YAML, make texts of them."""
    if not isinstance(value, dict):
        return value
    return {int(key) if isinstance(key, str) and key.isdecimal() else key: each for key, each in value.items()}


ExitCode = Annotated[int, Field(ge=1, le=255)]


class Program(NamedRecipe):
    """How another program drives a scanner.

    Attributes
    ----------
    driver : "command"
        Says that this is a recipe for another program.
    name : str
        Name of the recipe; its file is NAME.yaml, and the scanner is ``command:NAME``.
    vendor, model : str
        Names of the scanner, for people and for the sidecar.
    scan : tuple of str or Choice
        Program and arguments that scan one frame and write `{output}`.
    feed : tuple of str or Choice
        Command that feeds the next slide, run before `scan`; empty: `scan` does it where the feeder is `autoload`.
    probe : tuple of str or Choice
        Command that ends with 0 if the scanner is there; empty: it is taken to be there.
    buttons : mapping of str to commands
        Command of each button, such as ``eject``.
    exit_codes : mapping of int to Meaning
        What an exit code other than 0 means; one that is not here is an error of the connection or the scanner.
    resolutions_dpi : tuple of int
        Resolutions that the scanner offers; or
    resolution_range_dpi : (int, int) or None
        the lowest and the highest, for a scanner that takes any between.
    depths_bits : tuple of int
        Bits per sample that the program can write, 8 to 16.
    samples : tuple of int
        Numbers of readings of each line that can be averaged.
    infrared : bool
        Whether the scanner delivers infrared.
    area_mm : (float, float) or None
        Height and width of the scan area; with it, a picture that lacks part of the area is noticed.
    feeder : FeederWay
        How the next slide comes into the gate.
    frame_count : int or None
        Number of frames in the holder, for the feeder `frame`.
    linear : bool or None
        Whether counts are proportional to light; None: as the file says.
    budgets : Budgets
        Time limits. A program that writes its file at the end shows no progress before.
    after_kill : str
        What a person must do after the program was killed.

    Raises
    ------
    ValueError
        If the commands and what the scanner offers do not go together.
    """

    driver: Literal["command"]
    vendor: str = Field(min_length=1)
    model: str = Field(min_length=1)
    scan: Annotated[Arguments, Field(min_length=1)]
    feed: Arguments = ()
    probe: Arguments = ()
    buttons: Mapping[str, Annotated[Arguments, Field(min_length=1)]] = Field(default_factory=dict)
    exit_codes: Annotated[Mapping[ExitCode, Meaning], BeforeValidator(_whole_numbers)] = Field(default_factory=dict)
    resolutions_dpi: tuple[Annotated[int, Field(ge=1)], ...] = ()
    resolution_range_dpi: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    depths_bits: Annotated[tuple[Annotated[int, Field(ge=8, le=16)], ...], Field(min_length=1)] = (16,)
    samples: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1,)
    infrared: bool = False
    area_mm: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = None
    feeder: FeederWay = FeederWay.NONE
    frame_count: int | None = Field(default=None, ge=1)
    linear: bool | None = None
    # A pass at the highest resolution with a second one for the infrared takes a quarter of an hour on slow scanners,
    # and many programs write nothing before its end.
    budgets: Budgets = Budgets(start_s=1800.0, read_s=900.0)
    after_kill: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Program:
        problems = [*self._command_problems(), *self._resolution_problems(), *self._feeder_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _command_problems(self) -> Iterator[str]:
        if not placeholders(self.scan) & {Placeholder.OUTPUT, Placeholder.FOLDER}:
            yield "scan: expected {output} or {folder} in it, found neither"
        buttons = {f"buttons.{name}": command for name, command in self.buttons.items()}
        others = {"feed": self.feed, "probe": self.probe, **buttons}
        for key, arguments in {"scan": self.scan, **others}.items():
            if problem := check_program(arguments):
                yield f"{key}: {problem}"
        for key, arguments in others.items():
            if placeholders(arguments) or conditions(arguments):
                yield f"{key}: expected plain arguments, as there is no frame yet, found a placeholder or a condition"

    def _resolution_problems(self) -> Iterator[str]:
        if bool(self.resolutions_dpi) == (self.resolution_range_dpi is not None):
            yield "expected either resolutions_dpi or resolution_range_dpi"
        single = len(self.resolutions_dpi) == 1
        if not single and Placeholder.DPI not in placeholders(self.scan):
            yield "scan: expected {dpi} in it for more than one resolution"
        if len(self.depths_bits) > 1 and Placeholder.DEPTH not in placeholders(self.scan):
            yield "scan: expected {depth} in it for more than one depth"
        if len(self.samples) > 1 and Placeholder.SAMPLES not in placeholders(self.scan):
            yield "scan: expected {samples} in it for more than one number of samples"

    def _feeder_problems(self) -> Iterator[str]:
        if self.feeder is FeederWay.FRAME and Placeholder.FRAME not in placeholders(self.scan):
            yield "scan: expected {frame} in it for the feeder `frame`"
        if self.frame_count is not None and self.feeder is not FeederWay.FRAME:
            yield "frame_count: expected the feeder `frame`"
        feeds = bool(self.feed) or Condition.FEED in conditions(self.scan)
        if self.feeder is FeederWay.AUTOLOAD and not feeds:
            yield "expected the command `feed`, or `if: feed` in `scan`, for the feeder `autoload`"
        if self.feed and self.feeder is not FeederWay.AUTOLOAD:
            yield "feed: expected the feeder `autoload`"

    @property
    def device(self) -> str:
        """Name of the scanner."""
        return f"{PREFIX}{self.name}"

    @property
    def notices_empty(self) -> bool:
        """Whether the end of a magazine or a strip is noticed."""
        if self.feeder is FeederWay.NONE:
            return False
        return self.frame_count is not None or Meaning.END_OF_MAGAZINE in self.exit_codes.values()

    @property
    def takes_region(self) -> bool:
        """Whether `scan` can be told a part of the scan area."""
        return Condition.REGION in conditions(self.scan)

    def offers_resolution(self, dpi: int) -> bool:
        """Return whether the scanner offers a resolution."""
        lowest, highest = self.resolution_range_dpi or (math.inf, -math.inf)
        return dpi in self.resolutions_dpi or lowest <= dpi <= highest

    def depth_for(self, wanted_bits: int) -> int:
        """Return the smallest depth that is not below the wanted one, else the largest."""
        return min((bits for bits in self.depths_bits if bits >= wanted_bits), default=max(self.depths_bits))

    def missing_program(self) -> str | None:
        """Return the name of the program if it is not installed, None if it is."""
        program = str(self.scan[0])
        return None if shutil.which(program) else program


def program_files(folder: Path) -> list[Path]:
    """Return the recipes NAME.yaml of a folder, sorted by name.

    Raises
    ------
    ScannerSetupError
        If the folder cannot be read.
    """
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".yaml")
    except OSError as error:
        expected = "expected a folder with recipes of scanners (scanners.programs)"
        raise ScannerSetupError(f"{folder}: {expected}: {error.strerror}") from error


def load_program(file: Path) -> Program:
    """Load a recipe.

    Parameters
    ----------
    file : Path
        NAME.yaml, a recipe with `driver: command`.

    Raises
    ------
    ScannerSetupError
        If it cannot be read or is not a valid recipe; the message names the file and the field.
    """
    return read_recipe(file, Program)
