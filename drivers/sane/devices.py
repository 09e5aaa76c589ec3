"""Lists the devices that SANE finds, and opens a scanner by its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from filmscand.drivers.child.messages import ListDevices
from filmscand.drivers.child.process import ChildProcess
from filmscand.drivers.sane.configuration import SaneConfig
from filmscand.drivers.sane.listing import SaneLister
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipes import Budgets, Recipe, load_recipes, recipe_for

# How long any one device may take while devices are listed, in seconds.
LIST_S = 60.0


def list_devices(
    hosts: Iterable[str] = (), *, system: bool = False, probe: bool = True, budget_s: float = LIST_S
) -> tuple[DeviceInfo, ...]:
    """List the devices that SANE finds, in a process of its own.

    Parameters
    ----------
    hosts : iterable of str
        Hosts whose scanners are listed too; numeric addresses are fastest.
    system : bool
        Use every backend of the system's configuration instead of the backends that have a recipe; slow, but it lists
        scanners that no recipe drives.
    probe : bool
        Open each device to find out whether it delivers infrared; a scanner that is in use reports that it is busy.
    budget_s : float
        How long any one device may take, in seconds.

    Returns
    -------
    tuple of DeviceInfo

    Raises
    ------
    ScannerError
        If libsane is missing, crashes or takes longer.
    """
    recipes = load_recipes()
    config = SaneConfig([recipe.backend for recipe in recipes if recipe.discover], hosts)
    budgets = Budgets(open_s=budget_s, option_s=budget_s, cancel_s=min(5.0, budget_s))
    child = ChildProcess({} if system else config.environment, budgets)
    try:
        return cast(tuple[DeviceInfo, ...], child.value(ListDevices(SaneLister(recipes, probe))))
    finally:
        child.end()
        config.close()


def open_scanner(device: str, recipe: Recipe | str | None = None, *, recipes_folder: Path | None = None) -> SaneScanner:
    """Make the scanner named `device`; its process starts with the first call to it.

    Parameters
    ----------
    device : str
        Name by which SANE opens the scanner.
    recipe : Recipe, str or None
        The recipe or its name; None finds the recipe by the device's name.
    recipes_folder : Path or None
        Folder to load recipes from; None takes those that come with the program.

    Raises
    ------
    ScannerSetupError
        If no recipe drives the device.
    """
    if isinstance(recipe, Recipe):
        return SaneScanner(device, recipe)
    recipes = load_recipes(recipes_folder)
    return SaneScanner(device, _find_recipe(recipes, device, recipe))


def _find_recipe(recipes: Sequence[Recipe], device: str, name: str | None) -> Recipe:
    if name is None:
        found = recipe_for(recipes, device)
    else:
        found = next((recipe for recipe in recipes if recipe.name == name), None)
    if found is None:
        expected = "no recipe drives it" if name is None else f"no recipe is named {name!r}"
        raise ScannerSetupError(f"{device}: {expected}; there are {', '.join(recipe.name for recipe in recipes)}")
    return found
