"""Lists the devices that SANE finds; runs inside a scanner's process, because libsane may crash or freeze."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.child.monitor import Monitor, Phase
from filmscand.drivers.sane.link import load_sane
from filmscand.drivers.sane.options import SaneOptions, offers_infrared
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.recipes import Recipe, recipe_for


@dataclass(frozen=True, slots=True)
class SaneLister:
    """Lists the devices that SANE finds; see `child.device.Lister`. `probe` opens each."""

    recipes: tuple[Recipe, ...]
    probe: bool

    def list(self, monitor: Monitor) -> tuple[DeviceInfo, ...]:
        """Return the devices of this process's SANE configuration."""
        return list_in_process(self.recipes, monitor, probe=self.probe)


def list_in_process(recipes: tuple[Recipe, ...], monitor: Monitor, *, probe: bool) -> tuple[DeviceInfo, ...]:
    """List the devices of this process's SANE configuration.

    Parameters
    ----------
    recipes : tuple of Recipe
        Recipes to choose from.
    monitor : Monitor
        Shared memory in which progress is reported.
    probe : bool
        Whether to open each device to look at its options.

    Raises
    ------
    LibsaneMissingError
        If libsane or python-sane is not installed.
    """
    sane = load_sane()
    monitor.enter(Phase.OPEN)
    rows: list[tuple[str, str, str, str]] = sane.get_devices()
    found = []
    for row in rows:
        monitor.enter(Phase.OPEN)
        found.append(_describe(sane, row, recipes, monitor, probe=probe))
    monitor.enter(Phase.IDLE)
    return tuple(found)


def _describe(
    sane: object, row: tuple[str, str, str, str], recipes: tuple[Recipe, ...], monitor: Monitor, *, probe: bool
) -> DeviceInfo:
    device, vendor, model, kind = row
    recipe = recipe_for(recipes, device, vendor, model)
    name = recipe.name if recipe else None
    if not probe:
        return DeviceInfo(device, vendor, model, kind, name, None)
    try:
        opened = sane.open(device)  # type: ignore[attr-defined]
    except Exception as error:  # python-sane does not export its error class
        return DeviceInfo(device, vendor, model, kind, name, None, str(error))
    options = SaneOptions(opened.dev, lambda: monitor.enter(Phase.OPTION))
    recipe = recipe or recipe_for(recipes, device, vendor, model, options.names())
    infrared = offers_infrared(recipe, options) if recipe else False
    opened.close()
    return DeviceInfo(device, vendor, model, kind, recipe.name if recipe else None, infrared)
