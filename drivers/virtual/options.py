"""The options of a virtual scanner: their descriptors, their values, and how a client sets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from filmscand.drivers.virtual import wire

Value = int | float | str
FIXED_ONE = 1 << 16


class Type(IntEnum):
    """Type of an option's value."""

    BOOL = 0
    INT = 1
    FIXED = 2
    STRING = 3
    BUTTON = 4
    GROUP = 5


class Unit(IntEnum):
    """Unit of an option's value."""

    NONE = 0
    PIXEL = 1
    BIT = 2
    MM = 3
    DPI = 4
    PERCENT = 5
    MICROSECOND = 6


class Info(IntFlag):
    """Side effects of setting an option, as SANE reports them."""

    NOTHING = 0
    INEXACT = 1
    RELOAD_OPTIONS = 2
    RELOAD_PARAMS = 4


SOFT_SELECT = 1
SOFT_DETECT = 4
INACTIVE = 32
SETTABLE = SOFT_SELECT | SOFT_DETECT


class OptionRefused(Exception):
    """The option does not accept the value; the client gets the status INVAL."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its descriptor and its initial value.

    Attributes
    ----------
    name, title : str
        SANE's name, and the text for people.
    type : Type
        Type of the value.
    default : int, float or str
        Initial value.
    unit : Unit
        Unit of the value.
    limits : tuple of float or None
        Lowest value, highest value and step of a range; None if there is no range.
    choices : tuple
        Possible values; empty if there is no list. An option has a range, a list or neither.
    active : bool
        Whether the option is marked as active.
    reloads : bool
        Whether setting it changes other options.
    """

    name: str
    title: str
    type: Type
    default: Value = 0
    unit: Unit = Unit.NONE
    limits: tuple[float, float, float] | None = None
    choices: tuple[Value, ...] = ()
    active: bool = True
    reloads: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes that a value takes in the client's memory."""
        if self.type in (Type.BUTTON, Type.GROUP):
            return 0
        if self.type is not Type.STRING:
            return 4
        return max(len(str(choice)) for choice in (*self.choices, self.default)) + 1


def switch(name: str, title: str, default: bool = False, *, active: bool = True) -> Option:
    """Make an option of yes or no."""
    return Option(name, title, Type.BOOL, int(default), active=active)


def button(name: str, title: str) -> Option:
    """Make a button."""
    return Option(name, title, Type.BUTTON)


def group(title: str) -> Option:
    """Make a heading of a group of options."""
    return Option("", title, Type.GROUP)


def integer(name: str, title: str, lowest: int, highest: int, default: int, unit: Unit = Unit.NONE) -> Option:
    """Make an option of a whole number within a range."""
    return Option(name, title, Type.INT, default, unit, (lowest, highest, 1))


def fixed(name: str, title: str, lowest: float, highest: float, default: float, unit: Unit = Unit.NONE) -> Option:
    """Make an option of a fixed-point number within a range."""
    return Option(name, title, Type.FIXED, default, unit, (lowest, highest, 0))


def pick(name: str, title: str, choices: Sequence[int], default: int, unit: Unit = Unit.NONE) -> Option:
    """Make an option of a whole number from a list."""
    return Option(name, title, Type.INT, default, unit, choices=tuple(choices))


def choice(name: str, title: str, choices: Sequence[str], default: str, *, reloads: bool = False) -> Option:
    """Make an option of a word from a list."""
    return Option(name, title, Type.STRING, default, choices=tuple(choices), reloads=reloads)


@dataclass
class OptionSet:
    """The options of one open handle, numbered as in SANE: number 0 is their count.

    Attributes
    ----------
    options : list of Option
        The options without the count; the count is put before them.
    on_button : callable
        Called with the name of a button that is pressed.
    values : dict
        Current values by name.
    """

    options: list[Option]
    on_button: Callable[[str], None] = lambda _name: None
    values: dict[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        count = Option("", "Number of options", Type.INT, len(self.options) + 1)
        self.options = [count, *self.options]
        self.values = {option.name: option.default for option in self.options[1:] if option.name}

    def __getitem__(self, name: str) -> Value:
        return self.values[name]

    def number(self, name: str) -> float:
        """Return the value of a numeric option."""
        return float(self.values[name])

    def replace(self, changed: Option) -> None:
        """Replace the descriptor of an option; its number stays, as the protocol demands while a handle is open."""
        index = next(i for i, option in enumerate(self.options) if i and option.name == changed.name)
        self.options[index] = changed
        self.values[changed.name] = _fit(changed, self.values[changed.name])

    def descriptors(self) -> bytes:
        """Encode all descriptors for the protocol."""
        coded = [wire.pointer(_descriptor(option, settable=index > 0)) for index, option in enumerate(self.options)]
        return wire.word(len(coded)) + b"".join(coded)

    def get(self, index: int) -> Value:
        """Return the value of option number `index`."""
        option = self.options[index]
        return option.default if index == 0 else self.values.get(option.name, 0)

    def set(self, index: int, value: Value) -> Info:
        """Set option number `index`, clamped to its range or to the nearest number of its list.

        Raises
        ------
        OptionRefused
            If the option cannot be set, or a word is not one of its choices.
        """
        option = self.options[index]
        if index == 0 or option.type is Type.GROUP:
            raise OptionRefused(option.title)
        if option.type is Type.BUTTON:
            self.on_button(option.name)
            return Info.NOTHING
        accepted = _fit(option, value)
        self.values[option.name] = accepted
        info = Info.RELOAD_PARAMS
        if option.type is not Type.STRING:
            exact = to_word(option.type, float(accepted)) == to_word(option.type, float(value))
            info |= Info.NOTHING if exact else Info.INEXACT
        return info | Info.RELOAD_OPTIONS if option.reloads else info


def _fit(option: Option, value: Value) -> Value:
    if option.type is Type.STRING:
        if option.choices and value not in option.choices:
            raise OptionRefused(f"option {option.name}: expected one of {option.choices}, found {value!r}")
        return str(value)
    number = float(value)
    if option.limits:
        number = min(max(number, option.limits[0]), option.limits[1])
    if option.choices:
        number = min((float(item) for item in option.choices), key=lambda item: abs(item - number))
    return number if option.type is Type.FIXED else int(number)


def _descriptor(option: Option, *, settable: bool) -> bytes:
    heading = option.type is Type.GROUP
    capabilities = (SETTABLE if settable else SOFT_DETECT) | (0 if option.active else INACTIVE)
    return b"".join(
        [
            wire.string(option.name),
            wire.string(option.title),
            wire.string(option.title),
            wire.words(option.type, option.unit, option.size_bytes, 0 if heading else capabilities),
            _constraint(option),
        ]
    )


def _constraint(option: Option) -> bytes:
    if option.limits:
        return wire.word(1) + wire.pointer(wire.words(*(to_word(option.type, limit) for limit in option.limits)))
    if option.choices and option.type is Type.STRING:
        coded = [wire.string(str(item)) for item in option.choices]
        return wire.words(3, len(coded) + 1) + b"".join(coded) + wire.string(None)
    if option.choices:
        numbers = [to_word(option.type, float(item)) for item in option.choices]
        return wire.words(2, len(numbers) + 1, len(numbers), *numbers)
    return wire.word(0)


def to_word(kind: Type, value: float) -> int:
    """Convert a number into a SANE word: fixed-point numbers have 16 fractional bits."""
    return round(value * FIXED_ONE) if kind is Type.FIXED else int(value)


def read_value(reader: wire.Reader, kind: Type) -> Value:
    """Read an option's value from a client; of an array, return the first element.

    Raises
    ------
    WireError
        If the client sends an impossible length.
    """
    length = reader.word()
    if not 0 <= length <= wire.LONGEST_STRING_BYTES:
        raise wire.WireError(f"expected a value of 0 to {wire.LONGEST_STRING_BYTES} elements, found {length}")
    if kind is Type.STRING:
        return reader.bytes(length).split(b"\0")[0].decode("latin-1")
    words = [reader.word() for _ in range(0 if kind in (Type.BUTTON, Type.GROUP) else length)]
    first = words[0] if words else 0
    return first / FIXED_ONE if kind is Type.FIXED else first


def code_value(kind: Type, size_bytes: int, value: Value) -> bytes:
    """Encode an option's value for a client, in the length that the client requested; it drops any other length."""
    if kind is Type.STRING:
        text = str(value).encode("latin-1")[: max(size_bytes - 1, 0)]
        return wire.word(size_bytes) + text.ljust(size_bytes, b"\0")
    if kind in (Type.BUTTON, Type.GROUP):
        return wire.word(0)
    return wire.words(1, to_word(kind, float(value)))
