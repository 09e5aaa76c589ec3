"""Model files in ONNX: the detector that comes along, and those that a station names; checked before they are run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from filmscand.ir.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime

SHIPPED, SHIPPED_FOR_INFRARED = "defects.onnx", "defects-infrared.onnx"
INFRARED = "infrared"
SENSITIVITIES = ("0", "0.5", "1")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a detector says of itself: a JSON file with some of its keys, beside much that people want to know.

    There `probabilities` holds `seed` and `grow` for "0", "0.5" and "1".

    Attributes
    ----------
    sha256 : str
        Of the model's file; empty where nothing is told.
    margin_px : int
        How far from a tile's side its answer may differ from the whole frame's.
    multiple_px : int
        Sides of a tile, and places where tiles begin, are multiples of this.
    seed, grow : tuple of float
        Probability from which a pixel is a defect by itself, and from which beside one; for sensitivities 0, 0.5 and 1.
    """

    sha256: str = ""
    margin_px: int = 48
    multiple_px: int = 32
    seed: tuple[float, float, float] = (0.9, 0.7, 0.4)
    grow: tuple[float, float, float] = (0.5, 0.35, 0.2)

    def limits(self, sensitivity: float) -> tuple[float, float]:
        """Return the probabilities of a seed and of its surroundings at a sensitivity of 0..1."""
        seed, grow = (float(np.interp(sensitivity, [0.0, 0.5, 1.0], values)) for values in (self.seed, self.grow))
        return seed, grow


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready to run; `run` may be called from several threads at once."""

    path: Path
    sha256: str
    card: ModelCard
    session: onnxruntime.InferenceSession

    @property
    def sees_infrared(self) -> bool:
        """Whether a detector takes what infrared shows beside the colours."""
        return any(node.name == INFRARED for node in self.session.get_inputs())


def load_detector(path: str | None = None, *, infrared: bool = False, threads: int = 1) -> Model:
    """Return the detector, loaded once a process for a number of threads.

    Parameters
    ----------
    path : str, optional
        Another one than those that come along. `PATH` with the ending .json beside it is its card; without one it
        takes the defaults of `ModelCard`.
    infrared : bool
        Whether there is an infrared to be seen: of those that come along one looks at the colours alone, one at both.
    threads : int
        That share the work of a run. What the models that come along say is the same for any number of them.

    Raises
    ------
    ModelError
        The file is missing, is no such model, or is not the one that its card describes.
    """
    shipped = SHIPPED_FOR_INFRARED if infrared else SHIPPED
    file = Path(str(files("filmscand.ir") / "models" / shipped)) if path is None else Path(path)
    return _load(file, _stamp(file), _DETECTOR, threads)


def load_inpainting(path: str) -> Model:
    """Return a model that fills holes (the interface of LaMa's export), loaded once a process.

    Raises
    ------
    ModelError
        The file is missing or is no such model.
    """
    return _load(Path(path), _stamp(Path(path)), _INPAINTING, 1)


def model_sha256(path: str) -> str:
    """Return the SHA-256 of a model file, read once a process as long as it is not replaced."""
    return _sha256(Path(path), _stamp(Path(path)))


@dataclass(frozen=True, slots=True)
class _Interface:
    """Names and planes of inputs, name (any where empty) and planes of the output, and whether there is a card."""

    what: str
    inputs: tuple[tuple[str, int], ...]
    output: tuple[str, int]
    has_card: bool
    may_have: tuple[tuple[str, int], ...] = ()


_DETECTOR = _Interface("a detector", (("density", 3),), ("probability", 1), True, ((INFRARED, 3),))
_INPAINTING = _Interface("an inpainting model", (("image", 3), ("mask", 1)), ("", 3), False)


def _stamp(file: Path) -> tuple[int, int]:
    """Time and size of a file: another content under the same name is another model."""
    try:
        state = file.stat()
    except OSError as error:
        raise ModelError(f"{file}: expected a model, found: {error.strerror}") from error
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=8)
def _sha256(file: Path, stamp: tuple[int, int]) -> str:
    del stamp
    return hashlib.sha256(file.read_bytes()).hexdigest()


@lru_cache(maxsize=4)
def _load(file: Path, stamp: tuple[int, int], interface: _Interface, threads: int) -> Model:
    del stamp
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: expected a model, found: {error.strerror}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    card = _card(file.with_suffix(".json"), sha256) if interface.has_card else ModelCard()
    session = _session(file, content, threads)
    _require(file, session, interface)
    return Model(file, sha256, card, session)


def _card(file: Path, sha256: str) -> ModelCard:
    if not file.exists():
        return ModelCard()
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        card = _card_of(plain)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: expected the card of a model, found: {error!r}") from error
    if card.sha256 != sha256:
        raise ModelError(f"{file.with_suffix('.onnx')}: expected sha256 {card.sha256} of its card, found {sha256}")
    return card


def _card_of(plain: dict[str, Any]) -> ModelCard:
    points = [plain["probabilities"][name] for name in SENSITIVITIES]
    seed, grow = ([float(point[name]) for point in points] for name in ("seed", "grow"))
    margin_px, multiple_px = int(plain["margin_px"]), int(plain["multiple_px"])
    card = ModelCard(str(plain["sha256"]), margin_px, multiple_px, _three(seed), _three(grow))
    if margin_px < 0 or multiple_px < 1:
        raise ValueError(f"margin_px {margin_px}, multiple_px {multiple_px}")
    if any(not 0 < low <= high <= 1 for low, high in zip(card.grow, card.seed, strict=True)):
        raise ValueError(f"probabilities: seed {seed}, grow {grow}")
    return card


def _three(values: list[float]) -> tuple[float, float, float]:
    careful, usual, eager = values
    return careful, usual, eager


def _session(file: Path, content: bytes, threads: int) -> onnxruntime.InferenceSession:
    # It takes a tenth of a second to load, and most frames need no model at all.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Threads share the rows of a convolution and not its sums: these come out the same for any number.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A plan of the memory takes a quarter more of it, and no less time.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base but this
        raise ModelError(f"{file}: expected an ONNX model, found: {error}") from error


def _require(file: Path, session: onnxruntime.InferenceSession, interface: _Interface) -> None:
    """Check names, types and planes of what goes in and out."""
    found = {node.name: node for node in session.get_inputs()}
    outputs = session.get_outputs()
    name, planes = interface.output
    inputs = (*interface.inputs, *(each for each in interface.may_have if each[0] in found))
    fits = set(found) == {name for name, _ in inputs} and len(outputs) == 1
    fits = fits and all(_fits(found[name], planes) for name, planes in inputs)
    fits = fits and _fits(outputs[0], planes) and name in ("", outputs[0].name)
    if not fits:
        wanted = ", ".join(f"{name} (1, {planes}, rows, cols)" for name, planes in interface.inputs)
        seen = ", ".join(f"{node.name} {node.shape} {node.type}" for node in (*found.values(), *outputs))
        raise ModelError(f"{file}: expected {interface.what} with {wanted} and one output of {planes}, found {seen}")


def _fits(node: Any, planes: int) -> bool:
    shape = node.shape
    return node.type == "tensor(float)" and len(shape) == 4 and (shape[1] == planes or not isinstance(shape[1], int))
