"""What photo programs read of an exported picture: title, caption, date, scanner."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import pytest
from PIL import ExifTags, Image

from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.request import Role
from filmscand.daemon.export.tags import exif_for_photos, tags_of, texts_of
from filmscand.drivers.base import CaptureInfo
from support.archive_frames import revision
from support.given_frames import SCANNED_AT, frame_id

PHOTO = ExifTags.IFD.Exif
BASE = ExifTags.Base


def sidecar_of(description=None, **capture):
    from filmscand.daemon.archive.records.sidecar import Sidecar, frame_record

    info = CaptureInfo(rows=2, cols=3, layout="tiff_rgb", make="Nikon", model="LS-5000", captured_at=SCANNED_AT)
    return Sidecar(
        frame=frame_record(frame_id(12)),
        film=FilmKind.SLIDE,
        capture=info.model_copy(update=capture),
        originals=(),
        revisions=(revision(1, ()),),
        description=description,
    )


def shown(description=None, **capture):
    """Return the EXIF tags and the XMP properties of an exported JPEG, as another program reads them."""
    sidecar = sidecar_of(description, **capture)
    texts = texts_of(sidecar, "Ostsee '74")
    tags = tags_of(sidecar, texts, Role.CLEAN, "roll-7_0012.jpg", None)
    out = io.BytesIO()
    Image.new("RGB", (3, 2)).save(out, "JPEG", exif=exif_for_photos(tags, texts, (2, 3)), xmp=tags.xmp)
    with Image.open(out) as image:
        exif = image.getexif()
        found = ElementTree.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", image.info["xmp"]))
        texts_found = {one.tag.rpartition("}")[2]: "".join(one.itertext()).strip() for one in found.iter()}
        return exif, exif.get_ifd(PHOTO), texts_found


def test_title_caption_scanner_and_name_are_told():
    exif, _, xmp = shown(Description(caption="Ada on the pier"))
    assert (exif[BASE.ImageDescription], exif[BASE.Make], exif[BASE.Model]) == ("Ada on the pier", "Nikon", "LS-5000")
    assert (xmp["title"], xmp["description"]) == ("Ostsee '74, 12", "Ada on the pier")
    assert (xmp["identifier"], xmp["Make"]) == ("museum/box-1/roll-7_0012", "Nikon")
    assert xmp["filePath"] == "roll-7_0012_r01_clean"


def test_a_frame_without_a_caption_tells_its_name():
    exif, _, xmp = shown()
    assert exif[BASE.ImageDescription] == xmp["description"] == "museum/box-1/roll-7_0012"


def test_other_letters_are_written_as_photo_programs_read_them():
    caption = "Käthe, 東京"
    sidecar = sidecar_of(Description(caption=caption))
    texts = texts_of(sidecar, "Reise")
    tags = tags_of(sidecar, texts, Role.CLEAN, "a.tif", None)
    # The TIFF has them in its XMP packet alone, where every program looks next.
    assert tags.description is None
    assert caption.encode() in tags.xmp
    assert caption.encode() in exif_for_photos(tags, texts, (2, 3)).tobytes()


@pytest.mark.parametrize(
    ("typed", "exif_date", "zone", "xmp_date"),
    [
        (None, "2024:05:06 07:08:09", "+00:00", "2024-05-06T07:08:09+00:00"),
        ("1974-07", "1974:07:01 00:00:00", None, "1974-07-01T00:00:00"),
        ("1974?", "1974:01:01 00:00:00", None, "1974-01-01T00:00:00"),
        ("1974-07-14T15:30+02:00", "1974:07:14 15:30:00", "+02:00", "1974-07-14T15:30:00+02:00"),
        ("1974-07-14T15:30Z", "1974:07:14 15:30:00", "+00:00", "1974-07-14T15:30:00Z"),
    ],
)
def test_the_typed_date_goes_before_that_of_the_scan(typed, exif_date, zone, xmp_date):
    _, photo, xmp = shown(Description(date=typed) if typed else None)
    assert photo[BASE.DateTimeOriginal] == exif_date
    zones = {photo.get(tag) for tag in (BASE.OffsetTime, BASE.OffsetTimeOriginal, BASE.OffsetTimeDigitized)}
    assert zones - {None} == ({zone} if zone else set())
    assert xmp["DateTimeOriginal"] == xmp["DateCreated"] == xmp_date
    assert xmp.get("date") == typed
    # When it was digitized stays what it is.
    assert photo[BASE.DateTimeDigitized] == "2024:05:06 07:08:09"
    assert xmp["CreateDate"] == "2024-05-06T07:08:09+00:00"


def test_without_any_date_none_is_told():
    _, photo, xmp = shown(captured_at=None)
    assert BASE.DateTimeOriginal not in photo
    assert not {"DateTimeOriginal", "DateCreated", "CreateDate", "date"} & xmp.keys()
