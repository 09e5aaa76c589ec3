"""Captions and turning in real Chromium: typed, from a CSV file, by key; areas on a turned picture.

Needs Debian's chromium (apt-get install chromium).
"""

from __future__ import annotations

import shutil
import time

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.description.orientation import Orientation
from filmscand.daemon.core.description.record import Description

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
ROWS, COLS = 90, 120


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        # A sandbox needs rights that a container does not give.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, page):
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=f"http://127.0.0.1:{page.port}")
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    # A list that is refused is a line of the console too, and a tile that came when the picture was turned already.
    assert [one for one in complaints if "422" not in one and not one.startswith("Ignoring tile")] == []


@pytest.fixture
def written(station):
    """What the archive tells about a frame."""
    return lambda frame: Archive(station.archive).read_sidecar(frame).description


def wait_for_picture(tab):
    end_s = time.monotonic() + 30
    while not tab.evaluate("typeof zoom === 'object' && Boolean(zoom.layers.clean?.getFullyLoaded())"):
        assert time.monotonic() < end_s
        tab.wait_for_timeout(50)


def on_screen(tab, row, col):
    """The place on the screen of a place on the frame as it is shown."""
    x, y = tab.evaluate(
        """([row, col]) => {
          const at = zoom.layers.raw.imageToViewerElementCoordinates(new OpenSeadragon.Point(col, row));
          const box = place().getBoundingClientRect();
          return [box.left + at.x, box.top + at.y];
        }""",
        [row, col],
    )
    return x, y


def expect(tab, selector):
    return sync_api.expect(tab.locator(selector))


@pytest.mark.parametrize(
    ("keys", "orientation"),
    [
        ("t", Orientation(90)),
        ("T", Orientation(270)),
        ("h", Orientation(0, mirrored=True)),
        ("tth", Orientation(180, mirrored=True)),
        ("th", Orientation(270, mirrored=True)),
    ],
)
def test_an_area_on_a_turned_picture_lies_on_the_pixels_that_were_captured(
    tab, frames, written, station, keys, orientation
):
    tab.goto(f"/frames/{frames[0]}")
    wait_for_picture(tab)
    for key in keys:
        tab.keyboard.press(key)
    expect(tab, "#viewer").to_have_attribute("data-turned", orientation.word)
    tab.wait_for_timeout(300)
    wait_for_picture(tab)
    described = written(frames[0])
    assert described.orientation == orientation
    rows, cols = orientation.shape(ROWS, COLS)
    size = tab.evaluate("(() => { const s = zoom.layers.raw.getContentSize(); return [s.y, s.x]; })()")
    assert size == [rows, cols]
    tab.keyboard.press("e")
    top, left, bottom, right = 10, 20, 30, 50
    tab.mouse.move(*on_screen(tab, top, left))
    tab.mouse.down()
    tab.mouse.move(*on_screen(tab, bottom, right), steps=5)
    tab.mouse.up()
    expect(tab, "#areas li").to_contain_text("30 × 20 pixels")
    tab.get_by_role("button", name="Clean again").click()
    expect(tab, "#told").to_contain_text("being cleaned again")
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    captured = tuple(orientation.inverse.moved(row, col, rows, cols) for row, col in corners)
    assert Archive(station.archive).read_sidecar(frames[0]).drawn.excluded == (captured,)
    # And it is drawn where it was drawn.
    points = tab.locator("#drawing polygon.excluded.kept").get_attribute("points", timeout=10_000)
    assert points == " ".join(f"{col},{row}" for row, col in corners)


def test_captions_are_typed_by_the_keyboard_alone_from_frame_to_frame(tab, frames, written):
    tab.goto(f"/frames/{frames[0]}")
    tab.wait_for_load_state()
    tab.keyboard.press("d")
    tab.keyboard.type("Ada on the pier")
    tab.keyboard.press("Tab")
    tab.keyboard.type("summer")
    tab.keyboard.press("Enter")
    expect(tab, "#told").to_contain_text("date: expected a date like 1968")
    tab.keyboard.press("Control+a")
    tab.keyboard.type("1968-07")
    tab.keyboard.press("Shift+Enter")
    expect(tab, "h1").to_have_text("Frame 2")
    expect(tab, "#caption").to_be_focused()
    assert written(frames[0]) == Description(caption="Ada on the pier", date="1968-07")
    tab.keyboard.type("Bob")
    tab.keyboard.press("Enter")
    expect(tab, "#told").to_have_text("Saved.")
    assert written(frames[1]) == Description(caption="Bob")
    tab.keyboard.press("Escape")
    tab.keyboard.press("k")
    expect(tab, "h1").to_have_text("Frame 1")
    tab.goto(f"/rolls/{frames[0].roll_folder}")
    expect(tab, "#sheet li:nth-child(1) .caption").to_have_text("Ada on the pier · 1968-07")


def test_what_is_being_typed_outlives_what_happens_to_the_frame(tab, page, frames):
    tab.goto(f"/frames/{frames[1]}")
    tab.wait_for_load_state()
    tab.keyboard.press("d")
    tab.keyboard.type("half a capt")
    page.post(f"/api/frames/{frames[1]}/decisions", {"kind": "accept"})
    tab.evaluate("readAgain()")
    expect(tab, ".title .state").to_have_text("accepted")
    tab.keyboard.type("ion")
    expect(tab, "#caption").to_have_value("half a caption")


def test_a_list_of_captions_is_taken_whole_or_every_line_that_does_not_fit_is_named(tab, frames, written, tmp_path):
    tab.goto(f"/rolls/{frames[0].roll_folder}")
    tab.get_by_text("Captions, turn").click()
    file = tmp_path / "captions.csv"
    file.write_text("frame;caption;date\n1;Ada;1968\n2;Bob;68\n9;Cy;\n")
    tab.set_input_files("#list", file)
    expect(tab, "#list-problems li").to_have_count(1)
    expect(tab, "#list-problems li").to_contain_text("line 3: date: expected a date")
    file.write_bytes("frame;caption\n1;Ren\u00e9\n".encode("latin-1"))
    tab.set_input_files("#list", file)
    expect(tab, "#told").to_contain_text("captions.csv cannot be read as UTF-8")
    assert written(frames[0]) is None
    file.write_text("frame;caption;mount\n1;Ren\u00e9;7\n2;Bob;8\n", encoding="utf-8")
    tab.set_input_files("#list", file)
    expect(tab, "#told").to_have_text("2 frames are described, 0 of them as before.")
    expect(tab, "#list-problems").to_be_hidden()
    expect(tab, "#sheet li:nth-child(1) .caption").to_have_text("7 · Ren\u00e9")
    assert written(frames[1]) == Description(caption="Bob", mount_number="8")


def test_a_frame_is_turned_by_a_key_on_the_contact_sheet_and_the_whole_roll_by_a_button(tab, frames, written):
    tab.goto(f"/rolls/{frames[0].roll_folder}")
    tab.wait_for_load_state()
    tab.keyboard.press("j")
    tab.keyboard.press("t")
    first, second = (tab.locator(f"#sheet li:nth-child({number}) img") for number in (1, 2))
    sync_api.expect(first).to_have_js_property("naturalWidth", ROWS)
    sync_api.expect(second).to_have_js_property("naturalWidth", COLS)
    tab.get_by_text("Captions, turn").click()
    tab.get_by_role("button", name="Turn all to the right").click()
    sync_api.expect(second).to_have_js_property("naturalWidth", ROWS)
    sync_api.expect(first).to_have_js_property("naturalWidth", COLS)
    assert [written(frame).turn for frame in frames[:2]] == [180, 90]
