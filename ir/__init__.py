"""From counts to a cleaned frame: pure image functions. Imports nothing of ours.

The names below are loaded when they are first used: numba and scipy take a second, and who reads a sidecar needs
neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filmscand.ir.clean import clean_frame
    from filmscand.ir.errors import ImageError, ModelError, PlaneTypeError, ShapeMismatchError
    from filmscand.ir.identity import EngineIdentity, engine_identity
    from filmscand.ir.report import CleanedFrame, CleanOptions, CleanReport, DetectorUse

__all__ = [
    "CleanOptions",
    "CleanReport",
    "CleanedFrame",
    "DetectorUse",
    "EngineIdentity",
    "ImageError",
    "ModelError",
    "PlaneTypeError",
    "ShapeMismatchError",
    "clean_frame",
    "engine_identity",
]

_MODULES = {
    "clean": ("clean_frame",),
    "errors": ("ImageError", "ModelError", "PlaneTypeError", "ShapeMismatchError"),
    "identity": ("EngineIdentity", "engine_identity"),
    "report": ("CleanOptions", "CleanReport", "CleanedFrame", "DetectorUse"),
}

# Not for a type checker, which would believe in every name then.
if not TYPE_CHECKING:

    def __getattr__(name):
        for module, names in _MODULES.items():
            if name in names:
                value = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
