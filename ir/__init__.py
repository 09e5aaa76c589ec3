"""From counts to a cleaned frame: pure image functions. Imports nothing of ours."""

from ir.errors import ImageError, ModelError, PlaneTypeError, ShapeMismatchError
from ir.frame import VERSION, clean_frame
from ir.report import CleanedFrame, CleanOptions, CleanReport, DetectorUse

__all__ = [
    "VERSION",
    "CleanOptions",
    "CleanReport",
    "CleanedFrame",
    "DetectorUse",
    "ImageError",
    "ModelError",
    "PlaneTypeError",
    "ShapeMismatchError",
    "clean_frame",
]
