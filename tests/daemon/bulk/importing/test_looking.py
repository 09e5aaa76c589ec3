"""What is looked up of a group of files, and what is decided about it."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
import tifffile

from filmscand.daemon.bulk.importing.campaign import Campaign
from filmscand.daemon.bulk.importing.files import walk
from filmscand.daemon.bulk.importing.looking import decide, look_at_group
from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.ingest.pairs.pairing import ClaimFrame, LeaveToPerson
from filmscand.daemon.station.configuration import PairRule
from support.campaign import SIZE
from support.ingest_bench import digest
from support.live_station import write_infrared, write_inside, write_picture


@pytest.fixture(scope="module")
def inspector():
    with closing(Inspector(1 << 30)) as made:
        yield made


def looked(inspector, root, *group, whole=True, pair=PairRule.OPTIONAL):
    campaign, tree = Campaign(path=root, pair=pair), walk(root)
    files = look_at_group(inspector, campaign, tree, group, whole=whole)
    return files, decide(campaign, tree, files)


def test_a_pair_is_one_frame_and_its_files_are_hashed(inspector, tmp_path):
    picture = write_picture(tmp_path / "a.tif", 1, **SIZE)
    infrared = write_infrared(tmp_path / "a_ir.tif", 1, **SIZE)
    files, (decision,) = looked(inspector, tmp_path, "a.tif", "a_ir.tif")
    assert isinstance(decision, ClaimFrame)
    assert (decision.picture.path, decision.infrared.path) == ("a.tif", "a_ir.tif")
    assert [file.source.sha256 for file in files] == [digest(picture), digest(infrared)]


def test_a_dry_run_looks_without_reading_files_to_their_ends(inspector, tmp_path):
    write_inside(tmp_path / "a.tif", 1, **SIZE)
    ((file,), (decision,)) = looked(inspector, tmp_path, "a.tif", whole=False)
    assert isinstance(decision, ClaimFrame)
    assert (file.source, file.flags) == (None, ())


def test_a_picture_without_the_infrared_that_is_required_is_left_to_a_person(inspector, tmp_path):
    write_picture(tmp_path / "a.tif", 1, **SIZE)
    _, (decision,) = looked(inspector, tmp_path, "a.tif", pair=PairRule.REQUIRED)
    assert isinstance(decision, LeaveToPerson)
    assert decision.reason == "there is no infrared beside it"


def test_a_file_whose_end_is_missing_zeros_is_flagged(inspector, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((200, 60, 3), np.uint16), photometric="rgb", metadata=None)
    ((file,), _) = looked(inspector, tmp_path, "a.tif")
    assert file.flags == ("zeros_in_file",)


def test_a_file_that_is_no_film_scan_or_is_gone_is_a_problem_of_its_own(inspector, tmp_path):
    write_inside(tmp_path / "a.tif", 1, **SIZE)
    (tmp_path / "b.tif").write_text("no TIFF")
    campaign, tree = Campaign(path=tmp_path), walk(tmp_path)
    (tmp_path / "a.tif").unlink()
    files = look_at_group(inspector, campaign, tree, ("a.tif", "b.tif"), whole=True)
    assert [file.looked for file in files] == [None, None]
    assert all(file.path in file.problem for file in files)
    assert decide(campaign, tree, files) == []
