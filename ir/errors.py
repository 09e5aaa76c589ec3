"""Errors of the image functions.

ImageError
  ShapeMismatchError    the planes of a frame differ in size: give planes of one scan
  PlaneTypeError        a plane has the wrong type or number of dimensions: convert it
  ModelError            a model file is missing, damaged or of another kind: name another file, or none
"""

from __future__ import annotations


class ImageError(ValueError):
    """The engine cannot process the given frame."""


class ShapeMismatchError(ImageError):
    """The planes of a frame differ in size."""


class PlaneTypeError(ImageError):
    """A plane has the wrong type or number of dimensions."""


class ModelError(ImageError):
    """A model file is missing, damaged or of another kind than the engine needs."""
