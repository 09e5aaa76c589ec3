"""The section `cleaning` of the configuration, and the command of another healer."""

from __future__ import annotations

import shlex
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from filmscand.daemon.station.section import Section

# What a healing command has to name: the picture, the mask, and the file that it writes.
_HEALER_FILES: Final = ("{picture}", "{mask}", "{output}")


class DetectorUse(StrEnum):
    """Whether the neural network is used for frames that infrared cannot clean, or cannot clean alone."""

    AUTO = "auto"
    OFF = "off"


def healer_arguments(command: str) -> list[str]:
    """Return program and arguments of `cleaning.healer`, split as a shell would; no shell runs them."""
    return shlex.split(command)


def _checked_healer(command: str) -> str:
    arguments = healer_arguments(command)
    missing = [name for name in _HEALER_FILES if not any(name in argument for argument in arguments)]
    if missing:
        raise ValueError(f"expected a command with {' and '.join(missing)} in it, found {command!r}")
    if "/" in arguments[0] and not arguments[0].startswith("/"):
        raise ValueError(f"expected a program on the PATH or a whole path, found {arguments[0]!r}")
    return command


class Cleaning(Section):
    """How frames are cleaned."""

    sensitivity: float = Field(default=0.5, ge=0, le=1)
    detector: DetectorUse = DetectorUse.AUTO
    detector_model: Path | None = None
    inpainting_model: Path | None = None
    healer: Annotated[str, AfterValidator(_checked_healer)] | None = None
    # A worker whose frame takes 900 s is killed (`Timing.frame_limit_s`); a command must have ended before.
    healer_timeout_s: float = Field(default=300.0, gt=0, le=600)

    @model_validator(mode="after")
    def _one_healer(self) -> Cleaning:
        if self.healer is not None and self.inpainting_model is not None:
            raise ValueError("expected healer or inpainting_model, found both: the healer fills every defect")
        return self

    def models(self) -> dict[str, Path]:
        """Return the model files that the configuration names, by key."""
        named = {"detector_model": self.detector_model, "inpainting_model": self.inpainting_model}
        return {key: path for key, path in named.items() if path is not None}


def healer_problem(cleaning: Cleaning) -> str | None:
    """Return why the command that heals cannot be started, None if it can or if there is none."""
    if cleaning.healer is None:
        return None
    program = healer_arguments(cleaning.healer)[0]
    return None if shutil.which(program) else f"expected a program, found none named {program}; install it"
