"""From counts to a cleaned frame: pure image functions. Imports nothing of ours."""

from filmscand.ir.clean import VERSION, clean_frame
from filmscand.ir.errors import ImageError, ModelError, PlaneTypeError, ShapeMismatchError
from filmscand.ir.report import CleanedFrame, CleanOptions, CleanReport, DetectorUse

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
