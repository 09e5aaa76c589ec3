"""The list of contents: what cyclonedx-py sees of an environment, completed by what lies inside the wheel."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import pytest

import filmscand

PACKAGE = Path(filmscand.__file__).parent
SCRIPT = Path(__file__).parents[2] / "packaging" / "sbom.py"


@pytest.fixture
def completed(monkeypatch):
    """Return the completed list of a small environment."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    sbom = {
        "metadata": {"component": {"bom-ref": "root", "name": "filmscand"}},
        "components": [
            {"bom-ref": "a", "name": "NumPy", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
            {"bom-ref": "b", "name": "python-sane"},
            {"bom-ref": "c", "name": "pip"},
        ],
        "dependencies": [{"ref": "root", "dependsOn": ["a"]}, {"ref": "a"}, {"ref": "b"}, {"ref": "c"}],
    }
    runpy.run_path(str(SCRIPT))["complete"](sbom, PACKAGE, "0.1.0", {"python-sane": "see its text"})
    return sbom


def test_what_lies_inside_the_wheel_is_listed_with_licence_and_hash(completed):
    by_name = {one["name"]: one for one in completed["components"]}
    assert set(by_name) >= {"openseadragon", "defects.onnx", "defects-infrared.onnx", "decision.json"}
    viewer = by_name["openseadragon"]
    script = (PACKAGE / "daemon/web/static/openseadragon.min.js").read_bytes()
    assert viewer["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(script).hexdigest()}]
    assert viewer["version"] in script.decode().split("\n", 1)[0]
    assert all(one["licenses"] for one in completed["components"])


def test_every_file_in_the_package_that_somebody_else_made_is_listed(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    foreign = {path.name for path in (PACKAGE / "daemon/web/static").iterdir() if path.name.endswith(".min.js")}
    assert foreign == {"openseadragon.min.js"}
    models = {path.name for path in (PACKAGE / "ir/models").glob("*.onnx")}
    assert models == {"defects.onnx", "defects-infrared.onnx"}
    listed = runpy.run_path(str(SCRIPT))["PHOTOGRAPHS"]
    assert {path.name for path in (PACKAGE / "daemon/demo/photographs").glob("*.jpg")} == set(listed)


def test_the_program_has_a_version_and_needs_what_it_brings(completed):
    assert completed["metadata"]["component"]["version"] == "0.1.0"
    refs = {one["bom-ref"] for one in completed["components"]} | {"root"}
    assert refs == {one["ref"] for one in completed["dependencies"]}
    needed = next(one for one in completed["dependencies"] if one["ref"] == "root")["dependsOn"]
    assert "a" in needed
    assert len(needed) == 8


def test_the_installer_is_no_part_of_it(completed):
    assert "pip" not in {one["name"] for one in completed["components"]}
