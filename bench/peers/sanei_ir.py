"""sane-backends' infrared cleaner, compiled at run time from the distribution's source package.

It is under the GNU GPL and no part of this project: it is downloaded into the git-ignored `bench/out/` for comparison
only. The order of the calls is that of the pieusb backend.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

OUT = Path(__file__).parent.parent / "out" / "sanei_ir"
_APT = Path("/etc/apt")
_WANTED = re.compile(r"[^/]+/(sanei/sanei_ir\.c|include/sane/\w+\.h)")
_GRAY_FRAME = 0
_DIRTY = 0
_STUB = "void sanei_debug_ndebug(int level, const char *message, ...) { (void)level; (void)message; }\n"

_Plane = npt.NDArray[np.uint16]
_SAMPLES = ctypes.POINTER(ctypes.c_uint16)
if TYPE_CHECKING:
    _Samples = ctypes._Pointer[ctypes.c_uint16]


class UnavailableError(Exception):
    """sanei_ir cannot be built or run on this machine; the message says why."""


class _Parameters(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int) for name in ("format", "last_frame", "bytes_per_line", "pixels_per_line", "lines", "depth")
    ]


@dataclass(frozen=True, slots=True)
class SaneiCleaned:
    """The result of sanei_ir for one frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the cleaned frame.
    found : (rows, cols) ndarray of bool
        Defect mask before it was widened.
    filled : (rows, cols) ndarray of bool
        Defect mask after it was widened.
    seconds : float
        Wall time of the C functions.
    """

    rgb: npt.NDArray[np.uint16]
    found: npt.NDArray[np.bool_]
    filled: npt.NDArray[np.bool_]
    seconds: float


class SaneiIr:
    """The compiled cleaner.

    Raises
    ------
    UnavailableError
        It cannot be downloaded or compiled.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(build()))
        self._libc = ctypes.CDLL(None)

    def clean(self, rgb: npt.NDArray[np.uint16], infrared: _Plane, *, resolution_dpi: int = 3600) -> SaneiCleaned:
        """Clean a frame.

        Parameters
        ----------
        rgb : (rows, cols, 3) ndarray of uint16
            Counts that fill 16 bits.
        infrared : (rows, cols) ndarray of uint16
            Counts of the infrared plane.
        resolution_dpi : int
            Resolution; sets the size of sanei_ir's windows.

        Raises
        ------
        UnavailableError
            A C function reports an error, or would never return for this infrared plane.
        """
        if not infrared.any():
            raise UnavailableError("sanei_ir never returns from an infrared plane without light")
        rows, cols = infrared.shape
        planes = [np.ascontiguousarray(rgb[..., channel]) for channel in range(3)] + [infrared.copy()]
        parameters = _Parameters(_GRAY_FRAME, 0, 2 * cols, cols, rows, 16)
        self._libc.srand(1)
        began = time.perf_counter()
        mask = self._detect(parameters, planes, resolution_dpi)
        seconds = time.perf_counter() - began
        found = _dirty(mask, infrared.shape)
        began = time.perf_counter()
        self._fill(parameters, planes, mask, resolution_dpi)
        seconds += time.perf_counter() - began
        filled = _dirty(mask, infrared.shape)
        self._libc.free(mask)
        return SaneiCleaned(np.stack(planes[:3], -1), found, filled, seconds)

    def _detect(self, parameters: _Parameters, planes: list[_Plane], resolution_dpi: int) -> _Samples:
        about, infrared = ctypes.byref(parameters), _samples(planes[3])
        self._call("spectral_clean", about, None, _samples(planes[0]), infrared)
        static = self._static_threshold(about, infrared)
        mask = _SAMPLES()
        window_px = max(3, int(5.0 * resolution_dpi / 300.0) | 1)
        self._call("filter_madmean", about, infrared, ctypes.byref(mask), window_px, 20, 100)
        self._library.sanei_ir_add_threshold(about, infrared, mask, static)
        return mask

    def _fill(self, parameters: _Parameters, planes: list[_Plane], mask: object, resolution_dpi: int) -> None:
        pointers = (_SAMPLES * 4)(*[_samples(plane) for plane in planes])
        grow_px, mean_px = resolution_dpi // 1000 + 1, max(3, (resolution_dpi // 540) | 1)
        about = ctypes.byref(parameters)
        self._call("dilate_mean", about, pointers, mask, 500, grow_px, mean_px, 0, 0, None)

    def _static_threshold(self, about: object, infrared: object) -> int:
        histogram, yen, otsu = ctypes.POINTER(ctypes.c_double)(), ctypes.c_int(), ctypes.c_int()
        self._call("create_norm_histogram", about, infrared, ctypes.byref(histogram))
        self._call("threshold_yen", about, histogram, ctypes.byref(yen))
        self._call("threshold_otsu", about, histogram, ctypes.byref(otsu))
        self._libc.free(histogram)
        return min(yen.value, otsu.value)

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, f"sanei_ir_{name}")(*arguments)
        if status != 0:
            raise UnavailableError(f"sanei_ir_{name} gave status {status} for this frame")


def build() -> Path:
    """Return the path of the shared library; downloads and compiles it first if it does not exist."""
    library = OUT / "libsanei_ir.so"
    if library.is_file():
        return library
    for tool in ("apt-get", "gcc"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"{tool} is not installed")
    OUT.mkdir(parents=True, exist_ok=True)
    _fetch(OUT)
    (OUT / "stub.c").write_text(_STUB)
    source = next(OUT.glob("*/sanei/sanei_ir.c"))
    include = source.parent.parent / "include"
    fresh = library.with_suffix(".part")
    sources = [str(source), str(OUT / "stub.c")]
    _run(["gcc", "-O2", "-fPIC", "-shared", "-DNDEBUG", f"-I{include}", *sources, "-o", str(fresh), "-lm"])
    return fresh.rename(library)


def _fetch(folder: Path) -> None:
    environment = {**os.environ, "APT_CONFIG": str(_apt_configuration(folder))}
    _run(["apt-get", "update", "-q"], environment, folder)
    _run(["apt-get", "source", "-q", "--download-only", "sane-backends"], environment, folder)
    archive = next(folder.glob("sane-backends_*.orig.tar.*"), None)
    if archive is None:
        raise UnavailableError("the source package holds no original archive")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, [member for member in tar if _WANTED.fullmatch(member.name)], filter="data")


def _apt_configuration(folder: Path) -> Path:
    """Write an apt configuration that uses folders of its own, so that the system's package lists do not change."""
    for name in ("state/lists/partial", "cache/archives/partial", "sources"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    stanzas, lines = list(_source_stanzas()), list(_source_lines())
    if not stanzas and not lines:
        raise UnavailableError(f"{_APT} names no package source")
    (folder / "sources" / "own.sources").write_text("\n\n".join(stanzas) + "\n")
    (folder / "sources" / "own.list").write_text("\n".join(lines) + "\n")
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": folder / "sources",
        "APT::Sandbox::User": "root",
    }
    path = folder / "apt.conf"
    path.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
    return path


def _source_stanzas() -> Iterator[str]:
    for path in sorted(_APT.glob("sources.list.d/*.sources")):
        text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
        for stanza in re.split(r"\n\s*\n", text.strip()):
            if re.search(r"^Types:.*\bdeb\b", stanza, re.MULTILINE):
                yield re.sub(r"^Types:.*$", "Types: deb-src", stanza, flags=re.MULTILINE)


def _source_lines() -> Iterator[str]:
    for path in [_APT / "sources.list", *sorted(_APT.glob("sources.list.d/*.list"))]:
        for line in path.read_text().splitlines() if path.is_file() else ():
            if line.startswith("deb "):
                yield f"deb-src {line[4:]}"


def _run(command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> None:
    try:
        process = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{' '.join(command[:2])} did not end within {error.timeout:.0f} s") from error
    if process.returncode != 0:
        message = (process.stderr.strip() or process.stdout.strip() or "no message").splitlines()[-1]
        raise UnavailableError(f"{' '.join(command[:2])} failed: {message}")


def _dirty(mask: _Samples, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    dirty: npt.NDArray[np.bool_] = np.ctypeslib.as_array(mask, shape) == _DIRTY
    return dirty


def _samples(plane: _Plane) -> _Samples:
    return plane.ctypes.data_as(_SAMPLES)
