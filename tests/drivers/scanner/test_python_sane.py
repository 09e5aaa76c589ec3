"""The advice for who lacks python-sane, in the environments that people have."""

from __future__ import annotations

import pytest

from filmscand.drivers.scanner.python_sane import how_to_install


@pytest.fixture
def environment(tmp_path):
    """Make the folder of an environment with one line in its settings."""

    def make(line):
        (tmp_path / "pyvenv.cfg").write_text(f"home = /usr/bin\n{line}\nversion = 3.11.2\n")
        return tmp_path

    return make


def test_an_environment_of_debians_python_is_told_to_look_at_debians_packages(environment, tmp_path):
    folder = environment("include-system-site-packages = false")
    advice = how_to_install(str(folder), "/usr", "/usr/bin/python3", tmp_path)
    assert advice == (
        f"apt install python3-sane sane-utils, then write include-system-site-packages = true into {folder}/pyvenv.cfg"
    )


def test_one_that_looks_there_needs_the_package_alone(environment, tmp_path):
    folder = environment("include-system-site-packages = true")
    assert how_to_install(str(folder), "/usr", "python3", tmp_path) == "apt install python3-sane sane-utils"
    # Debian's own Python, without an environment.
    assert how_to_install("/usr", "/usr", "python3", tmp_path) == "apt install python3-sane sane-utils"


@pytest.mark.parametrize("base", ["/usr/local", "/usr"])
def test_another_python_compiles_it(environment, tmp_path, base):
    folder = environment("include-system-site-packages = false")
    advice = how_to_install(str(folder), base, "/opt/own/bin/python", tmp_path / "none")
    assert "gcc" in advice
    assert "/opt/own/bin/python -m pip install python-sane" in advice
