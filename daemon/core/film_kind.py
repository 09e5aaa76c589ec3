"""The kind of film of a frame, as the technician states it."""

from __future__ import annotations

from enum import StrEnum


class FilmKind(StrEnum):
    """Kind of film. Decides whether the access image is inverted; Kodachrome and silver are hints for the reviewer."""

    UNKNOWN = "unknown"
    SLIDE = "slide"
    NEGATIVE = "negative"
    KODACHROME = "kodachrome"
    SILVER_NEGATIVE = "silver_negative"

    @property
    def is_negative(self) -> bool:
        """Whether the access image has to be inverted."""
        return self in (FilmKind.NEGATIVE, FilmKind.SILVER_NEGATIVE)
