"""What makes a new revision of a frame, and what finds the old one: the engine, its models and the options."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import filmscand
from filmscand.daemon.archive.records.sidecar import Revision, recipe_digest
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.cleaning.recipe import recipe_of
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.station.configuration import Cleaning
from filmscand.ir import ModelError, engine_identity
from support.live_station import write_inside, write_picture

FRAME = FrameId("meyer", "box-3", "r12", 1)
DATA = Path(__file__).parents[1] / "archive" / "records" / "data"
# No detector and no infrared: nothing of the engine has to be compiled for a copy of the package.
CLEAN = """
import sys
from pathlib import Path
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.station.configuration import Cleaning
frame = FrameId("meyer", "box-3", "r12", 1)
result = clean_into_archive(Archive(Path(sys.argv[1])), frame, CleanRequest(), Cleaning(detector="off"))
print(result.revision, result.created)
"""


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def test_another_engine_or_model_makes_a_revision_and_the_same_one_started_again_makes_none(archive, tmp_path):
    archive.copy_original(FRAME, write_picture(tmp_path / "a.tif", 1), Role.RAW)
    package = tmp_path / "copy" / "filmscand"
    skipped = shutil.ignore_patterns("*.nbi", "*.nbc")
    shutil.copytree(Path(filmscand.__file__).parent, package, ignore=skipped)

    def clean():
        command = [sys.executable, "-c", CLEAN, str(archive.root)]
        environment = {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert [clean(), clean()] == ["1 True", "1 False"]
    model = package / "ir" / "models" / "defects.onnx"
    model.write_bytes(model.read_bytes() + b" ")
    assert [clean(), clean()] == ["2 True", "2 False"]
    source = package / "ir" / "clean.py"
    source.write_text(source.read_text().replace("_SMALLEST_SIDE = 16", "_SMALLEST_SIDE = 17"))
    assert clean() == "3 True"
    made = [(one.engine_code_sha256, one.engine_models_sha256) for one in archive.read_sidecar(FRAME).revisions]
    assert made[0] == (engine_identity().code_sha256, engine_identity().models_sha256)
    assert (made[1][0] == made[0][0], made[1][1] != made[0][1]) == (True, True)
    assert (made[2][0] != made[1][0], made[2][1] == made[1][1]) == (True, True)
    assert archive.verify(FRAME) == ()


def adopt(archive, folder, name, source):
    """Give a new raw file the sidecar that filmscand 0.1 wrote for another one, as if it had been its own."""
    stored = archive.copy_original(FRAME, source, Role.RAW)
    plain = json.loads((DATA / name).read_bytes())
    plain["frame"]["number"] = 1
    plain["originals"] = [{**stored.model_dump(mode="json"), "original_name": "lake.tif", "shelf": 4}]
    for revision in plain["revisions"]:
        revision["inputs_sha256"] = [stored.sha256]
    plain["capture"]["lamp"] = plain["surprise"] = plain["revisions"][0]["report"]["surprise"] = {"deep": [1]}
    archive.frame_folder(FRAME).sidecar.write_text(json.dumps(plain))
    return plain


@pytest.mark.usefixtures("compiled_engine")
@pytest.mark.parametrize("name", ["sidecar-1-watched.json", "sidecar-1-scanned.json", "sidecar-1-two-revisions.json"])
def test_a_frame_that_filmscand_0_1_cleaned_is_cleaned_anew_and_nothing_of_its_sidecar_is_lost(archive, tmp_path, name):
    before = adopt(archive, tmp_path, name, write_inside(tmp_path / "a.tif", 1))
    request = CleanRequest(film=before["film"], flags=tuple(before["flags"]))
    count = len(before["revisions"])
    result = clean_into_archive(archive, FRAME, request)
    assert (result.revision, result.created) == (count + 1, True)
    after = json.loads(archive.frame_folder(FRAME).sidecar.read_bytes())
    assert (after["surprise"], after["originals"], after["film"]) == (
        before["surprise"],
        before["originals"],
        before["film"],
    )
    for old, new in zip(before["revisions"], after["revisions"][:count], strict=True):
        assert new == {**old, "engine_code_sha256": None, "engine_models_sha256": None}
    capture = after["capture"]
    assert capture["lamp"] == {"deep": [1]}
    if name == "sidecar-1-scanned.json":
        told = ("layout", "make", "model", "captured_at", "bits_per_sample", "software", "resolution_dpi", "linear")
        assert {key: capture[key] for key in told} == {key: before["capture"][key] for key in told}
    assert not clean_into_archive(archive, FRAME, request).created


@pytest.mark.parametrize(
    ("version", "same"), [("0.2.0", True), ("0.2.0.dev9+g1a2b3c4", True), ("0.2.1", False), ("1", False)]
)
def test_a_revision_of_another_commit_with_the_same_engine_is_not_made_again(version, same):
    recipe = recipe_of(CleanRequest(), Cleaning())
    recipe = replace(recipe, engine=replace(recipe.engine, version="0.2.0.dev3+g5d6e7f8"))
    revision = Revision.model_construct(
        engine_version=version,
        engine_code_sha256=recipe.engine.code_sha256,
        engine_models_sha256=recipe.engine.models_sha256,
        options=recipe.options,
    )
    assert recipe.made(revision) is same
    assert (recipe_digest(revision.engine, recipe.options) == recipe.digest) is same


def test_a_named_model_and_its_card_are_part_of_the_recipe(tmp_path):
    model, card = tmp_path / "own.onnx", tmp_path / "own.json"
    cleaning = Cleaning(detector_model=model)
    with pytest.raises(ModelError, match=r"own\.onnx"):
        recipe_of(CleanRequest(), cleaning)
    recipes = []
    for path, content in ((model, b"one"), (model, b"other"), (card, b"{}"), (card, b"{ }")):
        path.write_bytes(content)
        recipes.append(recipe_of(CleanRequest(), cleaning))
    assert len({json.dumps(recipe.options.models_sha256, sort_keys=True) for recipe in recipes}) == 4
    assert list(recipes[-1].options.models_sha256) == ["detector", "detector_card"]


@pytest.mark.parametrize("change", [{"sensitivity": 0.6}, {"film": "slide"}, {"fourth_sample_is_infrared": True}])
def test_what_decides_how_the_result_looks_is_part_of_the_recipe(change):
    plain, changed = (recipe_of(request, Cleaning()) for request in (CleanRequest(), CleanRequest(**change)))
    assert plain != changed
    assert plain == recipe_of(CleanRequest(flags=("pair_timeout",)), Cleaning())
