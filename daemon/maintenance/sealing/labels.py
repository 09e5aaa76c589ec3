"""The lines of `bag-info.txt`: those of the configuration, those of a command, and those that filmscand writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Final

from filmscand.daemon.archive.records.sidecar import utc_now
from filmscand.daemon.maintenance.sealing.roll import LabelError
from filmscand.daemon.station.bag import checked_label

# A label and its value; a label may come several times.
Labels = tuple[tuple[str, str], ...]
PROFILE: Final = "BagIt-Profile-Identifier"
_OF_EACH_SEALING: Final = frozenset(
    {"Bagging-Date", "Bag-Software-Agent", "Bag-Size", "External-Identifier", "Payload-Oxum"}
)


def with_changes(labels: Labels, changes: Mapping[str, str]) -> Labels:
    """Return labels with others added; one of the same name takes the place of all of that name.

    Raises
    ------
    LabelError
        A label is not allowed, or written anyway.
    """
    for label in changes:
        try:
            checked_label(label)
        except ValueError as error:
            raise LabelError(str(error)) from None
    names = {label.lower() for label in changes}
    return (*((label, value) for label, value in labels if label.lower() not in names), *changes.items())


def own_labels(roll: str, sizes_bytes: Iterable[int]) -> Labels:
    """Return the lines that filmscand writes: when and by what the bag was made, of which roll, and its size.

    Parameters
    ----------
    sizes_bytes : iterable of int
        Size of each file of the payload.
    """
    sizes = list(sizes_bytes)
    return (
        ("Bagging-Date", utc_now().date().isoformat()),
        ("Bag-Software-Agent", f"filmscand {version('filmscand')}"),
        ("External-Identifier", roll),
        ("Bag-Size", f"{sum(sizes) / 1e6:.1f} MB"),
        ("Payload-Oxum", f"{sum(sizes)}.{len(sizes)}"),
    )


def lasting_labels(labels: Labels) -> Labels:
    """Return the lines of a bag that stay when it is sealed again."""
    return tuple((label, value) for label, value in labels if label not in _OF_EACH_SEALING)
