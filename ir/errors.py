"""Errors of the image functions.

ImageError
  ShapeMismatchError    planes of one frame differ in size: give planes of one scan
  PlaneTypeError        a plane has another type or number of dimensions than asked for
  ModelError            a model file is missing or no such model: name another, or none
"""

from __future__ import annotations


class ImageError(ValueError):
    """A frame that the image functions cannot take."""


class ShapeMismatchError(ImageError):
    """Planes of one frame differ in size."""


class PlaneTypeError(ImageError):
    """A plane has another type or number of dimensions than asked for."""


class ModelError(ImageError):
    """A model file is missing, damaged, or not of the kind that is asked for."""
