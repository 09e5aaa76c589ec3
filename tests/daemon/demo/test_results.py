"""What the demo says of the archive that its service wrote."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanOutcome, CleanRequest, Role
from filmscand.daemon.demo import results
from filmscand.daemon.demo.results import name_of, read_sidecars, show_results
from filmscand.daemon.demo.scan_files import write_vuescan
from filmscand.daemon.demo.station import DemoError
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape

FRAME = FrameId("demo", "box-1", "slides", 1)


@pytest.fixture(scope="module")
def simulated():
    return simulate_frame(landscape(160, 240, 1), KINDS["leaky_slide"], seed=3)


@pytest.fixture
def archive(tmp_path, simulated):
    archive = Archive(tmp_path / "archive")
    (scan,) = write_vuescan(tmp_path, "negative", simulated)
    stored = archive.copy_original(FRAME, scan, Role.RAW)
    clean_into_archive(archive, FRAME, CleanRequest(originals=(stored,)))
    return archive


def test_a_frame_that_is_missing_or_changed_is_no_success(archive):
    with pytest.raises(DemoError, match=r"expected 9 complete frames in .*archive, found 1"):
        read_sidecars(archive.root, 9)
    next(archive.root.rglob("*_raw.tif")).write_bytes(b"other")
    with pytest.raises(DemoError, match="demo/box-1/slides_0001"):
        read_sidecars(archive.root, 1)


def test_each_frame_has_its_file_its_numbers_and_a_sheet(archive, simulated, tmp_path):
    console = Console(file=io.StringIO(), width=200)
    (sidecar,) = read_sidecars(archive.root, 1)
    show_results(archive.root, [sidecar], {"negative": simulated}, tmp_path / "sheets", console)
    told = console.file.getvalue()
    assert "slides_0001_r01_clean.tif" in told
    assert f"negative, {sidecar.capture.layout}" in told
    assert str(tmp_path / "sheets" / "negative.png") in told
    assert (tmp_path / "sheets" / "negative.png").is_file()


def test_a_damaged_frame_that_was_not_cleaned_is_no_success(archive, simulated, tmp_path, monkeypatch):
    (sidecar,) = read_sidecars(archive.root, 1)
    left = sidecar.model_copy(
        update={"revisions": (sidecar.latest.model_copy(update={"outcome": CleanOutcome.UNCLEANED}),)}
    )
    with pytest.raises(DemoError, match="has damage and was not cleaned"):
        show_results(archive.root, [left], {"negative": simulated}, tmp_path / "sheets", Console(file=io.StringIO()))
    monkeypatch.setattr(results, "MUST_BE_CLEANED", frozenset())
    show_results(archive.root, [left], {"negative": simulated}, tmp_path / "sheets", Console(file=io.StringIO()))


def test_a_scanned_slide_is_named_by_its_place_in_the_magazine(archive):
    (sidecar,) = read_sidecars(archive.root, 1)
    assert name_of(sidecar) == "negative"
    scanned = sidecar.originals[0].model_copy(update={"original_name": None})
    slide = sidecar.frame.model_copy(update={"number": 2})
    assert name_of(sidecar.model_copy(update={"originals": (scanned,), "frame": slide})) == "bright"
