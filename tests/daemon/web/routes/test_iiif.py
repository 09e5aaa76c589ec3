"""The IIIF Image API 3.0 over HTTP, by its compliance table for level 2, behind the page's doors."""

from __future__ import annotations

import io
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.page import Page
from support.page_frames import ROLL, finish, put
from support.page_site import served

BASE = "/iiif/museum%2Fbox-1%2Froll-a_0001"
OTHER = "/iiif/museum%2Fbox-1%2Froll-a_0002"
LINKED_DATA = 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"'


# One page for all: a child that makes pictures takes a second to start.
@pytest.fixture(scope="module")
def station(tmp_path_factory):
    return Station(root=tmp_path_factory.mktemp("iiif") / "station", page=Page(port=0))


@pytest.fixture(scope="module")
def frames(station, tmp_path_factory):
    """Two frames that are done, and one that waits."""
    station.database.parent.mkdir(parents=True)
    with closing(open_database(station.database)) as connection:
        for name in ("one.tif", "two.tif", "three.tif"):
            put(connection, name)
        for _ in range(2):
            finish(connection, station, tmp_path_factory.mktemp("scans"))
    return [FrameId(ROLL.collection, ROLL.box, ROLL.roll, number) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def page(station, frames):
    with served(station) as site:
        yield site


def picture(page, path, base=BASE):
    answer = page.get(f"{base}/{path}")
    assert answer.status == 200, answer.text
    with Image.open(io.BytesIO(answer.body)) as image:
        assert answer.headers["content-type"] == Image.MIME[image.format]
        return image.copy()


def test_the_base_address_leads_to_the_information(page, frames):
    answer = page.get(BASE)
    assert (answer.status, answer.headers["location"]) == (303, f"http://127.0.0.1:{page.port}{BASE}/info.json")


def test_the_information_tells_size_and_level(page, frames):
    answer = page.get(f"{BASE}/info.json")
    assert answer.headers["content-type"] == "application/json"
    assert (answer.json["width"], answer.json["height"], answer.json["profile"]) == (120, 90, "level2")
    assert answer.json["id"] == f"http://127.0.0.1:{page.port}{BASE}"


def test_the_openapi_document_names_what_the_information_tells(page, frames):
    described = page.get("/api/openapi.json").json["components"]["schemas"]["ImageInformation"]["properties"]
    assert page.get(f"{BASE}/info.json").json.keys() == described.keys()


def test_a_client_that_wants_linked_data_gets_its_media_type(page, frames):
    answer = page.get(f"{BASE}/info.json", Accept=LINKED_DATA)
    assert answer.headers["content-type"] == LINKED_DATA
    assert answer.json["@context"] == "http://iiif.io/api/image/3/context.json"


@pytest.mark.parametrize("base", [BASE, "/iiif/museum/box-1/roll-a_0001"], ids=["escaped", "plain"])
def test_slashes_of_the_name_may_be_escaped_or_not(page, frames, base):
    assert page.get(f"{base}/full/max/0/default.jpg").status == 200


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("full/max/0/default.jpg", (120, 90)),
        ("10,20,60,40/max/0/default.jpg", (60, 40)),
        ("pct:50,50,25,50/max/0/default.jpg", (30, 45)),
        ("square/max/0/default.jpg", (90, 90)),
        ("full/60,/0/default.jpg", (60, 45)),
        ("full/,30/0/default.jpg", (40, 30)),
        ("full/pct:50/0/default.jpg", (60, 45)),
        ("full/!40,40/0/default.jpg", (40, 30)),
        ("full/50,20/0/default.jpg", (50, 20)),
        ("full/60,/90/default.jpg", (45, 60)),
        ("full/max/180/default.jpg", (120, 90)),
        ("full/max/!270/default.jpg", (90, 120)),
        ("full/max/0/color.jpg", (120, 90)),
        ("full/max/0/gray.jpg", (120, 90)),
        ("full/max/0/default.png", (120, 90)),
    ],
)
def test_what_level_2_requires_is_answered(page, frames, path, size):
    shown = picture(page, path)
    assert shown.size == size
    assert shown.mode == ("L" if "gray" in path else "RGB")


def test_a_part_is_the_part_of_the_whole_and_turned_as_described(page, station, frames):
    whole = np.asarray(picture(page, "full/max/0/default.png", OTHER))
    archive = Archive(station.archive)
    sidecar = archive.read_sidecar(frames[1])
    turned = sidecar.model_copy(update={"description": Description(turn=90, mirrored=True)})
    archive.write_sidecar(frames[1], turned)
    upright = np.rot90(whole[:, ::-1], -1)
    assert page.get(f"{OTHER}/info.json").json["width"] == 90
    assert np.array_equal(np.asarray(picture(page, "full/max/0/default.png", OTHER)), upright)
    assert np.array_equal(np.asarray(picture(page, "10,20,30,40/max/0/default.png", OTHER)), upright[20:60, 10:40])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("everything/max/0/default.jpg", 400),
        ("120,0,10,10/max/0/default.jpg", 400),
        ("full/121,/0/default.jpg", 400),
        ("full/0,/0/default.jpg", 400),
        ("full/max/45/default.jpg", 400),
        ("full/max/0/bitonal.jpg", 400),
        ("full/max/0/default.jp2", 400),
        ("full/%5Emax/0/default.jpg", 501),
        ("full/^240,/0/default.jpg", 501),
        ("full/max/0", 404),
        ("full/max/0/default.jpg/more", 404),
    ],
)
def test_what_cannot_be_answered_is_refused_as_the_specification_says(page, frames, path, status):
    answer = page.get(f"{BASE}/{path}")
    assert (answer.status, answer.json.keys()) == (status, {"detail"})


@pytest.mark.parametrize(
    "name", ["museum%2Fbox-1%2Froll-a_0009", "museum%2Fbox-1%2Froll-a_0003", "nobody", "A%2FB%2Fc_0001"]
)
@pytest.mark.parametrize("rest", ["", "/info.json", "/full/max/0/default.jpg"])
def test_an_unknown_image_is_404(page, frames, name, rest):
    assert page.get(f"/iiif/{name}{rest}").status == 404


def test_a_viewer_that_has_the_picture_is_told_so(page, frames):
    first = page.get(f"{BASE}/full/max/0/default.jpg")
    again = page.get(f"{BASE}/full/max/0/default.jpg", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"


def test_where_no_login_is_asked_for_no_other_site_may_read_a_picture(page, frames):
    for path in ("info.json", "full/max/0/default.jpg"):
        answer = page.get(f"{BASE}/{path}", Origin="https://viewer.example")
        assert not any(name.startswith("access-control") for name in answer.headers)
    asked = page.request(
        "OPTIONS", f"{BASE}/info.json", Access_Control_Request_Method="GET", Origin="https://v.example"
    )
    assert asked.status == 403
