"""The file of a recipe, whichever driver it is for: a YAML document that is fixed once it is read."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from filmscand.drivers.scanner.errors import ScannerSetupError


class RecipePart(BaseModel):
    """A part of a recipe: fixed once it is read, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class NamedRecipe(RecipePart):
    """What all recipes have: `name`, which is that of the file NAME.yaml."""

    name: str


AnyRecipe = TypeVar("AnyRecipe", bound=NamedRecipe)


def read_recipe(file: Traversable, kind: type[AnyRecipe]) -> AnyRecipe:
    """Read one recipe from its file NAME.yaml.

    Raises
    ------
    ScannerSetupError
        If the file is not a valid recipe of this kind; the message names the file and the field.
    """
    try:
        recipe = kind.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ScannerSetupError(f"{file}: {_mistakes(error)}") from error
    except (yaml.YAMLError, OSError) as error:
        raise ScannerSetupError(f"{file}: {' '.join(str(error).split())}") from error
    if file.name != f"{recipe.name}.yaml":
        raise ScannerSetupError(f"{file}: expected the file name {recipe.name}.yaml, as its recipe is named")
    return recipe


def _mistakes(error: ValidationError) -> str:
    """Return the mistakes in one line, each with its field."""
    found = ((".".join(map(str, mistake["loc"])), mistake["msg"]) for mistake in error.errors())
    return "; ".join(f"{field}: {message}" if field else message for field, message in found)
