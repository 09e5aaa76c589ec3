"""The identity of the engine: the same identity means the same result for the same frame and options.

It is the release of the installed package, a digest of the engine's source (its constants are code) and a digest of
the model files that come with it. The release stands for what is around the engine, such as the reading of files;
which commit of a release's development it is, is no part of it. Nor are versions of numpy, numba and onnxruntime.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ENGINE = Path(__file__).parent
_MODELS = _ENGINE / "models"
UNKNOWN_VERSION = "unknown"


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """What tells one engine from another.

    Attributes
    ----------
    version : str
        Version of the installed package, "unknown" where it is not installed.
    code_sha256 : str
        Hexadecimal digest of the names and contents of all Python files of `filmscand.ir`.
    models_sha256 : str
        Hexadecimal digest of the names and contents of the model files and cards that come with the engine.
    """

    version: str
    code_sha256: str
    models_sha256: str

    @property
    def label(self) -> str:
        """Release and the first 12 digits of a digest of code and models; equal for the same engine."""
        both = hashlib.sha256(f"{self.code_sha256} {self.models_sha256}".encode())
        return f"{release_of(self.version)} {both.hexdigest()[:12]}"


def release_of(version: str) -> str:
    """Return the release that a version is, or leads to: 0.2.0 for 0.2.0.dev7+g1a2b3c4; other words as they are."""
    found = re.match(r"\d+(\.\d+)*", version)
    return found[0] if found else version


def engine_identity() -> EngineIdentity:
    """Return the identity of the engine of this process, without loading the engine.

    The source is read once a process, for that is the code that runs. The models are read again where one of them was
    replaced meanwhile, as `filmscand.ir.network.model_file` loads them again.
    """
    models = tuple((path, *_stamp(path)) for path in _files(_MODELS, ".onnx", ".json"))
    return EngineIdentity(_version(), _code_sha256(), _models_sha256(models))


@cache
def _version() -> str:
    try:
        return version("filmscand")
    except PackageNotFoundError:
        return UNKNOWN_VERSION


@cache
def _code_sha256() -> str:
    return _digest(_ENGINE, _files(_ENGINE, ".py"))


@lru_cache(maxsize=4)
def _models_sha256(models: tuple[tuple[Path, int, int], ...]) -> str:
    return _digest(_MODELS, [path for path, _, _ in models])


def _files(folder: Path, *endings: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in endings)


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def _digest(folder: Path, files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return whole.hexdigest()
