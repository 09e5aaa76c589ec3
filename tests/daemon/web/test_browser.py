"""The pages in real Chromium: no error in its console, live, by keyboard, readable, and nothing from elsewhere.

Needs Debian's chromium (apt-get install chromium).
"""

from __future__ import annotations

import re

import pytest

from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.station.configuration import Page
from support.chromium import DESK, PHONE, browser, needs_chromium, sync_api
from support.page_colours import contrasts_below
from support.page_frames import finish, put
from support.page_site import served

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture
def tab(chromium, page):
    """A tab at a desk; what its console says and what it asks of other machines fails the test."""
    context = chromium.new_context(viewport=DESK, base_url=f"http://127.0.0.1:{page.port}")
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: f":{page.port}/" in request.url or complaints.append(request.url))
    yield tab
    context.close()
    assert complaints == []


def pages_of(frames):
    frame = f"/frames/{frames[1]}"
    return ["/", "/rolls", f"/rolls/{frames[0].roll_folder}", frame, f"{frame}?review", "/review", "/folders", "/log"]


def test_a_contact_sheet_fills_while_it_is_looked_at(tab, connection, station, frames, tmp_path):
    tab.goto(f"/rolls/{frames[0].roll_folder}")
    tile = tab.locator("[data-stem=roll-a_0003]")
    sync_api.expect(tile.locator(".state")).to_have_text("waits for cleaning")
    finish(connection, station, tmp_path)
    sync_api.expect(tile.locator(".state")).to_have_text("done", timeout=20_000)
    sync_api.expect(tile.locator("img")).to_have_js_property("naturalWidth", 120)
    put(connection, "four.tif")
    new = tab.locator("#sheet li").nth(3)
    sync_api.expect(new.locator(".number")).to_have_text("4", timeout=20_000)
    sync_api.expect(tab.locator("#counts")).to_have_text("4 frames: 3 done, 1 waiting, 0 failed")


def test_a_frame_that_fails_is_told_where_it_is_looked_at(tab, connection, frames):
    tab.goto(f"/frames/{frames[2]}")
    Queue(connection).fail(Queue(connection).take(ProcessId(1, 1), 60.0), "needs more memory")
    sync_api.expect(tab.locator("#content")).to_contain_text("needs more memory", timeout=20_000)


def test_an_alarm_comes_and_goes_without_a_reload(tab, connection):
    tab.goto("/")
    Alarms(connection).raise_alarm("watch:/drop", "mount the share")
    sync_api.expect(tab.locator("h1")).to_have_text("Needs attention", timeout=20_000)
    sync_api.expect(tab.locator(".alarm")).to_contain_text("mount the share")
    Alarms(connection).clear("watch:/drop")
    sync_api.expect(tab.locator(".alarm")).to_have_count(0, timeout=20_000)


def test_every_page_is_reached_and_every_frame_looked_at_by_the_keyboard_alone(tab, frames):

    def press(key):
        # A key does nothing before the script of the new page runs.
        tab.wait_for_load_state()
        tab.keyboard.press(key)

    tab.goto("/")
    press("r")
    sync_api.expect(tab).to_have_url(re.compile("/rolls$"))
    tab.locator("tbody a").focus()
    press("Enter")
    sync_api.expect(tab).to_have_url(re.compile("/rolls/museum/box-1/roll-a$"))
    press("j")
    press("j")
    press("Enter")
    sync_api.expect(tab.locator("h1")).to_have_text("Frame 2")
    press("x")
    sync_api.expect(tab.locator("#mask")).to_have_attribute("aria-pressed", "true")
    press("ArrowLeft")
    sync_api.expect(tab.locator("h1")).to_have_text("Frame 1")
    press("f")
    sync_api.expect(tab.locator("h1")).to_have_text("Watched folders")
    press("l")
    sync_api.expect(tab.locator("h1")).to_have_text("Log")
    press("Tab")
    sync_api.expect(tab.locator(".skip")).to_be_focused()


def test_the_focus_stays_where_it_was_when_the_page_changes(tab, connection, frames):
    tab.goto("/")
    tab.locator("#content tbody a").first.focus()
    address = tab.locator("#content tbody a").first.get_attribute("href")
    Alarms(connection).raise_alarm("archive", "read-only")
    sync_api.expect(tab.locator("h1")).to_have_text("Needs attention", timeout=20_000)
    assert tab.evaluate("document.activeElement.getAttribute('href')") == address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(chromium, page, connection, frames, scheme):
    Alarms(connection).raise_alarm("archive", "read-only")
    context = chromium.new_context(viewport=DESK, color_scheme=scheme, base_url=f"http://127.0.0.1:{page.port}")
    tab = context.new_page()
    for path in pages_of(frames):
        tab.goto(path)
        assert contrasts_below(tab, 4.5) == [], path
    context.close()


def test_a_phone_shows_every_page_without_scrolling_sideways(chromium, page, frames):
    context = chromium.new_context(viewport=PHONE, base_url=f"http://127.0.0.1:{page.port}")
    tab = context.new_page()
    for path in pages_of(frames):
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    context.close()


def test_a_service_that_went_away_is_told_and_found_again(chromium, connection, station):
    context = chromium.new_context(viewport=DESK)
    tab = context.new_page()
    with served(station) as first:
        tab.goto(f"http://127.0.0.1:{first.port}/")
        sync_api.expect(tab.locator("h1")).to_have_text("Ready")
    sync_api.expect(tab.locator("#connection")).to_be_visible(timeout=20_000)
    with served(station.model_copy(update={"page": Page(port=first.port)})):
        sync_api.expect(tab.locator("#connection")).to_be_hidden(timeout=20_000)
        context.close()
