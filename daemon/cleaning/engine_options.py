"""The station's settings as options of the engine, and a check of the models that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filmscand.daemon.core.errors import ModelUnusableError
from filmscand.daemon.station.sections.cleaning import Cleaning, healer_problem
from filmscand.ir import CleanOptions, DetectorUse, ModelError
from filmscand.ir.network.model_file import load_detector, load_inpainting

_LOADERS = {"detector_model": load_detector, "inpainting_model": load_inpainting}


def options_of(cleaning: Cleaning, sensitivity: float | None = None) -> CleanOptions:
    """Return the engine's options.

    Parameters
    ----------
    sensitivity : float, optional
        The frame's own sensitivity, 0..1; default: the station's.
    """
    models = {key: str(path) for key, path in cleaning.models().items()}
    return CleanOptions(
        sensitivity=cleaning.sensitivity if sensitivity is None else sensitivity,
        detector=DetectorUse(cleaning.detector),
        detector_model=models.get("detector_model"),
        inpainting_model=models.get("inpainting_model"),
    )


@contextmanager
def using_models(cleaning: Cleaning) -> Iterator[None]:
    """Turn an error of a model file into one that says what to do (a context manager).

    Raises
    ------
    ModelUnusableError
        A model is missing, damaged or of another kind; the frame is sound.
    """
    try:
        yield
    except ModelError as error:
        keys = " or ".join(f"cleaning.{key}" for key in cleaning.models())
        advice = f"bring it back, or correct {keys}" if keys else "install filmscand again"
        raise ModelUnusableError(f"{error}; {advice}. Frames that need no model are cleaned meanwhile") from error


def missing_model(cleaning: Cleaning) -> str | None:
    """Return what to do about the first model file that cannot be opened, or about a healer that is not installed.

    None if nothing is missing; no model is loaded.
    """
    for key, path in cleaning.models().items():
        try:
            path.open("rb").close()
        except OSError as error:
            found = f"{path}: expected a model, found: {error.strerror}"
            return f"{found}; bring it back, or correct cleaning.{key}. Frames that need no model are cleaned meanwhile"
    problem = healer_problem(cleaning)
    return None if problem is None else f"cleaning.healer: {problem}. Frames with defects wait until then"


def model_problem(key: str, path: Path) -> str | None:
    """Return why the model file of a configuration key cannot be used, None if it can.

    Parameters
    ----------
    key : str
        "detector_model" or "inpainting_model".
    """
    try:
        _LOADERS[key](str(path))
    except ModelError as error:
        return str(error)
    return None
