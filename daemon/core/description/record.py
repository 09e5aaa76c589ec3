"""What people write about a frame: the record of it, and how it is changed.

Texts are checked where they come in (`DescriptionChanges`); what is recorded already is read as it is, so that a later
version may allow more.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from filmscand.daemon.core.description.dates import checked_date
from filmscand.daemon.core.description.orientation import Orientation, Turn
from filmscand.daemon.core.visible import is_unsafe

# A long caption of an album has a few hundred characters.
MOST_CAPTION: Final = 1000
# An interval of two times with zones has 51.
MOST_DATE: Final = 64
# Stamped or written on a mount: 12, 12A, "PROCESS 4 / 1968".
MOST_MOUNT: Final = 64


class Description(BaseModel):
    """What people wrote about a frame; what is not set is not written.

    Attributes
    ----------
    caption : str or None
        What the picture shows.
    date : str or None
        When it was taken; see `filmscand.daemon.core.description.dates`.
    mount_number : str or None
        Number on the mount of the slide, or on the film beside the frame.
    turn, mirrored : int and bool
        Which way up it is shown; see `Orientation`. Raw and cleaned files stay as captured.
    """

    # As `core.request.Record`, which cannot be imported: its module imports this one.
    model_config = ConfigDict(frozen=True, extra="allow")

    caption: str | None = None
    date: str | None = None
    mount_number: str | None = None
    turn: Turn = 0
    mirrored: bool = False

    @property
    def orientation(self) -> Orientation:
        """Which way up the frame is shown."""
        return Orientation(self.turn, self.mirrored)

    @property
    def is_empty(self) -> bool:
        """Whether nobody has written anything."""
        return not self.model_dump()

    @model_serializer(mode="wrap")
    def _only_set(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in write(self).items() if value}


# Of a frame about which nobody has written anything.
NOTHING: Final = Description()


def _one_line(text: str) -> str | None:
    """Return a typed line in its normal form (NFC) without spaces around it; None for an empty one."""
    plain = unicodedata.normalize("NFC", text).strip()
    if any(is_unsafe(char) for char in plain):
        raise ValueError("expected one line of text without control characters")
    if "\N{REPLACEMENT CHARACTER}" in plain:
        raise ValueError("some letters were lost on the way; save the file as UTF-8")
    return plain or None


def _date(text: str) -> str | None:
    plain = _one_line(text)
    return None if plain is None else checked_date(plain)


_Line = AfterValidator(_one_line)
CaptionText = Annotated[str, Field(max_length=MOST_CAPTION), _Line]
DateText = Annotated[str, Field(max_length=MOST_DATE), AfterValidator(_date)]
MountText = Annotated[str, Field(max_length=MOST_MOUNT), _Line]


class DescriptionChanges(BaseModel):
    """What a person changes of a description: a field that is left out stays, an empty one is cleared.

    `date` is ISO 8601 or EDTF: 1968, 1968-07, 1968-07-14, 196X, 1968?, 1965/1968. A picture is first mirrored left to
    right, then turned clockwise by `turn` degrees; raw and cleaned files stay as captured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    caption: CaptionText | None = None
    date: DateText | None = None
    mount_number: MountText | None = None
    turn: Turn | None = None
    mirrored: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return not self.model_fields_set & set(DescriptionChanges.model_fields)

    def applied_to(self, before: Description | None) -> Description:
        """Return a description with these changes."""
        named = self.model_fields_set & set(DescriptionChanges.model_fields)
        wanted = {name: getattr(self, name) for name in named}
        update = {name: getattr(NOTHING, name) if value is None else value for name, value in wanted.items()}
        return (before or NOTHING).model_copy(update=update)
