"""Recipes: what differs between scanners, as data (`config/scanners/*.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from filmscand.drivers.scanner.errors import ScannerSetupError


class Delivery(StrEnum):
    """How a scanner gives its infrared plane."""

    NONE = "none"
    INLINE = "inline"
    SECOND_START = "second_start"
    SECOND_PASS_SOURCE = "second_pass_source"
    SECOND_PASS_MODE = "second_pass_mode"

    @property
    def registered(self) -> bool:
        """Whether the plane is read in the same pass as the picture, and so lies exactly on it."""
        return self in (Delivery.INLINE, Delivery.SECOND_START)

    @property
    def second_pass(self) -> bool:
        """Whether the carriage runs a second time for it."""
        return self in (Delivery.SECOND_PASS_SOURCE, Delivery.SECOND_PASS_MODE)


class Setting(StrEnum):
    """Parts of a request that a step can set an option from."""

    INFRARED = "infrared"
    DEPTH = "depth"
    RESOLUTION = "resolution"
    SAMPLES = "samples"
    AUTOFOCUS = "autofocus"
    AUTOEXPOSURE = "autoexposure"
    EXPOSURE = "exposure"
    GEOMETRY = "geometry"


class Unit(StrEnum):
    """Unit of the geometry options."""

    MM = "mm"
    PIXEL = "pixel"


class FeederWay(StrEnum):
    """How the next slide is fed."""

    FRAME = "frame"
    AUTOLOAD = "autoload"
    ADVANCE = "advance"
    NONE = "none"


class Status(StrEnum):
    """SANE's statuses that can end a call."""

    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"
    DEVICE_BUSY = "device_busy"
    INVAL = "inval"
    EOF = "eof"
    JAMMED = "jammed"
    NO_DOCS = "no_docs"
    COVER_OPEN = "cover_open"
    IO_ERROR = "io_error"
    NO_MEM = "no_mem"
    ACCESS_DENIED = "access_denied"


class Meaning(StrEnum):
    """What a status means for the one who runs the scanner."""

    WAIT = "wait"
    END_OF_MAGAZINE = "end_of_magazine"
    JAMMED = "jammed"
    COVER_OPEN = "cover_open"
    ACCESS = "access"
    REOPEN = "reopen"
    CANCELLED = "cancelled"
    SETUP = "setup"


USUAL_MEANING = {
    Status.UNSUPPORTED: Meaning.SETUP,
    Status.CANCELLED: Meaning.CANCELLED,
    Status.DEVICE_BUSY: Meaning.WAIT,
    Status.INVAL: Meaning.SETUP,
    Status.EOF: Meaning.REOPEN,
    Status.JAMMED: Meaning.JAMMED,
    Status.NO_DOCS: Meaning.END_OF_MAGAZINE,
    Status.COVER_OPEN: Meaning.COVER_OPEN,
    Status.IO_ERROR: Meaning.REOPEN,
    Status.NO_MEM: Meaning.REOPEN,
    Status.ACCESS_DENIED: Meaning.ACCESS,
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Match(_Model):
    """How a device is recognized."""

    device: str = Field(description="Regular expression for the device name, without a leading 'net:HOST:'.")
    vendor: str = ".*"
    model: str = ".*"
    fingerprint: tuple[str, ...] = Field(default=(), description="Options that give the backend away.")

    @field_validator("device", "vendor", "model")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


class Step(_Model):
    """One option to set: to a fixed value, or from a part of the request."""

    option: str | None = None
    value: bool | int | float | str | None = None
    source: Setting | None = Field(default=None, alias="from")
    words: Mapping[bool, str] | None = Field(default=None, description="What to write for yes and no.")
    required: bool = Field(default=False, description="Whether a scanner without this option is refused.")
    force: bool = Field(default=False, description="Set it even where the backend calls it inactive.")

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.value is None) == (self.source is None):
            raise ValueError("a step has either a value or a from")
        if (self.option is None) != (self.source is Setting.GEOMETRY):
            raise ValueError("a step names an option, save for 'from: geometry', which needs none")
        return self


class Offer(_Model):
    """The option, and where given the word in its list, by which a scanner shows that it has infrared."""

    option: str
    word: str | None = None


class InfraredRecipe(_Model):
    """How infrared is had."""

    delivery: Delivery = Delivery.NONE
    fallback: Delivery | None = Field(default=None, description="What comes where the first does not: patched drivers.")
    offered_by: Offer | None = None
    steps: tuple[Step, ...] = Field(default=(), description="Options to set between the picture and a second pass.")
    min_dpi: int = Field(default=1, gt=0)
    max_dpi: int = Field(default=100_000, gt=0)
    reopen_to_leave: bool = Field(default=False, description="Whether only a fresh open ends it.")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if (self.delivery is Delivery.NONE) != (self.offered_by is None):
            raise ValueError("infrared that is delivered is offered by some option, and the other way round")
        if self.delivery.second_pass != bool(self.steps):
            raise ValueError("a second pass, and nothing else, needs steps of its own")
        return self


class Geometry(_Model):
    """Names and unit of the options for the scan area."""

    unit: Unit = Unit.MM
    left: str = "tl-x"
    top: str = "tl-y"
    right: str = "br-x"
    bottom: str = "br-y"
    inclusive: bool = Field(default=False, description="Whether right and bottom name the last pixel.")


class Feed(_Model):
    """One way to feed slides; the first whose option is active is taken."""

    way: FeederWay
    option: str
    count_option: str | None = Field(default=None, description="Option that counts frames down and has to be 1.")
    notices_empty: bool = True


class Budgets(_Model):
    """How long a call may be silent, in seconds, before the scanner counts as stalled."""

    open_s: float = Field(default=60.0, gt=0)
    option_s: float = Field(default=20.0, gt=0)
    start_s: float = Field(default=300.0, gt=0)
    parameters_s: float = Field(default=20.0, gt=0)
    read_s: float = Field(default=90.0, gt=0)
    cancel_s: float = Field(default=10.0, gt=0)
    close_s: float = Field(default=10.0, gt=0)


class Recipe(_Model):
    """How to drive the scanners of one SANE backend.

    Attributes
    ----------
    name : str
        Name of the recipe; the file is called after it.
    backend : str
        Name of the SANE backend, as dll.conf has it.
    discover : bool
        Whether the backend is asked when devices are listed (two backends may claim one scanner).
    picture : tuple of Step
        Options in the order in which they are set before each frame.
    """

    name: str
    backend: str
    title: str
    discover: bool = True
    match: Match
    infrared: InfraredRecipe = InfraredRecipe()
    picture: tuple[Step, ...]
    geometry: Geometry = Geometry()
    min_dpi: int = Field(default=1, gt=0, description="Below this the scanner misbehaves.")
    feeders: tuple[Feed, ...] = ()
    buttons: tuple[str, ...] = ()
    errors: Mapping[Status, Meaning] = Field(default_factory=dict)
    linear: bool | None = Field(default=None, description="Whether counts are proportional to light.")
    budgets: Budgets = Budgets()
    after_kill: str = Field(default="", description="What a person must do after its process was killed.")

    def option_of(self, setting: Setting) -> str:
        """Give the name of the option that takes a part of the request; empty where there is none."""
        names = (step.option for step in self.picture if step.source is setting)
        return next((name for name in names if name), "")

    def meaning(self, status: Status) -> Meaning:
        """Say what a status means at this scanner."""
        return self.errors.get(status, USUAL_MEANING[status])

    def fits(self, device: str, vendor: str = "", model: str = "", options: Iterable[str] = ()) -> bool:
        """Tell whether this recipe drives the device; `options` are the names of its options, where known."""
        plain = re.sub(r"^net:[^:]+:", "", device)
        if re.match(self.match.device, plain):
            return _says(self.match.vendor, vendor) and _says(self.match.model, model)
        known = set(options)
        return bool(known and self.match.fingerprint) and known.issuperset(self.match.fingerprint)


def _says(pattern: str, text: str) -> bool:
    # A device that is opened by its name alone has not said yet who made it.
    return not text or re.search(pattern, text) is not None


def load_recipes(folder: Path | None = None) -> tuple[Recipe, ...]:
    """Load all recipes, those that come with the program or those of a folder.

    Raises
    ------
    ScannerSetupError
        If a file is no recipe; the message names file and field.
    """
    root: Traversable = resources.files("filmscand.config").joinpath("scanners") if folder is None else folder
    files = sorted((file for file in root.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(_load(file) for file in files)


def load_recipe(name: str, folder: Path | None = None) -> Recipe:
    """Load the recipe called `name`.

    Raises
    ------
    ScannerSetupError
        If there is none, or it is no recipe.
    """
    recipes = {recipe.name: recipe for recipe in load_recipes(folder)}
    if name not in recipes:
        raise ScannerSetupError(f"no recipe is called {name!r}; there are {', '.join(recipes)}")
    return recipes[name]


def recipe_for(
    recipes: Iterable[Recipe], device: str, vendor: str = "", model: str = "", options: Iterable[str] = ()
) -> Recipe | None:
    """Give the recipe that drives a device: by name first, by its options where the name says nothing."""
    known = tuple(options)
    candidates = tuple(recipes)
    by_name = (recipe for recipe in candidates if recipe.fits(device, vendor, model))
    by_options = (recipe for recipe in candidates if recipe.fits(device, vendor, model, known))
    return next(by_name, None) or next(by_options, None)


def _load(file: Traversable) -> Recipe:
    try:
        recipe = Recipe.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ScannerSetupError(f"{file}: {error}") from error
    if file.name != f"{recipe.name}.yaml":
        raise ScannerSetupError(f"{file}: the recipe in it is called {recipe.name!r}, the file should be too")
    return recipe
