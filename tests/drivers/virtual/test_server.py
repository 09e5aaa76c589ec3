"""The virtual scanner as SANE's own programs see it, and what it holds and does."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import make_magazine, make_slide, needs_sane, needs_scanimage, scanimage

pytestmark = [needs_sane, needs_scanimage]


@pytest.fixture
def coolscan3():
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 3), address=None) as virtual:
        yield virtual


@pytest.mark.parametrize("model", MODELS)
def test_scanimage_lists_it(model):
    with VirtualScanner(model, make_magazine(model, 1), address=None) as virtual:
        listed = scanimage(virtual, "-L")
    assert listed.returncode == 0
    assert (
        f"`{virtual_name(model, listed.stdout)}' is a {MODELS[model].vendor} {MODELS[model].product}" in listed.stdout
    )


def virtual_name(model, listed):
    return listed.split("`")[1].split("'")[0] if MODELS[model].device in listed else "nothing"


def test_scanimage_scans_a_magazine_in_a_batch(coolscan3, tmp_path):
    done = scanimage(coolscan3, "-d", coolscan3.device, "--autoload=yes", "--format=tiff", f"--batch={tmp_path}/%d.tif")
    assert "out of documents" in done.stderr
    pages = sorted(tmp_path.glob("*.tif"))
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert np.array_equal(tifffile.imread(page), make_slide(number).rgb)


def test_scanimage_gets_the_infrared_of_coolscan2_from_the_second_start(tmp_path):
    with VirtualScanner("coolscan2", make_magazine("coolscan2", 1), address=None) as virtual:
        scanimage(
            virtual,
            *("-d", virtual.device, "--infrared=yes", "--format=tiff", f"--batch={tmp_path}/%d.tif", "--batch-count=2"),
        )
    slide = make_slide(1)
    assert np.array_equal(tifffile.imread(tmp_path / "1.tif"), slide.rgb)
    assert np.array_equal(tifffile.imread(tmp_path / "2.tif"), slide.infrared)


@pytest.mark.parametrize(("kind", "status"), [("jammed", 6), ("cover_open", 8), ("io_error", 9)])
def test_scanimage_ends_with_the_status_of_a_fault(coolscan3, tmp_path, kind, status):
    coolscan3.add_fault(Fault(FaultKind(kind), Moment.READ, slide=1))
    done = scanimage(coolscan3, "-d", coolscan3.device, "--autoload=yes", "-o", str(tmp_path / "page.pnm"))
    assert done.returncode == status


def test_two_scanners_stand_side_by_side_on_two_addresses(coolscan3):
    with VirtualScanner("genesys", make_magazine("genesys", 1), address=None) as other:
        assert other.address != coolscan3.address
        listed = scanimage(coolscan3, "-L").stdout + scanimage(other, "-L").stdout
    assert "coolscan3:virtual" in listed
    assert "genesys:virtual" in listed


def test_an_address_that_is_taken_is_refused_and_stopping_twice_is_harmless(coolscan3):
    with pytest.raises(OSError, match="in use"):
        VirtualScanner("coolscan3", make_magazine("coolscan3", 1), address=coolscan3.address).start()
    coolscan3.stop()
    coolscan3.stop()
