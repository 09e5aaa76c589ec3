"""What is told of a device before a session opens it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device that a driver finds.

    Attributes
    ----------
    device : str
        Name by which it is opened: SANE's own, or that of another driver with its prefix, such as ``command:NAME``.
    vendor, model, kind : str
        Names and type, as the driver lists them.
    recipe : str or None
        Name of the recipe that drives it; None if there is none.
    infrared : bool or None
        Whether it delivers infrared; None if it was not opened, or could not be opened.
    problem : str
        Why it could not be opened; "" if it was opened, or not tried.
    """

    device: str
    vendor: str
    model: str
    kind: str
    recipe: str | None
    infrared: bool | None
    problem: str = ""
