"""Recipes: the differences between scanners, as data (`config/scanners/*.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.meanings import Meaning
from filmscand.drivers.scanner.recipe_file import NamedRecipe, RecipePart, read_recipe

# The example of a recipe for another program (`drivers.command`) lies beside the recipes for SANE, and is none of them.
COMMAND_EXAMPLE: Final = "command.yaml"


class Delivery(StrEnum):
    """How a scanner delivers its infrared plane.

    INLINE: as fourth sample of each pixel. SECOND_START: as a second frame of the same pass. SECOND_PASS_SOURCE and
    SECOND_PASS_MODE: in a second pass of the carriage, after a change of the scan source or the scan mode.
    """

    NONE = "none"
    INLINE = "inline"
    SECOND_START = "second_start"
    SECOND_PASS_SOURCE = "second_pass_source"
    SECOND_PASS_MODE = "second_pass_mode"

    @property
    def second_pass(self) -> bool:
        """Whether the carriage moves over the film a second time for the infrared."""
        return self in (Delivery.SECOND_PASS_SOURCE, Delivery.SECOND_PASS_MODE)


class Setting(StrEnum):
    """Part of a scan request that a step can copy into an option."""

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
    """How the next slide comes into the gate.

    FRAME: an option holds the number of the frame. AUTOLOAD: a slide is fed before each start. ADVANCE: the scanner
    moves on at the end of each start. NONE: a person changes the slide.
    """

    FRAME = "frame"
    AUTOLOAD = "autoload"
    ADVANCE = "advance"
    NONE = "none"


class Status(StrEnum):
    """Status codes with which a SANE call can fail."""

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


class Match(RecipePart):
    """How to recognise a device that a recipe drives.

    `device`, `vendor` and `model` are regular expressions for the names that SANE lists; `fingerprint` lists options
    that together show the backend of a device whose name does not.
    """

    device: str = Field(description="Regular expression for the device name, without a leading 'net:HOST:'.")
    vendor: str = ".*"
    model: str = ".*"
    fingerprint: tuple[str, ...] = Field(default=(), description="Names of options that together show the backend.")

    @field_validator("device", "vendor", "model")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"expected a regular expression, found {pattern!r}: {error}") from error
        return pattern


class Step(RecipePart):
    """One option to set, to a fixed value or from a part of the request."""

    option: str | None = None
    value: bool | int | float | str | None = None
    source: Setting | None = Field(default=None, alias="from")
    words: Mapping[bool, str] | None = Field(default=None, description="Values to set for yes and no.")
    required: bool = Field(default=False, description="Whether a scanner without this option is refused.")
    force: bool = Field(default=False, description="Set the option even if the backend marks it as inactive.")

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.value is None) == (self.source is None):
            raise ValueError("a step needs either 'value' or 'from', and not both")
        if (self.option is None) != (self.source is Setting.GEOMETRY):
            raise ValueError("a step needs 'option', except 'from: geometry', which takes none")
        return self


class Offer(RecipePart):
    """The option that shows that a scanner has infrared; with `word`, the value that its list must contain."""

    option: str
    word: str | None = None


class InfraredRecipe(RecipePart):
    """How to scan infrared."""

    delivery: Delivery = Delivery.NONE
    fallback: Delivery | None = Field(default=None, description="Delivery of patched backends that lack the first.")
    offered_by: Offer | None = None
    steps: tuple[Step, ...] = Field(default=(), description="Options to set between the picture and a second pass.")
    min_dpi: int = Field(default=1, gt=0, description="Lowest resolution of a second pass.")
    max_dpi: int = Field(default=100_000, gt=0, description="Highest resolution of a second pass.")
    reopen_to_leave: bool = Field(default=False, description="Whether only opening the device again ends infrared.")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if (self.delivery is Delivery.NONE) != (self.offered_by is None):
            raise ValueError("a delivery other than 'none' needs 'offered_by', and 'none' takes no 'offered_by'")
        if self.delivery.second_pass != bool(self.steps):
            raise ValueError("a second pass needs 'steps', and other deliveries take no 'steps'")
        return self


class Geometry(RecipePart):
    """Names and unit of the options that set the scan area."""

    unit: Unit = Unit.MM
    left: str = "tl-x"
    top: str = "tl-y"
    right: str = "br-x"
    bottom: str = "br-y"
    inclusive: bool = Field(default=False, description="Whether right and bottom are the last pixel inside the area.")


class Feed(RecipePart):
    """One way to feed slides; a recipe lists them, and the first whose option is active is used."""

    way: FeederWay
    option: str
    count_option: str | None = Field(default=None, description="Option that counts frames down; it is set to 1.")
    notices_empty: bool = Field(default=True, description="Whether the scanner reports an empty magazine.")


class Budgets(RecipePart):
    """How long a call may show no progress, in seconds, before the scanner counts as stalled.

    `pass_s` is the longest time of one pass over a slide. A slide at 4000 dpi whose lines are read 16 times takes 50
    minutes, the slowest that a user reports; the default is more than twice that.
    """

    open_s: float = Field(default=60.0, gt=0)
    option_s: float = Field(default=20.0, gt=0)
    start_s: float = Field(default=300.0, gt=0)
    parameters_s: float = Field(default=20.0, gt=0)
    read_s: float = Field(default=90.0, gt=0)
    pass_s: float = Field(default=7200.0, gt=0)
    cancel_s: float = Field(default=10.0, gt=0)
    close_s: float = Field(default=10.0, gt=0)


class Recipe(NamedRecipe):
    """How to drive the scanners of one SANE backend.

    Attributes
    ----------
    name : str
        Name of the recipe; its file is NAME.yaml.
    backend : str
        Name of the SANE backend, as in dll.conf.
    title : str
        Name of the scanners, for people.
    discover : bool
        Whether to enable the backend when devices are listed; False if another backend lists the same scanners.
    match : Match
        How to recognise a device that the recipe drives.
    infrared : InfraredRecipe
        How to scan infrared.
    picture : tuple of Step
        Options to set before each frame, in this order.
    geometry : Geometry
        Options that set the scan area.
    min_dpi : int
        Lowest resolution at which the scanner works reliably.
    feeders : tuple of Feed
        Ways to feed slides; the first whose option is active is used.
    buttons : tuple of str
        Options that are buttons and can be pressed while the device is closed.
    errors : mapping of Status to Meaning
        Statuses whose meaning differs from `USUAL_MEANING`.
    linear : bool or None
        Whether counts are proportional to light; None if unknown.
    budgets : Budgets
        Time limits of the calls.
    after_kill : str
        What a person must do after the scanner's process was killed.
    """

    backend: str
    title: str
    discover: bool = True
    match: Match
    infrared: InfraredRecipe = InfraredRecipe()
    picture: tuple[Step, ...]
    geometry: Geometry = Geometry()
    min_dpi: int = Field(default=1, gt=0, description="Lowest resolution at which the scanner works.")
    feeders: tuple[Feed, ...] = ()
    buttons: tuple[str, ...] = ()
    errors: Mapping[Status, Meaning] = Field(default_factory=dict)
    linear: bool | None = Field(default=None, description="Whether counts are proportional to light.")
    budgets: Budgets = Budgets()
    after_kill: str = Field(default="", description="What a person must do after its process was killed.")

    def option_of(self, setting: Setting) -> str:
        """Return the name of the option that takes a part of the request; "" if there is none."""
        names = (step.option for step in self.picture if step.source is setting)
        return next((name for name in names if name), "")

    def meaning(self, status: Status) -> Meaning:
        """Return what a status means for this scanner."""
        return self.errors.get(status, USUAL_MEANING[status])

    def fits(self, device: str, vendor: str = "", model: str = "", options: Iterable[str] = ()) -> bool:
        """Return whether this recipe drives a device; `options` are the names of its options, if known."""
        local_name = re.sub(r"^net:[^:]+:", "", device)
        if re.match(self.match.device, local_name):
            return _matches_or_unknown(self.match.vendor, vendor) and _matches_or_unknown(self.match.model, model)
        names = set(options)
        return bool(names and self.match.fingerprint) and names.issuperset(self.match.fingerprint)


def _matches_or_unknown(pattern: str, text: str) -> bool:
    # The vendor and the model of a device are unknown when it is opened by its name alone.
    return not text or re.search(pattern, text) is not None


def load_recipes(folder: Path | None = None) -> tuple[Recipe, ...]:
    """Load all recipes, sorted by file name.

    Parameters
    ----------
    folder : Path or None
        Folder of NAME.yaml files; None loads the recipes that come with the program.

    Returns
    -------
    tuple of Recipe

    Raises
    ------
    ScannerSetupError
        If a file is not a valid recipe; the message names the file and the field.
    """
    root: Traversable = resources.files("filmscand.config").joinpath("scanners") if folder is None else folder
    files = (file for file in root.iterdir() if file.name.endswith(".yaml") and file.name != COMMAND_EXAMPLE)
    return tuple(read_recipe(file, Recipe) for file in sorted(files, key=lambda file: file.name))


def load_recipe(name: str, folder: Path | None = None) -> Recipe:
    """Load one recipe by its name.

    Parameters
    ----------
    name : str
        Name of the recipe.
    folder : Path or None
        As for `load_recipes`.

    Raises
    ------
    ScannerSetupError
        If no recipe has this name, or a file of the folder is not a valid recipe.
    """
    recipes = {recipe.name: recipe for recipe in load_recipes(folder)}
    if name not in recipes:
        raise ScannerSetupError(f"no recipe is named {name!r}; there are {', '.join(recipes)}")
    return recipes[name]


def recipe_for(
    recipes: Iterable[Recipe], device: str, vendor: str = "", model: str = "", options: Iterable[str] = ()
) -> Recipe | None:
    """Find the recipe that drives a device: by its names first, then by its options.

    Parameters
    ----------
    recipes : iterable of Recipe
        Recipes to choose from.
    device, vendor, model : str
        Names as SANE lists them; vendor and model may be "" if they are unknown.
    options : iterable of str
        Names of the device's options; empty if they are unknown.

    Returns
    -------
    Recipe or None
        None if no recipe fits.
    """
    names = tuple(options)
    candidates = tuple(recipes)
    by_name = (recipe for recipe in candidates if recipe.fits(device, vendor, model))
    by_options = (recipe for recipe in candidates if recipe.fits(device, vendor, model, names))
    return next(by_name, None) or next(by_options, None)
