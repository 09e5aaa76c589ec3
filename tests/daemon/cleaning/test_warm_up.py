from __future__ import annotations

import importlib

import pytest

from filmscand.daemon.cleaning.access_image import PictureProperties, access_image
from filmscand.daemon.cleaning.kernel_signatures import SIGNATURES
from filmscand.daemon.cleaning.warm_up import announcement, compile_kernel, missing_kernels, signatures_of
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir import clean_frame


def kernel(name):
    module, function = name.rsplit(".", 1)
    return getattr(importlib.import_module(f"filmscand.{module}"), function)


@pytest.fixture(scope="module")
def used():
    """The kernels' signatures after frames were cleaned by infrared, by colours, and with clipped infrared."""
    for kind in ("leaky_slide", "clipped_infrared", "silver"):
        frame = simulate_frame(landscape(200, 300, 3), KINDS[kind], seed=5)
        clean_frame(frame.rgb, frame.infrared)
    access_image(frame.rgb, PictureProperties(True), frame.infrared)
    return {name: set(kernel(name).signatures) for name in SIGNATURES}


@pytest.mark.parametrize("name", SIGNATURES)
def test_cleaning_calls_a_kernel_with_no_types_but_those_that_are_compiled_at_set_up(used, name):
    assert used[name] <= set(signatures_of(name))


def test_a_kernel_that_is_compiled_is_not_compiled_again(used):
    name = "healing._healing_kernels.copy_rows"
    before = kernel(f"ir.{name}").stats.cache_misses
    compile_kernel(f"ir.{name}")
    assert sum(kernel(f"ir.{name}").stats.cache_misses.values()) == sum(before.values())


def test_a_kernel_that_was_compiled_counts_as_ready_for_the_types_that_it_is_called_with(used):
    compile_kernel("ir.healing._healing_kernels.copy_rows")
    assert "ir.healing._healing_kernels.copy_rows" not in missing_kernels()


def test_the_message_tells_how_long_it_takes():
    assert announcement(len(SIGNATURES)).startswith("compiling the engine for this machine, once; about ")
