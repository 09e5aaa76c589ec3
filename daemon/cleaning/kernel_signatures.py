"""The types that the engine calls its kernels with, from the longest to compile to the shortest.

`filmscand warm-up` compiles these. A kernel that is called with other types is compiled by numba when that happens, and
the test of `warm_up` fails: it cleans frames and compares.
"""

from __future__ import annotations

from typing import Final

# Name of the kernel -> its signatures, in numba's notation; "::1" is an axis whose values lie side by side.
SIGNATURES: Final[dict[str, tuple[str, ...]]] = {
    "ir.leakage._residual_kernels.residual_bands": (
        "uint16[:, :, ::1], uint16[:, ::1], float32[:, ::1], Tuple((int64, boolean)), float32[::1], int64, "
        "int16[:, :, ::1], uint8[:, :, ::1], float32[:, ::1], float32[:, ::1], uint8[::1], int16[:, ::1], "
        "uint8[:, ::1]",
    ),
    "ir.healing._healing_kernels.fill_pixels": (
        "uint16[:, :, ::1], float32[:, ::1], uint8[:, ::1], int64[::1], int32[::1], int32[::1], float32, "
        "float32[:, ::1], float32[:, ::1]",
    ),
    "ir.leakage._block_kernels.block_statistics": (
        "int16[:, ::1], uint8[:, ::1], int64, float32[:, ::1], float32[:, ::1], float32[:, ::1], uint8[:, ::1]",
    ),
    "ir.detection._region_kernels.classify": (
        "int16[:, ::1], uint8[:, ::1], int64, float32[:, ::1], float32[:, ::1], Tuple((int32[::1], "
        "float32[::1])), float32[:, ::1], boolean[:, ::1], uint8[:, ::1]",
    ),
    "ir.leakage._block_kernels.combine_similar": (
        "float32[:, ::1], float32[:, ::1], float32[:, ::1], UniTuple(float32, 2), int64, int64, float32[:, ::1]",
    ),
    "ir.healing._healing_kernels.densities_at": (
        "int16[:, ::1], uint8[:, ::1], float32[:, :, ::1], int64, float32[:, ::1], int32[::1], int32[::1], "
        "float32[:, ::1]",
    ),
    "ir.healing._colour_kernels.measure_grain": (
        "uint16[:, :, ::1], uint8[:, ::1], float32[:, ::1], int64[::1], int32[::1], int32[::1], float32, "
        "float32[:, ::1]",
    ),
    "ir.healing._colour_kernels.borrow_grain": (
        "uint16[:, :, ::1], uint8[:, ::1], float32[:, ::1], int64[::1], int32[::1], int32[::1], float32[::1], "
        "float32[:, ::1], float32[:, ::1]",
    ),
    "ir.decision._defect_kernels.blend_regions": (
        "int64[::1], float32[::1], float32[:, ::1], Tuple((float32[:, ::1], float32[:, ::1], float32[:, :], "
        "float32[:, ::1])), Tuple((float64[:, ::1], float64[::1], float64[::1], float64[::1], boolean[::1])), "
        "UniTuple(float64, 5), uint8[::1], float32[:, ::1], float32[::1], float64[::1]",
    ),
    "ir.healing._colour_kernels.smooth_densities": (
        "int64[::1], int32[::1], int32[::1], float32[:, ::1], float32[::1], UniTuple(float64, 3), int64, "
        "float32[::1], float32[::1], float32[::1]",
    ),
    "ir.decision._feature_kernels.sum_regions": (
        "int64[::1], int32[::1], int32[::1], uint16[:, :, ::1], float32[:, ::1], int16[:, ::1], boolean[:, ::1], "
        "float64[:, ::1]",
    ),
    "ir.decision._defect_kernels.sum_checks": (
        "int64[::1], float32[::1], float32[:, ::1], float32[:, ::1], boolean[::1], float64[:, ::1], float64[:, ::1]",
    ),
    "ir.decision._defect_kernels.write_regions": (
        "int64[::1], int32[::1], int32[::1], boolean[::1], float32[:, ::1], float32[:, ::1], float64[:, ::1], "
        "float64, uint16[:, :, ::1], boolean[:, ::1]",
    ),
    "ir.detection._region_kernels.view_planes": (
        "int16[:, ::1], uint8[:, ::1], Tuple((int64, float32[:, ::1], float32[:, ::1])), Tuple((int32[::1], "
        "float32[::1])), float32[::1], float32, boolean[:, ::1], UniTuple(int64, 2), float32[:, :, ::1]",
    ),
    "ir.decision._defect_kernels.sum_changes": (
        "int64[::1], int32[::1], int32[::1], uint16[:, :, ::1], float32[:, ::1], int16[:, ::1], float64[:, ::1]",
    ),
    "daemon.cleaning.access_image._reduce": ("uint16[:, :, ::1], uint16[:, :, ::1]",),
    "ir.decision._defect_kernels.mark_bright": ("float32[:, ::1], float32[:, ::1], float64, boolean[::1]",),
    "ir.decision._defect_kernels.shape_pixels": (
        "int64[::1], float32[:, ::1], float64, float32, float32[::1], float32, float32, float32[::1], float64[::1]",
    ),
    "ir.healing._colour_kernels.measure_range": (
        "uint16[:, :, ::1], uint8[:, ::1], float32[:, ::1], int64[::1], int32[::1], int32[::1], float32[:, "
        "::1], float32[:, ::1]",
    ),
    "ir.decision._defect_kernels.sample_pixels": (
        "uint16[:, :, ::1], int32[::1], int32[::1], float32[:, ::1], float32[:, ::1], float32[::1], "
        "float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1]",
    ),
    "ir.decision._defect_kernels.sum_slopes": (
        "int64[::1], float32[::1], float32[:, ::1], float32[:, ::1], boolean[::1], float64, float64[:, ::1]",
    ),
    "ir.leakage._model_kernels.tile_normals": (
        "float64[:, ::1], float64[:, :, ::1], int64[::1], float64[:, ::1], float64[:, :, ::1]",
    ),
    "ir.detection._region_kernels.fill_runs": ("uint8[:, ::1], int64[::1], int32[:, ::1]",),
    "ir.healing._healing_kernels.mark_rims": ("uint8[:, ::1], int32[::1], int32[::1]",),
    "ir.healing._healing_kernels.copy_rows": ("uint16[:, :, ::1], uint16[:, :, ::1]",),
    "daemon.cleaning.access_image._apply": ("uint16[:, :, ::1], uint8[:, ::1]",),
    "ir.healing._colour_kernels.measure_depths": ("uint8[:, ::1], int32[::1], int32[::1], int64[::1]",),
    "ir.detection._region_kernels.count_runs": ("uint8[:, ::1], int64[::1]",),
    "ir.leakage._model_kernels.centred_residual": (
        "float64[:, ::1], float64[:, :, ::1], int64[::1], float64[::1], float64[:, ::1], float64[:, ::1]",
    ),
    "ir.detection._region_kernels.union_runs": ("int64[::1], int32[:, ::1], int64[::1]",),
    "ir.leakage._model_kernels.biweights": (
        "float64[:, ::1], float64[:, ::1], float64, UniTuple(float64, 2), float64[:, ::1]",
    ),
}
