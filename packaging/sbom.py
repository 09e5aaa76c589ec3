"""Adds to a list of contents (CycloneDX) what cyclonedx-py does not see: the version, and what lies inside the wheel.

    cyclonedx-py environment ENVIRONMENT | python packaging/sbom.py ENVIRONMENT > SBOM.json

ENVIRONMENT has the wheel installed. pip, which only installed it, is taken out. The list is checked against the schema
at the end. Needs cyclonedx-bom.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from licences import declared, site_packages_of

# In the folder of the package: what somebody else made, and the models.
OPENSEADRAGON = "daemon/web/static/openseadragon.min.js"
INSTALLERS = ("pip", "setuptools")
# As daemon/demo/photographs/SOURCES.txt names them.
PHOTOGRAPHS = {
    "coffee.jpg": {"id": "CC0-1.0"},
    "cat.jpg": {"id": "CC0-1.0"},
    "rocket.jpg": {"name": "public domain (SpaceX)"},
}
MODELS = ("defects.onnx", "defects-infrared.onnx", "decision.json")


def complete(sbom: dict[str, Any], package: Path, version: str, licences: dict[str, str]) -> None:
    """Add to a list of contents what is missing.

    Parameters
    ----------
    sbom : dict
        The list, as JSON; it is changed.
    package : Path
        Folder of the installed package.
    version : str
        Version of the installed package.
    licences : dict of str to str
        The declared licence of each package of the environment, by its name in small letters.
    """
    main = sbom["metadata"]["component"]
    main["version"] = version
    _take_out(sbom, INSTALLERS)
    for component in sbom["components"]:
        if not component.get("licenses"):
            component["licenses"] = [{"license": {"name": licences[component["name"].lower()]}}]
    inside = [_openseadragon(package), *(_model(package, name, version) for name in MODELS)]
    inside += [_photograph(package, name) for name in PHOTOGRAPHS]
    sbom["components"] += inside
    of_main = next(one for one in sbom["dependencies"] if one["ref"] == main["bom-ref"])
    of_main["dependsOn"] = sorted([*of_main.get("dependsOn", []), *(one["bom-ref"] for one in inside)])
    sbom["dependencies"] += [{"ref": one["bom-ref"]} for one in inside]


def _take_out(sbom: dict[str, Any], names: Collection[str]) -> None:
    gone = {one["bom-ref"] for one in sbom["components"] if one["name"] in names}
    sbom["components"] = [one for one in sbom["components"] if one["bom-ref"] not in gone]
    sbom["dependencies"] = [one for one in sbom["dependencies"] if one["ref"] not in gone]


def _openseadragon(package: Path) -> dict[str, Any]:
    file = package / OPENSEADRAGON
    # Its first line: //! openseadragon 6.1.1
    version = file.read_text().split("\n", 1)[0].split()[-1]
    return {
        "type": "library",
        "bom-ref": f"pkg:npm/openseadragon@{version}",
        "name": "openseadragon",
        "version": version,
        "purl": f"pkg:npm/openseadragon@{version}",
        "licenses": [{"license": {"id": "BSD-3-Clause"}}],
        "hashes": [_sha256(file)],
    }


def _model(package: Path, name: str, version: str) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"filmscand/ir/models/{name}",
        "name": name,
        "version": version,
        "description": "trained by this project",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [_sha256(package / "ir" / "models" / name)],
    }


def _photograph(package: Path, name: str) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"filmscand/daemon/demo/photographs/{name}",
        "name": name,
        "description": "photograph of the demo, from scikit-image",
        "licenses": [{"license": PHOTOGRAPHS[name]}],
        "hashes": [_sha256(package / "daemon" / "demo" / "photographs" / name)],
    }


def _sha256(file: Path) -> dict[str, str]:
    return {"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}


def completed(environment: Path, text: str) -> str:
    """Return the complete list of contents of an environment, for what cyclonedx-py wrote of it.

    Raises
    ------
    ValueError
        The result does not follow the schema.
    """
    # Tests of the rest do without it.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    site_packages = site_packages_of(environment)
    sbom = json.loads(text)
    own = next(iter(Distribution.discover(name="filmscand", path=[str(site_packages)])))
    licences = {one.name.lower(): declared(one) for one in distributions(path=[str(site_packages)])}
    complete(sbom, site_packages / "filmscand", own.version, licences)
    whole = json.dumps(sbom, indent=2)
    error = JsonStrictValidator(SchemaVersion.from_version(sbom["specVersion"])).validate_str(whole)
    if error is not None:
        raise ValueError(f"the list of contents does not follow CycloneDX {sbom['specVersion']}: {error}")
    return f"{whole}\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python packaging/sbom.py ENVIRONMENT")
    sys.stdout.write(completed(Path(sys.argv[1]), sys.stdin.read()))
