"""From counts to a cleaned frame: pure image functions. Imports nothing of ours."""

from ir.errors import ImageError, ModelError, PlaneTypeError, ShapeMismatchError
from ir.frame import VERSION, clean_frame
from ir.report import CleanedFrame, CleanOptions, CleanReport

__all__ = [
    "VERSION",
    "CleanOptions",
    "CleanReport",
    "CleanedFrame",
    "ImageError",
    "ModelError",
    "PlaneTypeError",
    "ShapeMismatchError",
    "clean_frame",
]
