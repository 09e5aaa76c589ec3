"""Turns pictures as their frame is described."""

from __future__ import annotations

from PIL import Image

from filmscand.daemon.core.description.orientation import Orientation

# Pillow turns counter-clockwise.
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def turned(picture: Image.Image, orientation: Orientation) -> Image.Image:
    """Return a picture as an orientation shows it: mirrored, then turned clockwise. No pixel is computed anew."""
    if orientation.mirrored:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.transpose(_TURNS[orientation.turn]) if orientation.turn else picture
