"""The colour in which the page shows what was changed."""

from __future__ import annotations

from typing import Final

from PIL import Image

# Magenta does not occur on film, and stays visible on dark and bright parts.
DEFECT_COLOUR: Final = (255, 0, 200)


def coloured(mask: Image.Image) -> Image.Image:
    """Return a mask of 8 bits as a transparent picture, to be laid over the frame."""
    overlay = Image.new("RGBA", mask.size, (*DEFECT_COLOUR, 0))
    overlay.putalpha(mask)
    return overlay
