"""Rolls as OCFL objects: by the words of the specification, one version for each change, whole at any moment."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
from datetime import datetime

import pytest

from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.export.given import ExportFolderError
from filmscand.daemon.export.ocfl import give_object, make_storage_root
from filmscand.daemon.export.roll_files import roll_content
from support.given_frames import frame_id, put_frame

ROLL = frame_id(1).roll_folder


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive")
    put_frame(archive, tmp_path / "scans", frame_id(1))
    return archive


@pytest.fixture
def root(tmp_path):
    (tmp_path / "ocfl").mkdir()
    make_storage_root(tmp_path / "ocfl")
    return tmp_path / "ocfl"


def give(archive, root):
    return give_object(root, archive.root, roll_content(archive, ROLL))


def describe(archive, caption):
    sidecar = archive.read_sidecar(frame_id(1))
    archive.write_sidecar(frame_id(1), sidecar.model_copy(update={"description": Description(caption=caption)}))


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def inventory_of(folder):
    """Return an inventory, once its sidecar fits it (E058, E060, E061)."""
    content = (folder / "inventory.json").read_bytes()
    assert (folder / "inventory.json.sha512").read_bytes() == (
        f"{hashlib.sha512(content).hexdigest()} inventory.json\n".encode()
    )
    return json.loads(content)


def require_valid(folder, versions):
    """Require of an object what https://ocfl.io/1.1/spec/validation-codes.html lists as errors."""
    inventory = inventory_of(folder)
    names = [f"v{number}" for number in range(1, versions + 1)]
    assert {path.name for path in folder.iterdir()} == {
        "0=ocfl_object_1.1",
        "inventory.json",
        "inventory.json.sha512",
        *names,
    }  # E001, E003, E009, E012, E063
    assert (folder / "0=ocfl_object_1.1").read_bytes() == b"ocfl_object_1.1\n"  # E007
    assert inventory["id"] == "filmscand:museum/box-1/roll-7"  # E037
    assert inventory["type"] == "https://ocfl.io/1.1/spec/#inventory"  # E038
    assert (inventory["digestAlgorithm"], inventory["head"]) == ("sha512", names[-1])  # E025, E040
    assert list(inventory["versions"]) == names  # E046
    content = {path for path in files_below(folder) if "/content/" in path}
    assert {path for paths in inventory["manifest"].values() for path in paths} == content  # E023, E092
    for digest, paths in inventory["manifest"].items():
        for path in paths:
            assert hashlib.sha512((folder / path).read_bytes()).hexdigest() == digest
    for digest, paths in inventory["fixity"]["sha256"].items():  # E056, E057, E093
        for path in paths:
            assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    for name, version in inventory["versions"].items():
        assert datetime.fromisoformat(version["created"]).tzinfo is not None  # E048, E049
        assert version["state"].keys() <= inventory["manifest"].keys()  # E050
        logical = [path for paths in version["state"].values() for path in paths]
        assert len(logical) == len(set(logical))  # E095
        assert not any(re.search(r"(^|/)\.{0,2}(/|$)", path) for path in logical)  # E051, E052, E053
        assert {path.name for path in (folder / name).iterdir()} == {  # E015, E016
            "content",
            "inventory.json",
            "inventory.json.sha512",
        }
        of_version = inventory_of(folder / name)
        assert of_version["versions"] == {one: inventory["versions"][one] for one in of_version["versions"]}  # E066
    assert (folder / "inventory.json").read_bytes() == (folder / names[-1] / "inventory.json").read_bytes()  # E064
    assert not [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]  # E024, E073
    return inventory


def test_a_roll_becomes_an_object_in_a_storage_root(archive, root):
    assert give(archive, root) == (ROLL / "inventory.json", 1)
    assert (root / "0=ocfl_1.1").read_bytes() == b"ocfl_1.1\n"  # E069, E080
    assert {path.name for path in root.iterdir()} == {"0=ocfl_1.1", "museum"}  # E088
    inventory = require_valid(root / ROLL, 1)
    state = {path for paths in inventory["versions"]["v1"]["state"].values() for path in paths}
    assert state == {file.name for file in roll_content(archive, ROLL).files}


def test_a_change_becomes_a_version_that_holds_only_what_is_new(archive, root):
    give(archive, root)
    first = (root / ROLL / "v1" / "inventory.json").read_bytes()
    describe(archive, "Ada")
    assert give(archive, root) == (ROLL / "inventory.json", 2)
    require_valid(root / ROLL, 2)
    assert (root / ROLL / "v1" / "inventory.json").read_bytes() == first
    assert files_below(root / ROLL / "v2" / "content") == {
        "metadata/events.jsonl",
        "data/roll-7_0001/roll-7_0001.json",
    }


def test_a_roll_that_did_not_change_gets_no_version(archive, root):
    assert give(archive, root) == give(archive, root)
    require_valid(root / ROLL, 1)


def test_the_content_leads_back_to_the_frame(archive, root):
    give(archive, root)
    inventory = inventory_of(root / ROLL)
    where = {
        name: inventory["manifest"][digest][0]
        for digest, names in inventory["versions"]["v1"]["state"].items()
        for name in names
    }
    path = root / ROLL / where["data/roll-7_0001/roll-7_0001.json"]
    assert Sidecar.from_json(path.read_bytes(), "x") == archive.read_sidecar(frame_id(1))


def test_what_lies_there_already_is_never_overwritten(archive, root):
    (root / ROLL).mkdir(parents=True)
    (root / ROLL / "mine.txt").write_text("mine")
    with pytest.raises(ExportFolderError, match="move it away"):
        give(archive, root)
    assert files_below(root / ROLL) == {"mine.txt"}


def test_a_folder_with_other_things_is_no_storage_root(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ExportFolderError, match=r"holiday\.jpg"):
        make_storage_root(tmp_path)


def test_an_object_that_was_changed_gets_no_version(archive, root):
    give(archive, root)
    path = root / ROLL / "v1" / "inventory.json"
    path.write_bytes(path.read_bytes().replace(b"filmscand:", b"someone's:"))
    describe(archive, "Ada")
    with pytest.raises(IntegrityError, match="inventory"):
        give(archive, root)


def test_a_damaged_roll_is_not_given_away_and_leaves_no_object(archive, root):
    path = archive.frame_folder(frame_id(1)).path / "roll-7_0001_raw.tif"
    path.unlink()
    path.write_bytes(b"another")
    with pytest.raises(IntegrityError, match="not given away"):
        give(archive, root)
    assert not (root / ROLL).exists()


def test_a_collection_whose_name_ocfl_keeps_for_itself_is_refused(tmp_path, root):
    archive = Archive(tmp_path / "archive")
    frame = FrameId("extensions", "b", "r", 1)
    put_frame(archive, tmp_path / "scans", frame)
    with pytest.raises(ExportFolderError, match="--zip"):
        give_object(root, archive.root, roll_content(archive, frame.roll_folder))


KILLED = """
import os, signal, sys
from pathlib import Path
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.export.ocfl import give_object
from filmscand.daemon.export.roll_files import roll_content
left = int(sys.argv[3])
def count(event, arguments):
    global left
    if event in ("os.rename", "os.link", "os.rmdir"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
archive, root = Archive(Path(sys.argv[1])), Path(sys.argv[2])
content = roll_content(archive, Path("museum/box-1/roll-7"))
sys.addaudithook(count)
give_object(root, archive.root, content)
"""


def kill_at(moment, archive, root):
    command = [sys.executable, "-c", KILLED, str(archive.root), str(root), str(moment)]
    return subprocess.run(command, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("versions", [1, 2])
def test_killed_at_any_step_an_object_is_whole_or_not_there_and_the_next_export_completes_it(archive, root, versions):
    if versions == 2:
        give(archive, root)
        describe(archive, "Ada")
    # The steps are the names that files and folders get: all are tried, as the killed ones add up.
    moment = 1
    while kill_at(moment, archive, root):
        if (root / ROLL).exists():
            here = int(inventory_of(root / ROLL / "v1")["head"][1:])
            assert here == 1
        assert moment < 40
        moment += 3
    require_valid(root / ROLL, versions)
    assert {path.name for path in root.iterdir()} == {"0=ocfl_1.1", "museum"}
    assert give(archive, root) == (ROLL / "inventory.json", versions)
    require_valid(root / ROLL, versions)
