"""A frame that another program heals: what comes back counts inside the mask only, and nothing else is taken."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.files import CleanOrders, clean_file
from filmscand.daemon.cleaning.healing.command import Healer
from filmscand.daemon.cleaning.healing.frame import heal_again
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.errors import HealerError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.station.sections.cleaning import Cleaning
from filmscand.ir import CleanOptions, CleanReport
from filmscand.ir.report import CleanedFrame, Method
from support.live_station import film, write_inside

FRAME = FrameId("meyer", "box-3", "r12", 7)
# Shows the files to the test, and paints the whole picture.
PAINT = """
import sys, numpy as np, tifffile
from PIL import Image
picture, mask, output, colour = sys.argv[1:]
rgb, marked = tifffile.imread(picture), np.asarray(Image.open(mask))
assert (rgb.dtype, marked.dtype, marked.shape) == (np.uint16, np.uint8, rgb.shape[:2]), (rgb.dtype, marked.dtype)
assert set(np.unique(marked)) == {0, 255}
tifffile.imwrite(output, np.full_like(rgb, int(colour)), photometric="rgb")
"""


@pytest.fixture(scope="module")
def paint(tmp_path_factory):
    script = tmp_path_factory.mktemp("healer") / "paint.py"
    script.write_text(PAINT)

    def command(colour):
        return f"{sys.executable} {script} {{picture}} {{mask}} {{output}} {colour}"

    return command


@pytest.fixture(scope="module")
def found():
    """A picture, and what the engine made of it."""
    rgb = np.ascontiguousarray(film(1, 60, 90)[..., :3])
    mask = np.zeros((60, 90), np.bool_)
    mask[20:24, 30:50] = mask[5, 5] = True
    report = CleanReport(Method.INFRARED).with_counts(2, 1, 4)
    return rgb, CleanedFrame(rgb.copy(), mask, report)


def test_only_the_pixels_of_the_mask_are_taken(paint, found):
    rgb, cleaned = found
    healed = heal_again(Healer(paint(777), 30.0), rgb, cleaned)
    assert (healed.rgb[cleaned.defect_mask] == 777).all()
    assert np.array_equal(healed.rgb[~cleaned.defect_mask], rgb[~cleaned.defect_mask])
    report = healed.report
    counts = (report.defects_found, report.defects_divided, report.defects_filled, report.defects_left)
    assert counts == (7, 0, 3, 4)


def test_a_frame_without_defects_needs_no_command(found):
    rgb, _ = found
    clean = CleanedFrame.untouched(rgb, CleanReport(Method.INFRARED))
    assert heal_again(Healer("no-such-healer {picture} {mask} {output}", 30.0), rgb, clean) is clean


WRONG = {
    "nothing": ("true", "wrote no {output}"),
    "no TIFF": ("cp {mask} {output}", "no TIFF that can be read"),
    "8 bits": ("rgb.astype(np.uint8)", "samples of type uint8"),
    "another size": ("rgb[1:]", "90 x 59 pixels"),
    "grey": ("rgb[..., 0]", "1 samples"),
    "floats": ("rgb.astype(np.float32)", "samples of type float32"),
    "two pages": ("np.stack([rgb, rgb])", "wrote 2 pages"),
}


@pytest.mark.parametrize(("made", "told"), WRONG.values(), ids=WRONG)
def test_a_picture_that_is_not_the_frame_is_refused_with_what_was_expected(tmp_path, found, made, told):
    rgb, cleaned = found
    if "rgb" in made:
        # Made here: a process that loads numpy for each case takes longer than all of them.
        samples = eval(made, {"rgb": rgb, "np": np})
        tifffile.imwrite(tmp_path / "made.tif", samples, photometric="rgb" if samples.ndim > 2 else "minisblack")
        made = f"cp {tmp_path}/made.tif {{output}}"
    command = f"sh -c '{made}' {{picture}} {{mask}} {{output}}"
    with pytest.raises(HealerError) as failed:
        heal_again(Healer(command, 30.0), rgb, cleaned)
    assert told in str(failed.value)
    assert "`sh -c" in str(failed.value)


@pytest.mark.usefixtures("compiled_engine")
def test_the_sidecar_names_the_healer_and_another_one_makes_another_revision(paint, tmp_path):
    archive = Archive(tmp_path / "archive")
    source = write_inside(tmp_path / "a.tif", 1)
    request = CleanRequest(originals=(archive.copy_original(FRAME, source, Role.RAW),))
    raw = tifffile.imread(source)[..., :3]

    def clean(healer=None):
        return clean_into_archive(archive, FRAME, request, Cleaning(healer=healer))

    made = [
        (result.revision, result.created) for result in (clean(), clean(paint(5)), clean(paint(9)), clean(paint(5)))
    ]
    assert made == [(1, True), (2, True), (3, True), (2, False)]
    revisions = archive.read_sidecar(FRAME).revisions
    assert [revision.options.healer for revision in revisions] == [None, paint(5), paint(9)]
    folder = archive.frame_folder(FRAME)
    assert b'"healer"' in folder.sidecar.read_bytes()
    for number, colour in ((2, 5), (3, 9)):
        files = folder.revision_files(number)
        with tifffile.TiffFile(files[Role.CLEAN]) as film_file:
            picture, xmp = film_file.asarray(), film_file.pages[0].tags[700].value
        assert (picture != raw).any()
        assert (picture[(picture != raw).any(axis=2)] == colour).all()
        assert b"and removed by" in bytes(xmp)
    assert archive.verify(FRAME) == ()


@pytest.mark.usefixtures("compiled_engine")
def test_a_single_file_is_healed_and_its_report_names_the_command(paint, tmp_path):
    orders = CleanOrders(tmp_path / "out", CleanOptions(), healer=Healer(paint(5), 30.0))
    report = clean_file(write_inside(tmp_path / "a.tif", 1), orders)
    assert report.options.healer == paint(5)
    assert report.report.defects_divided == 0


HOW_TO = Path(__file__).parents[4] / "docs" / "how-to" / "use-another-healer.md"


def shown(program):
    """Return the first command with this program that the how-to shows."""
    return re.search(rf"healer: \"({program} .*)\"", HOW_TO.read_text())[1]


@pytest.mark.parametrize("program", ["gmic", "convert"])
def test_the_programs_of_the_how_to_heal(found, program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt install gmic imagemagick")
    rgb, cleaned = found
    healed = heal_again(Healer(shown(program), 60.0), rgb, cleaned)
    outside = ~cleaned.defect_mask
    assert np.array_equal(healed.rgb[outside], rgb[outside])
    assert not np.array_equal(healed.rgb, rgb)
    around = rgb[18:26, 28:52].mean()
    assert abs(healed.rgb[cleaned.defect_mask].mean() - around) < 0.05 * around
