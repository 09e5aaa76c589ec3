"""Lists the devices that SANE sees, and opens a scanner by its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from filmscand.drivers.sane.child import ChildProcess
from filmscand.drivers.sane.configuration import SaneConfig
from filmscand.drivers.sane.listing import DeviceInfo
from filmscand.drivers.sane.messages import ListDevices
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipes import Budgets, Recipe, load_recipes, recipe_for

LIST_S = 60.0


def list_devices(
    hosts: Iterable[str] = (), *, system: bool = False, probe: bool = True, budget_s: float = LIST_S
) -> tuple[DeviceInfo, ...]:
    """List what SANE sees, in a process of its own.

    Parameters
    ----------
    hosts : iterable of str
        Hosts that the network is asked for scanners; numeric addresses are quickest.
    system : bool
        Ask every backend of the system's own configuration instead of those that recipes know; slow, but shows
        scanners that no recipe drives.
    probe : bool
        Open each device to see whether it gives infrared; a scanner that is in use says that it is busy.
    budget_s : float
        How long any one device may take.

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
        return cast(tuple[DeviceInfo, ...], child.value(ListDevices(recipes, probe)))
    finally:
        child.end()
        config.close()


def open_scanner(device: str, recipe: Recipe | str | None = None, *, recipes_folder: Path | None = None) -> SaneScanner:
    """Make the scanner called `device`; its process starts with the first question to it.

    Parameters
    ----------
    device : str
        Name by which SANE opens it.
    recipe : Recipe, str or None
        The recipe or its name; None takes the one that the device's name tells.

    Raises
    ------
    ScannerSetupError
        If no recipe drives it.
    """
    if isinstance(recipe, Recipe):
        return SaneScanner(device, recipe)
    recipes = load_recipes(recipes_folder)
    return SaneScanner(device, _chosen(recipes, device, recipe))


def _chosen(recipes: Sequence[Recipe], device: str, name: str | None) -> Recipe:
    found = (
        recipe_for(recipes, device)
        if name is None
        else next((recipe for recipe in recipes if recipe.name == name), None)
    )
    if found is None:
        raise ScannerSetupError(
            f"no recipe {name!r} for {device}; there are {', '.join(recipe.name for recipe in recipes)}"
        )
    return found
