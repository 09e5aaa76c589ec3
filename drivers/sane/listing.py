"""What SANE sees, asked for inside a process of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from filmscand.drivers.sane.link import load_sane
from filmscand.drivers.sane.monitor import Monitor, Phase
from filmscand.drivers.sane.options import SaneOptions, offers_infrared
from filmscand.drivers.scanner.recipes import Recipe, recipe_for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device that SANE sees.

    Attributes
    ----------
    device : str
        Name by which SANE opens it.
    vendor, model, kind : str
        As SANE says.
    recipe : str or None
        Name of the recipe that drives it; None where there is none.
    infrared : bool or None
        Whether it gives infrared through SANE; None where it was not or could not be opened.
    problem : str
        Why it could not be opened; empty where it could, or was not tried.
    """

    device: str
    vendor: str
    model: str
    kind: str
    recipe: str | None
    infrared: bool | None
    problem: str = ""


def list_here(recipes: tuple[Recipe, ...], monitor: Monitor, *, probe: bool) -> tuple[DeviceInfo, ...]:
    """List devices, opening each one where `probe` is set."""
    sane = load_sane()
    monitor.enter(Phase.OPEN)
    rows: list[tuple[str, str, str, str]] = sane.get_devices()
    found = []
    for row in rows:
        monitor.enter(Phase.OPEN)
        found.append(_look_at(sane, row, recipes, monitor, probe=probe))
    monitor.enter(Phase.IDLE)
    return tuple(found)


def _look_at(
    sane: object, row: tuple[str, str, str, str], recipes: tuple[Recipe, ...], monitor: Monitor, *, probe: bool
) -> DeviceInfo:
    device, vendor, model, kind = row
    recipe = recipe_for(recipes, device, vendor, model)
    name = recipe.name if recipe else None
    if not probe:
        return DeviceInfo(device, vendor, model, kind, name, None)
    try:
        opened = sane.open(device)  # type: ignore[attr-defined]
    except Exception as error:  # python-sane's error class has no importable name
        return DeviceInfo(device, vendor, model, kind, name, None, str(error))
    options = SaneOptions(opened.dev, lambda: monitor.enter(Phase.OPTION))
    recipe = recipe or recipe_for(recipes, device, vendor, model, options.names())
    infrared = offers_infrared(recipe, options) if recipe else False
    opened.close()
    return DeviceInfo(device, vendor, model, kind, recipe.name if recipe else None, infrared)
