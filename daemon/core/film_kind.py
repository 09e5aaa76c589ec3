"""What kind of film a frame is on, as far as the technician told."""

from __future__ import annotations

from enum import StrEnum


class FilmKind(StrEnum):
    """Decides how a preview shows the frame; Kodachrome and silver are hints for the person who looks at the result."""

    UNKNOWN = "unknown"
    SLIDE = "slide"
    NEGATIVE = "negative"
    KODACHROME = "kodachrome"
    SILVER_NEGATIVE = "silver_negative"

    @property
    def is_negative(self) -> bool:
        """Whether the picture has to be inverted to be seen."""
        return self in (FilmKind.NEGATIVE, FilmKind.SILVER_NEGATIVE)
