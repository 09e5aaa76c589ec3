"""The options of an open SANE device, by name, through python-sane's low-level module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipes import Recipe

# Constants of sane.h: python-sane, which has them too, cannot be imported without libsane.
TYPE_FIXED, TYPE_STRING = 2, 3
INACTIVE = 32
RELOAD_OPTIONS = 2

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class OptionEntry:
    """Descriptor of one option.

    Attributes
    ----------
    index : int
        Number of the option.
    name : str
        SANE's name, with hyphens.
    type : int
        Type of the value, as in sane.h.
    active : bool
        Whether the option can be set now.
    limits : tuple of float or None
        Lowest value, highest value and step of a range; None if there is no range.
    choices : tuple
        List of the possible values; empty if there is no list.
    """

    index: int
    name: str
    type: int
    active: bool
    limits: tuple[float, float, float] | None
    choices: tuple[Any, ...]


class SaneOptions:
    """Options of one open device, by their SANE names.

    Parameters
    ----------
    device : _sane.SaneDev
        python-sane's low-level handle.
    before_call : callable
        Called before every call into libsane, because such a call may freeze the whole interpreter.
    """

    def __init__(self, device: Any, before_call: Callable[[], None]) -> None:
        self._device = device
        self._before_call = before_call
        self._entries: dict[str, OptionEntry] = {}
        self.reload()

    def reload(self) -> None:
        """Read all descriptors again."""
        self._before_call()
        entries = (_entry(row) for row in self._device.get_options())
        self._entries = {entry.name: entry for entry in entries if entry.name}

    def names(self) -> tuple[str, ...]:
        """Return the names of all options, active or not."""
        return tuple(self._entries)

    def find(self, name: str) -> OptionEntry | None:
        """Return an option, or None if the device has no option of this name."""
        return self._entries.get(name)

    def usable(self, name: str) -> OptionEntry | None:
        """Return an option if the device has it and it is active, else None."""
        entry = self._entries.get(name)
        return entry if entry is not None and entry.active else None

    def get(self, name: str) -> Value:
        """Read an option's value."""
        self._before_call()
        value: Value = self._device.get_option(self._entries[name].index)
        return value

    def set(self, name: str, value: Value) -> None:
        """Set an option, active or not; read all descriptors again if the device requests it.

        Raises
        ------
        ScannerSetupError
            If the value is not one of the option's choices; some backends accept such a value silently.
        """
        entry = self._entries[name]
        if entry.choices and value not in entry.choices:
            offered = ", ".join(str(item) for item in entry.choices)
            raise ScannerSetupError(f"option {name}: the scanner offers {offered}, not {value}")
        self._before_call()
        if self._device.set_option(entry.index, _convert(entry, value)) & RELOAD_OPTIONS:
            self.reload()


def offers_infrared(recipe: Recipe, options: SaneOptions) -> bool:
    """Return whether a device's options show that it can scan infrared."""
    offer = recipe.infrared.offered_by
    entry = options.find(offer.option) if offer else None
    if offer is None or entry is None:
        return False
    return offer.word is None or offer.word in entry.choices


def _entry(row: tuple[Any, ...]) -> OptionEntry:
    index, name, _title, _desc, kind, _unit, _size, capabilities, constraint = row
    limits = constraint if isinstance(constraint, tuple) else None
    choices = tuple(constraint) if isinstance(constraint, list) else ()
    return OptionEntry(index, name or "", kind, not capabilities & INACTIVE, limits, choices)


def _convert(entry: OptionEntry, value: Value) -> Value:
    if entry.type == TYPE_STRING:
        return str(value)
    return float(value) if entry.type == TYPE_FIXED else int(value)
