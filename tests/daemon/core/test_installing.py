from __future__ import annotations

import sys

from filmscand.daemon.core.installing import pip_install


def test_a_package_is_installed_into_the_environment_that_runs():
    assert pip_install("numba", "compiles").endswith(f"{sys.executable} -m pip install numba (compiles)")


def test_the_python_of_the_system_needs_an_environment_first(monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert pip_install("numba").startswith("install filmscand into an environment of its own (`make`")
