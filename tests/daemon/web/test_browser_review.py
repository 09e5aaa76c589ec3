"""The review in real Chromium, on a service that cleans: exclude, clean again, compare, accept; also by keys alone.

Needs Debian's chromium (apt-get install chromium).
"""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
import tifffile

from filmscand.daemon.core.frame_id import FrameId
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from support.chromium import DESK, browser, needs_chromium, sync_api
from support.film_scans import rgbi
from support.live_station import LiveStation, running

pytestmark = [
    needs_chromium,
    pytest.mark.usefixtures("compiled_engine"),
]
# Its infrared shows much of the picture: frames of it are flagged.
FLAGGED_FILM = "kodachrome"
FIRST, SECOND = (FrameId("unsorted", "unsorted", "roll", number) for number in (1, 2))
ROWS, COLS = 240, 360
CLEANED_MS = 60_000


class Desk:
    """A station that cleans, with two flagged frames, and a browser before it."""

    def __init__(self, live, tab):
        self.live, self.tab = live, tab

    def press(self, *keys):
        for key in keys:
            # A key does nothing before the script of the new page runs.
            self.tab.wait_for_load_state()
            self.tab.keyboard.press(key)

    def expect(self, selector):
        return sync_api.expect(self.tab.locator(selector))

    def open_review(self):
        self.tab.goto("/review")
        self.expect("h1").to_have_text("2 frames to decide about")
        self.press("g")
        self.expect("h1").to_have_text("Frame 1")
        self.wait_for_picture()

    def wait_for_picture(self):
        """Wait until the tiles of the cleaned picture are on the screen."""
        end_s = time.monotonic() + CLEANED_MS / 1000
        while not self.tab.evaluate("typeof zoom === 'object' && Boolean(zoom.layers.clean?.getFullyLoaded())"):
            assert time.monotonic() < end_s
            self.tab.wait_for_timeout(50)

    def wait_for_revision(self, number):
        self.expect("#decide").to_have_attribute("data-revision", str(number), timeout=CLEANED_MS)
        self.expect("#decide [data-decision=accept]").to_be_enabled(timeout=CLEANED_MS)

    def sidecar(self, frame):
        return self.live.archive.read_sidecar(frame)

    def clean(self, frame, revision):
        return tifffile.imread(self.live.archive.frame_folder(frame).path / f"{frame.stem}_r{revision:02d}_clean.tif")

    def raw(self, frame):
        return tifffile.imread(self.live.archive.frame_folder(frame).raw())[..., :3]


@pytest.fixture
def desk(tmp_path):
    live = LiveStation(tmp_path, watch={"settle_s": 0.1}, page={"port": 0}, workers={"count": 1})
    (live.drop / "roll").mkdir(parents=True)
    for number in (1, 2):
        frame = simulate_frame(landscape(ROWS, COLS, number), KINDS[FLAGGED_FILM], seed=number)
        rgbi(live.drop / "roll" / f"{number}.tif", frame)
    with running(live), browser() as chromium:
        live.wait_for_archived(2, at_most_s=90)
        port = live.wait_for_page().port
        context = chromium.new_context(viewport=DESK, base_url=f"http://127.0.0.1:{port}")
        tab = context.new_page()
        complaints = []
        tab.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: f":{port}/" in request.url or complaints.append(request.url))
        yield Desk(live, tab)
        context.close()
    assert complaints == []


def test_a_flagged_frame_is_reviewed_with_the_mouse(desk):
    tab = desk.tab
    desk.open_review()
    desk.expect(".reasons").to_contain_text("of the red density leaked")
    # A margin around the picture, so that its corners can be drawn around.
    tab.get_by_role("button", name="Smaller").click()
    tab.wait_for_timeout(500)
    tab.get_by_role("button", name="Heal nothing here").click()
    box = tab.locator("#viewer").bounding_box()
    tab.mouse.move(box["x"] + 2, box["y"] + 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=5)
    tab.mouse.up()
    desk.expect("#areas li").to_have_text(re.compile(f"Excluded: {COLS} × {ROWS} pixels"))
    tab.get_by_role("button", name="Clean again").click()
    desk.wait_for_revision(2)
    desk.wait_for_picture()
    assert (desk.clean(FIRST, 1) != desk.raw(FIRST)).any()
    assert np.array_equal(desk.clean(FIRST, 2), desk.raw(FIRST))
    tab.locator("#border").fill("50")
    desk.expect("#drawing line").to_have_count(1)
    tab.get_by_role("button", name="Accept").click()
    desk.expect("h1").to_have_text("Frame 2")
    assert [one.kind for one in desk.sidecar(FIRST).decisions] == ["clean_again", "accept"]
    assert desk.sidecar(FIRST).drawn.excluded == (((0, 0), (0, COLS), (ROWS, COLS), (ROWS, 0)),)


def test_a_flagged_frame_is_reviewed_by_the_keyboard_alone(desk):
    desk.open_review()
    desk.press("m", "ArrowDown", "ArrowDown", "Shift+ArrowRight", "Enter")
    desk.expect("#areas li").to_have_text(re.compile("Marked: "))
    desk.press(".", "c")
    desk.wait_for_revision(2)
    assert desk.sidecar(FIRST).latest.options.sensitivity == 0.55
    assert len(desk.sidecar(FIRST).latest.options.marked) == 1
    desk.press("b")
    desk.expect("#before-after").to_have_attribute("aria-pressed", "true")
    desk.press("b", "x", "+", "1", "0", "Shift+ArrowLeft")
    desk.expect("#mask").to_have_attribute("aria-pressed", "true")
    desk.press("a")
    desk.expect("h1").to_have_text("Frame 2")
    desk.press("u")
    desk.expect("h1").to_have_text("Frame 1")
    desk.expect(".title .state").to_have_text("look at it")
    desk.press("a")
    desk.expect("h1").to_have_text("Frame 2")
    desk.press("o")
    desk.expect("h1").to_have_text("Nothing to decide about")
    assert [one.kind for one in desk.sidecar(FIRST).decisions] == ["clean_again", "accept", "undo", "accept"]
    assert [one.kind for one in desk.sidecar(SECOND).decisions] == ["keep_raw"]


def test_an_area_that_was_begun_is_left_by_escape_and_one_that_was_drawn_can_be_removed(desk):
    desk.open_review()
    desk.press("e", "ArrowDown", "Escape")
    desk.expect("#draw-excluded").to_have_attribute("aria-pressed", "false")
    desk.expect("#drawing polygon").to_have_count(0)
    desk.press("e", "ArrowDown", "Enter")
    desk.expect("#drawing polygon.excluded.drawn").to_have_count(1)
    desk.tab.get_by_role("button", name="Remove excluded area 1").click()
    desk.expect("#drawing polygon").to_have_count(0)


def test_a_frame_outside_the_review_is_decided_about_where_it_is(desk):
    desk.tab.goto(f"/frames/{SECOND}")
    desk.wait_for_picture()
    desk.press("w")
    desk.expect(".title .state").to_have_text("to be scanned again")
    desk.expect("h1").to_have_text("Frame 2")
    desk.press("u")
    desk.expect(".title .state").to_have_text("look at it")
