"""Compiles every kernel of the engine and of the access image for this machine, in several processes at once.

Numba keeps compiled kernels in a folder; they are compiled again only for another processor, numba or source.
"""

from __future__ import annotations

import gc
import importlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from filmscand.daemon.cleaning.kernel_signatures import SIGNATURES

# More processes compile helper kernels twice that several kernels share, and each takes 250 MB.
MOST_PROCESSES: Final = 4
# CPU seconds of `filmscand warm-up` with an empty cache, on a virtual machine of two cores; only for the estimate.
SECONDS_ON_ONE_CORE: Final = 74


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a warm-up did.

    Attributes
    ----------
    kernels, compiled : int
        Kernels that are ready now, and those that had to be compiled.
    seconds : float
        Wall time.
    folder : str
        Folder of the compiled kernels of the access image; numba keeps the others in the same tree.
    """

    kernels: int
    compiled: int
    seconds: float
    folder: str


def missing_kernels() -> list[str]:
    """Return the names of the kernels that this machine has not compiled yet; nothing is compiled."""
    return [name for name in SIGNATURES if not all(_is_kept(_kernel(name), types) for types in signatures_of(name))]


def announcement(missing: int) -> str:
    """Return the sentence that tells a person why nothing happens for a while."""
    seconds = SECONDS_ON_ONE_CORE * missing / len(SIGNATURES) / _processes()
    return f"compiling the engine for this machine, once; about {max(round(seconds), 1)} s"


def warm_up() -> WarmUp:
    """Compile the kernels that are missing and keep them for every later process of this user."""
    began = time.perf_counter()
    missing = missing_kernels()
    if missing:
        _compile_all(missing)
    folder = str(Path(_kernel(next(iter(SIGNATURES))).stats.cache_path))
    return WarmUp(len(SIGNATURES), len(missing), round(time.perf_counter() - began, 1), folder)


def _compile_all(names: list[str]) -> None:
    # A fresh process each: numba's threads do not survive a fork. They compile and end: collecting the cycles of the
    # compiler's objects takes a twentieth of the time.
    processes = min(_processes(), len(names))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        for _ in pool.map(compile_kernel, names):
            pass


def compile_kernel(name: str) -> None:
    """Compile one kernel for each of its signatures."""
    kernel = _kernel(name)
    for types in signatures_of(name):
        # The types, never the text: numba would keep the kernel under the text and not find it again by its types.
        kernel.compile(types)


def signatures_of(name: str) -> Iterator[Any]:
    """Yield the types of the arguments of a kernel, as numba names them."""
    from numba.core import sigutils

    normalize_signature: Any = sigutils.normalize_signature
    for signature in SIGNATURES[name]:
        yield normalize_signature(f"({signature})")[0]


def _processes() -> int:
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def _kernel(name: str) -> Any:
    module, kernel = name.rsplit(".", 1)
    return getattr(importlib.import_module(f"filmscand.{module}"), kernel)


def _is_kept(kernel: Any, types: Any) -> bool:
    """Whether numba has kept the kernel for these types, this source and processor; it has no public way to ask."""
    cache = kernel._cache
    return cache._index_key(types, kernel.targetctx.codegen()) in cache._cache_file._load_index()
