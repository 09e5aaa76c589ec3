"""The options of an open SANE device, by name, through python-sane's low level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipes import Recipe

# Values as sane.h has them; python-sane's module cannot be imported where libsane is missing.
TYPE_BOOL, TYPE_INT, TYPE_FIXED, TYPE_STRING, TYPE_BUTTON = 0, 1, 2, 3, 4
INACTIVE = 32
RELOAD_OPTIONS = 2

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class OptionEntry:
    """Descriptor of one option; `limits` is a range (lowest, highest, step), `choices` a list."""

    index: int
    name: str
    type: int
    active: bool
    limits: tuple[float, float, float] | None
    choices: tuple[Any, ...]


class SaneOptions:
    """Options by their SANE names (with hyphens).

    Parameters
    ----------
    device : _sane.SaneDev
        python-sane's low level handle.
    before_call : callable
        Called before every call into libsane: such a call may freeze the whole interpreter.
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
        """Give the names of all options, active or not."""
        return tuple(self._entries)

    def find(self, name: str) -> OptionEntry | None:
        """Give an option, or None where the device has none of that name."""
        return self._entries.get(name)

    def usable(self, name: str) -> OptionEntry | None:
        """Give an option that is there and active."""
        entry = self._entries.get(name)
        return entry if entry is not None and entry.active else None

    def get(self, name: str) -> Value:
        """Read an option's value."""
        self._before_call()
        value: Value = self._device.get_option(self._entries[name].index)
        return value

    def set(self, name: str, value: Value) -> None:
        """Set an option, active or not; descriptors are read again where the device asks for it.

        Raises
        ------
        ScannerSetupError
            If the value is none of the option's choices: some backends take such a value without a word.
        """
        entry = self._entries[name]
        if entry.choices and value not in entry.choices:
            offered = ", ".join(str(item) for item in entry.choices)
            raise ScannerSetupError(f"the scanner offers {offered} for {name}, not {value}")
        self._before_call()
        if self._device.set_option(entry.index, _typed(entry, value)) & RELOAD_OPTIONS:
            self.reload()


def offers_infrared(recipe: Recipe, options: SaneOptions) -> bool:
    """Tell from a device's options whether it has infrared at all."""
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


def _typed(entry: OptionEntry, value: Value) -> Value:
    if entry.type == TYPE_STRING:
        return str(value)
    return float(value) if entry.type == TYPE_FIXED else int(value)
