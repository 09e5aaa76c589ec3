"""The identity of the engine, asked of copies of the installed package that differ in one file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import filmscand.ir
from filmscand.ir.identity import EngineIdentity, engine_identity

INSTALLED = Path(filmscand.ir.__file__).parent
ASK = "from filmscand.ir import engine_identity as ask; one = ask(); print(one.code_sha256, one.models_sha256)"


@pytest.fixture
def package(tmp_path):
    """Copy the engine's source and models into a package of its own."""
    package = tmp_path / "copy" / "filmscand"
    shutil.copytree(INSTALLED, package / "ir", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").touch()
    return package


def identity_of(package, program=ASK):
    command = [sys.executable, "-B", "-c", program]
    environment = {"PYTHONPATH": str(package.parent)}
    done = subprocess.run(command, env=environment, cwd=package.parent, capture_output=True, text=True, check=True)
    return tuple(done.stdout.split())


def installed():
    identity = engine_identity()
    return identity.code_sha256, identity.models_sha256


def test_a_copy_of_the_engine_has_its_identity_wherever_it_lies(package):
    (package / "ir" / "__pycache__").mkdir()
    (package / "ir" / "__pycache__" / "clean.cpython-311.pyc").write_bytes(b"compiled")
    assert identity_of(package) == installed()


def test_a_changed_constant_is_another_engine(package):
    source = package / "ir" / "clean.py"
    source.write_text(source.read_text().replace("_SMALLEST_SIDE = 16", "_SMALLEST_SIDE = 17"))
    code, models = identity_of(package)
    assert (code != installed()[0], models) == (True, installed()[1])


@pytest.mark.parametrize("name", ["defects.onnx", "defects-infrared.onnx", "defects.json", "defects-infrared.json"])
def test_a_replaced_model_or_card_is_another_engine(package, name):
    file = package / "ir" / "models" / name
    file.write_bytes(file.read_bytes() + b" ")
    code, models = identity_of(package)
    assert (code, models != installed()[1]) == (installed()[0], True)


def test_a_model_that_is_replaced_while_the_process_runs_is_noticed(package):
    replace = "from pathlib import Path; Path('filmscand/ir/models/defects.onnx').write_bytes(b'other')"
    first, second = identity_of(package, f"{ASK}; {replace}; {ASK}")[1::2]
    assert first == installed()[1] != second


def test_the_identity_is_told_without_loading_the_engine(package):
    program = f"{ASK}; import sys; print('numba' in sys.modules, 'scipy' in sys.modules)"
    assert identity_of(package, program)[2:] == ("False", "False")


def test_the_label_is_short_and_tells_versions_and_models_apart():
    one = EngineIdentity("0.1.0", "c" * 64, "d" * 64)
    others = [EngineIdentity("0.2.0", "c" * 64, "d" * 64), EngineIdentity("0.1.0", "c" * 64, "e" * 64)]
    assert one.label.startswith("0.1.0 ")
    assert len(one.label) == len("0.1.0 ") + 12
    assert one.label not in {other.label for other in others}


@pytest.mark.parametrize("version", ["0.2.0.dev7+g1a2b3c4", "0.2.0.dev8", "0.2.0rc1", "0.2.0+local"])
def test_commits_on_the_way_to_a_release_are_no_other_engine(version):
    assert EngineIdentity(version, "c" * 64, "d" * 64).label == EngineIdentity("0.2.0", "c" * 64, "d" * 64).label


def test_a_name_that_the_engine_does_not_have_is_an_error():
    with pytest.raises(AttributeError, match="nonsense"):
        filmscand.ir.nonsense  # noqa: B018
    assert {"clean_frame", "CleanOptions"} <= set(dir(filmscand.ir))
