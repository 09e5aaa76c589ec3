from __future__ import annotations

import sys

from filmscand.daemon.core import installing
from filmscand.daemon.core.installing import pip_install


def test_a_package_is_installed_into_the_environment_that_runs():
    assert pip_install("numba", "compiles").endswith(f"{sys.executable} -m pip install numba (compiles)")


def test_the_python_of_the_system_needs_an_environment_first(monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert pip_install("numba").startswith("install filmscand into an environment of its own (`make`")


def test_an_environment_without_pip_is_served_by_that_of_debian(monkeypatch):
    monkeypatch.setattr(installing, "find_spec", lambda name: None)
    command = f"apt install python3-pip, then: python3 -m pip --python {sys.executable} install numba"
    assert pip_install("numba") == command
