"""Model files in ONNX, the shipped detectors and those that a station names; checked before they run."""

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

# Shipped detectors: for the colours alone, and for colours and infrared.
SHIPPED, SHIPPED_FOR_INFRARED = "defects.onnx", "defects-infrared.onnx"
# Name of the input that a detector has if it sees infrared.
INFRARED = "infrared"
# Sensitivities for which a card gives limits.
SENSITIVITIES = ("0", "0.5", "1")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Card of a detector: some keys of the JSON file beside the model; people read the other keys.

    The card's `probabilities` holds `seed` and `grow` for "0", "0.5" and "1".

    Attributes
    ----------
    sha256 : str
        SHA-256 of the model's file; empty without a card.
    margin_px : int
        Distance from a tile's side within which the result may differ from the whole frame's, >= 0.
    multiple_px : int
        Side of a tile, and first row and column of a tile, are multiples of this, >= 1.
    seed : tuple of float
        Probability from which a pixel is a defect by itself, at sensitivity 0, 0.5 and 1.
    grow : tuple of float
        Probability from which a pixel is a defect beside another, at sensitivity 0, 0.5 and 1.
    """

    sha256: str = ""
    margin_px: int = 48
    multiple_px: int = 32
    seed: tuple[float, float, float] = (0.9, 0.7, 0.4)
    grow: tuple[float, float, float] = (0.5, 0.35, 0.2)

    def limits(self, sensitivity: float) -> tuple[float, float]:
        """Return the seed and the grow limit at a sensitivity of 0..1, linear between 0, 0.5 and 1."""
        seed, grow = (float(np.interp(sensitivity, [0.0, 0.5, 1.0], values)) for values in (self.seed, self.grow))
        return seed, grow


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready to run; several threads may run it at once.

    Attributes
    ----------
    path : Path
        The model's file.
    sha256 : str
        SHA-256 of that file.
    card : ModelCard
        Its card; the default card without one.
    session : InferenceSession
        The loaded model.
    """

    path: Path
    sha256: str
    card: ModelCard
    session: onnxruntime.InferenceSession

    @property
    def sees_infrared(self) -> bool:
        """Whether a detector has an input for infrared."""
        return any(node.name == INFRARED for node in self.session.get_inputs())


def load_detector(path: str | None = None, *, infrared: bool = False, threads: int = 1) -> Model:
    """Return a detector, loaded once per process and number of threads.

    Parameters
    ----------
    path : str, optional
        File of a detector other than the shipped ones. The file of the same name with the suffix .json is its card;
        without a card the defaults of `ModelCard` count.
    infrared : bool
        Whether there is infrared to see: one shipped detector sees the colours alone, the other sees both.
    threads : int
        Number of threads that share a run. The shipped detectors give the same result for any number.

    Returns
    -------
    Model
        The detector.

    Raises
    ------
    ModelError
        The file is missing, is not a detector, or is not the one that its card describes.
    """
    shipped = SHIPPED_FOR_INFRARED if infrared else SHIPPED
    file = Path(str(files("filmscand.ir") / "models" / shipped)) if path is None else Path(path)
    return _load(file, _file_version(file), _DETECTOR, threads)


def load_inpainting(path: str) -> Model:
    """Return a model that fills holes (interface of LaMa's ONNX export), loaded once per process.

    Parameters
    ----------
    path : str
        File of the model.

    Raises
    ------
    ModelError
        The file is missing or is not such a model.
    """
    return _load(Path(path), _file_version(Path(path)), _INPAINTING, 1)


def model_sha256(path: str) -> str:
    """Return the SHA-256 of a model file, read once per process unless the file is replaced."""
    return _sha256(Path(path), _file_version(Path(path)))


@dataclass(frozen=True, slots=True)
class _Interface:
    """Inputs (name, planes), output (name, planes; "" for any name), whether there is a card, and optional inputs."""

    noun: str
    inputs: tuple[tuple[str, int], ...]
    output: tuple[str, int]
    has_card: bool
    optional: tuple[tuple[str, int], ...] = ()


_DETECTOR = _Interface("a detector", (("density", 3),), ("probability", 1), True, ((INFRARED, 3),))
_INPAINTING = _Interface("an inpainting model", (("image", 3), ("mask", 1)), ("", 3), False)


def _file_version(file: Path) -> tuple[int, int]:
    """Return the time and the size of a file: another content under the same name is another model."""
    try:
        state = file.stat()
    except OSError as error:
        raise ModelError(f"{file}: expected a model, found: {error.strerror}") from error
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=8)
def _sha256(file: Path, version: tuple[int, int]) -> str:
    del version
    return hashlib.sha256(file.read_bytes()).hexdigest()


@lru_cache(maxsize=4)
def _load(file: Path, version: tuple[int, int], interface: _Interface, threads: int) -> Model:
    del version
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
    # Loading onnxruntime takes a tenth of a second, and most frames need no model.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Threads share the rows of a convolution, not its sums: the result is the same for any number of them.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A memory plan takes a quarter more memory and saves no time.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no narrower common base
        raise ModelError(f"{file}: expected an ONNX model, found: {error}") from error


def _require(file: Path, session: onnxruntime.InferenceSession, interface: _Interface) -> None:
    """Check names, types and planes of the model's inputs and output."""
    found = {node.name: node for node in session.get_inputs()}
    outputs = session.get_outputs()
    name, planes = interface.output
    inputs = (*interface.inputs, *(each for each in interface.optional if each[0] in found))
    fits = set(found) == {name for name, _ in inputs} and len(outputs) == 1
    fits = fits and all(_fits(found[name], planes) for name, planes in inputs)
    fits = fits and _fits(outputs[0], planes) and name in ("", outputs[0].name)
    if not fits:
        expected = ", ".join(f"{name} (1, {planes}, rows, cols)" for name, planes in interface.inputs)
        actual = ", ".join(f"{node.name} {node.shape} {node.type}" for node in (*found.values(), *outputs))
        raise ModelError(
            f"{file}: expected {interface.noun} with {expected} and one output of {planes}, found {actual}"
        )


def _fits(node: Any, planes: int) -> bool:
    shape = node.shape
    return node.type == "tensor(float)" and len(shape) == 4 and (shape[1] == planes or not isinstance(shape[1], int))
