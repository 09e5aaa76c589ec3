"""How kernels are compiled: those with a parallel loop, and those that other kernels alone call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Result = TypeVar("Result")

# Only loops over prange run on several threads. Numba would also turn each np.zeros, np.full and array expression into
# a parallel loop of its own; these are short, and compiling them took a third of the time of all kernels.
_PRANGE_ALONE = {
    "comprehension": False,
    "reduction": False,
    "inplace_binop": False,
    "setitem": False,
    "numpy": False,
    "stencil": False,
    "fusion": False,
    "prange": True,
}
# numba's annotations do not know the two options.
_WITHOUT_ENTRIES: Any = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy"}


def parallel_kernel(function: Callable[..., Result]) -> Callable[..., Result]:
    """Compile a kernel whose loops over prange run on all threads; the compiled code is kept for the next process."""
    # Numba takes entries out of the dictionary that it is given.
    options: Any = dict(_PRANGE_ALONE)
    kernel: Callable[..., Result] = njit(parallel=options, cache=True)(function)
    return kernel


def inner_kernel(function: Callable[..., Result]) -> Callable[..., Result]:
    """Compile a kernel that other kernels alone call: without the entries for Python and C, which take long to compile.

    Divisions follow IEEE 754, as in NumPy: no branch for a division by zero.
    """
    kernel: Callable[..., Result] = njit(**_WITHOUT_ENTRIES)(function)
    return kernel
