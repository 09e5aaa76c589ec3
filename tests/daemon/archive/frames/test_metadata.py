from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from filmscand.daemon.archive.frames.encode import linear_profile
from filmscand.daemon.archive.frames.metadata import (
    CleanedBy,
    FileTitle,
    access_tags,
    access_title,
    capture_tags,
    clean_tags,
    clean_title,
    original_title,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.drivers.base import Capture, CaptureInfo
from filmscand.drivers.files.writer import write_tiff
from filmscand.ir import EngineIdentity

FRAME = FrameId("meyer", "box-3", "r12", 7)
NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
}


ENGINE = EngineIdentity("0.1.0", "c" * 64, "d" * 64)


def capture(icc_profile=b"profile", **changes):
    info = CaptureInfo(
        **{
            "rows": 4,
            "cols": 5,
            "layout": "sane",
            "resolution_dpi": 4000.0,
            "make": "Nikon",
            "model": "LS-5000 ED",
            "software": "VueScan 9",
            "captured_at": datetime(2026, 11, 20, 10, 30),
            **changes,
        }
    )
    return Capture(np.zeros((4, 5, 3), np.uint16), None, info, icc_profile)


def cleaned(frame=FRAME, revision=1, engine=ENGINE, sensitivity=0.5, **changes):
    titles = clean_title(frame, revision), original_title(frame, "raw")
    return clean_tags(*titles, capture(**changes), CleanedBy(engine, sensitivity))


def description(xmp):
    return ElementTree.fromstring(xmp).find("rdf:RDF/rdf:Description", NAMES)


def text(xmp, path):
    return description(xmp).findtext(path, None, NAMES)


def test_a_cleaned_file_says_what_it_is_and_what_it_comes_from():
    xmp = cleaned().xmp
    assert text(xmp, "dc:identifier") == "r12_0007_r01_clean"
    assert text(xmp, "dc:title/rdf:Alt/rdf:li") == "r12_0007_r01_clean"
    assert text(xmp, "xmp:CreateDate") == "2026-11-20T10:30:00"
    assert text(xmp, "xmpMM:DerivedFrom/stRef:documentID") == original_title(FRAME, "raw").document_id
    assert text(xmp, "xmpMM:DerivedFrom/stRef:filePath") == "r12_0007_raw"
    assert f"engine {ENGINE.label}, sensitivity 0.5" in text(xmp, "photoshop:Instructions")


def test_a_captured_file_is_named_as_the_cleaned_one_refers_to_it():
    raw = capture_tags(original_title(FRAME, "raw"), capture(), colour=True)
    assert text(raw.xmp, "xmpMM:DocumentID") == text(cleaned().xmp, "xmpMM:DerivedFrom/stRef:documentID")
    assert description(raw.xmp).find("xmpMM:DerivedFrom", NAMES) is None
    assert (raw.document_name, raw.make, raw.model, raw.resolution_dpi) == (
        "r12_0007_raw",
        "Nikon",
        "LS-5000 ED",
        4000.0,
    )


def test_an_infrared_plane_has_no_colour_profile():
    assert capture_tags(original_title(FRAME, "ir"), capture(), colour=False).icc_profile is None
    assert cleaned().icc_profile == b"profile"


def test_the_same_frame_gives_the_same_tags_and_any_change_other_ones():
    assert cleaned() == cleaned()
    others = [cleaned(revision=2), cleaned(frame=FrameId("meyer", "box-3", "r12", 8)), cleaned(sensitivity=0.7)]
    assert all(other.xmp != cleaned().xmp for other in others)


def test_frames_of_the_same_name_in_two_boxes_have_two_identities():
    other = FrameId("meyer", "box-4", "r12", 7)
    assert original_title(FRAME, "raw").document_id != original_title(other, "raw").document_id


def test_a_time_with_a_zone_keeps_it():
    assert text(cleaned(captured_at=datetime(2026, 11, 20, 10, 30, tzinfo=UTC)).xmp, "xmp:CreateDate").endswith(
        "+00:00"
    )


def test_without_a_time_no_time_is_made_up():
    assert text(cleaned(captured_at=None).xmp, "xmp:CreateDate") is None


@pytest.mark.parametrize("name", ['Büchse <3> & "x"', "フィルム", "tab\there", "control\x01"])
def test_any_file_name_gives_a_tiff_and_well_formed_xmp(tmp_path, name):
    title = FileTitle(name, f"{name}_clean")
    tags = clean_tags(title, FileTitle(name, name), capture(make="Büro"), CleanedBy(ENGINE, 0.5))
    write_tiff(tmp_path / "a.tif", np.zeros((4, 5, 3), np.uint16), tags)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        found = tif.pages[0].tags
        assert found[269].value.isascii()
        assert found[271].value == "B?ro"
        assert text(found[700].value, "dc:identifier") == f"{name}_clean".replace("\x01", "")


def access(revision=1, **changes):
    return access_tags(access_title(FRAME, revision), clean_title(FRAME, revision), capture(**changes))


def test_an_access_image_says_title_date_and_scanner_where_photo_managers_look():
    tags = access()
    assert text(tags.xmp, "dc:title/rdf:Alt/rdf:li") == "r12_0007_r01_access"
    assert text(tags.xmp, "dc:description/rdf:Alt/rdf:li") == "meyer/box-3/r12_0007"
    assert text(tags.xmp, "xmp:CreateDate") == "2026-11-20T10:30:00"
    assert text(tags.xmp, "photoshop:DateCreated") == "2026-11-20T10:30:00"
    assert (text(tags.xmp, "tiff:Make"), text(tags.xmp, "tiff:Model")) == ("Nikon", "LS-5000 ED")
    assert text(tags.xmp, "xmp:CreatorTool").startswith("filmscand ")
    assert (tags.document_name, tags.description) == ("r12_0007_r01_access", "meyer/box-3/r12_0007")


def test_an_access_image_names_the_cleaned_picture_of_its_revision():
    for revision in (1, 2):
        derived = text(access(revision).xmp, "xmpMM:DerivedFrom/stRef:documentID")
        assert derived == clean_title(FRAME, revision).document_id
    assert access(1).xmp != access(2).xmp


def test_an_access_image_has_no_profile_of_the_scan_because_it_is_srgb():
    assert access(linear=True, icc_profile=b"scanner").icc_profile is None


def test_an_access_image_of_an_unknown_scanner_and_time_names_neither():
    tags = access(make=None, model=None, captured_at=None)
    for path in ("tiff:Make", "tiff:Model", "xmp:CreateDate", "photoshop:DateCreated"):
        assert text(tags.xmp, path) is None
    assert (tags.make, tags.model, tags.captured_at) == (None, None, None)


def test_a_maker_with_an_umlaut_is_whole_in_the_xmp():
    tags = access(make="Büro")
    assert (text(tags.xmp, "tiff:Make"), tags.make) == ("Büro", "B?ro")


@pytest.mark.parametrize(
    ("linear", "own", "profile"),
    [
        (True, None, linear_profile()),
        (True, b"scanner", b"scanner"),
        (False, None, None),
        (None, None, None),
        (None, b"scanner", b"scanner"),
    ],
    ids=["linear", "linear with a profile", "encoded", "unknown", "unknown with a profile"],
)
def test_only_a_scan_known_to_be_linear_gets_the_linear_profile_and_none_loses_its_own(linear, own, profile):
    scan = capture(icc_profile=own, linear=linear)
    titles = clean_title(FRAME, 1), original_title(FRAME, "raw")
    assert clean_tags(*titles, scan, CleanedBy(ENGINE, 0.5)).icc_profile == profile
    assert capture_tags(original_title(FRAME, "raw"), scan, colour=True).icc_profile == own


@pytest.mark.parametrize("resolution_dpi", [4000.0, 2820.4, 0.5, 99_999.0, None])
def test_the_resolution_is_written_as_it_was_read(tmp_path, resolution_dpi):
    tags = capture_tags(
        original_title(FRAME, "raw"), capture(icc_profile=None, resolution_dpi=resolution_dpi), colour=True
    )
    write_tiff(tmp_path / "a.tif", np.zeros((4, 5, 3), np.uint16), tags)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        found = [tif.pages[0].tags.valueof(tag) for tag in (282, 283, 296)]
    if resolution_dpi is None:
        assert found == [None, None, None]
        return
    assert found[0] == found[1]
    assert found[0][0] / found[0][1] == pytest.approx(resolution_dpi, rel=1e-6)
    assert found[2] == 2
