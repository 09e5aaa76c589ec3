from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from filmscand.daemon.archive.frames.metadata import FileTitle, capture_tags, clean_tags, clean_title, original_title
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
}


ENGINE = EngineIdentity("0.1.0", "c" * 64, "d" * 64)


def capture(**changes):
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
    return Capture(np.zeros((4, 5, 3), np.uint16), None, info, b"profile")


def cleaned(frame=FRAME, revision=1, engine=ENGINE, sensitivity=0.5, **changes):
    titles = clean_title(frame, revision), original_title(frame, "raw")
    return clean_tags(*titles, capture(**changes), engine, sensitivity)


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
    tags = clean_tags(title, FileTitle(name, name), capture(make="Büro"), ENGINE, 0.5)
    write_tiff(tmp_path / "a.tif", np.zeros((4, 5, 3), np.uint16), tags)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        found = tif.pages[0].tags
        assert found[269].value.isascii()
        assert found[271].value == "B?ro"
        assert text(found[700].value, "dc:identifier") == f"{name}_clean".replace("\x01", "")
