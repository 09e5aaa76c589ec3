"""A session in real Chromium, on the virtual scanner: started, watched, jammed, put right; with the keyboard alone too.

Needs Debian's chromium (apt-get install chromium).
"""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from filmscand.daemon.station.sections.page import User
from filmscand.daemon.web.doors.passwords import hash_password
from support.chromium import DESK, PHONE, browser, needs_chromium, sync_api
from support.live_station import LiveStation, running
from support.page_colours import contrasts_below
from support.scanner_station import needs_sane, scanner

pytestmark = [
    needs_chromium,
    pytest.mark.usefixtures("compiled_engine"),
    needs_sane,
]
expect = sync_api.expect
# Where screenshots go, to be looked at; nowhere by default.
PICTURES = os.environ.get("FILMSCAND_SCREENSHOTS")


def picture(tab, name):
    if PICTURES:
        tab.screenshot(path=Path(PICTURES, f"{name}.png"))


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@contextmanager
def at_the_station(chromium, root, virtual, refused_by_test=None, **options):
    """Run a station with a scanner around the block; yields a tab, whose complaints fail the test, and the station.

    Chromium complains of a request that the test itself answers with the status ``refused_by_test``, too: that is heard
    and forgotten.
    """
    live = LiveStation(root, page={"port": 0}, scanners={"hosts": [virtual.address]})
    with running(live):
        site = live.wait_for_page()
        context = chromium.new_context(**{"viewport": DESK, "base_url": f"http://127.0.0.1:{site.port}", **options})
        tab = context.new_page()
        complaints = []
        tab.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        yield tab, live
        context.close()
        assert [text for text in complaints if f"status of {refused_by_test} " not in text] == []
        assert live.stop() == 0


def clean_again_and_seal(tab, live):
    """On the contact sheet: clean the roll again with another sensitivity, then seal it."""
    tab.get_by_text("Clean again, seal").click()
    tab.locator("#sensitivity").fill("0,8")
    tab.get_by_role("button", name="Clean the roll again").click()
    expect(tab.locator("#told")).to_contain_text("The frames are cleaned again")
    expect(
        tab.locator("#sheet .state", has_text="waits").or_(tab.locator("#sheet .state", has_text="being"))
    ).to_have_count(0, timeout=60_000)
    live.wait_for(lambda status: not status.in_work and not status.states["queued"])
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Seal the roll").click()
    expect(tab.locator("#told")).to_have_text("The roll is sealed.", timeout=60_000)
    picture(tab, "roll-sealed")
    roll = live.station.archive / "museum" / "box-1" / "magazine-7"
    assert (roll / "bagit.txt").exists()
    assert len(list(roll.glob("data/*/*_r02_clean.tif"))) == 3


def order_by_mouse(tab):
    """From the station's page: fill in the form of a session and start it."""
    tab.get_by_role("link", name="New session").first.click()
    expect(tab.locator("#roll")).to_be_focused()
    expect(tab.locator("#scanners-told")).to_have_text("1 scanner found.", timeout=30_000)
    tab.locator("#roll").fill("Magazine 7")
    tab.locator("#collection").fill("museum")
    tab.locator("#box").fill("box-1")
    tab.locator("#frames").fill("3")
    expect(tab.locator("#roll")).to_have_value("magazine-7")
    expect(tab.locator("output#next")).to_have_text("1")
    tab.locator("#film").select_option("slide")
    picture(tab, "new-session")
    tab.get_by_role("button", name="Start").click()
    expect(tab).to_have_url(re.compile("/sessions/1$"), timeout=20_000)


def test_a_session_is_started_watched_jammed_and_goes_on(chromium, tmp_path):
    with scanner(3, "jammed@start:2xall") as virtual, at_the_station(chromium, tmp_path, virtual) as (tab, live):
        tab.goto("/")
        picture(tab, "station-empty")
        order_by_mouse(tab)

        expect(tab.locator("h1")).to_have_text("Session 1: needs a person", timeout=60_000)
        expect(tab.locator("#next")).to_have_text("2")
        expect(tab.locator("#content")).to_contain_text("Free the slide")
        expect(tab.locator(".slides img")).to_have_count(1, timeout=60_000)
        picture(tab, "session-jammed")
        tab.goto("/")
        expect(tab.locator("h1")).to_have_text("Needs attention")
        picture(tab, "station-jammed")

        tab.goto("/rolls/museum/box-1/magazine-7")
        expect(tab.locator("#sheet li")).to_have_count(2)
        other = tab.context.new_page()
        other.goto("/sessions/1")
        virtual.clear_faults()
        other.get_by_role("button", name="Done, go on").click()
        expect(other.locator("#told")).to_have_text("Session 1 goes on.")
        # The contact sheet fills while it is looked at.
        expect(tab.locator("#sheet li")).to_have_count(3, timeout=60_000)
        expect(tab.locator("#counts")).to_have_text("3 frames: 3 done, 0 waiting, 0 failed", timeout=60_000)
        picture(tab, "roll-filled")
        expect(other.locator("h1")).to_have_text("Session 1: all slides scanned", timeout=30_000)
        clean_again_and_seal(tab, live)
        expect(other.get_by_role("button")).to_have_count(0)
        picture(other, "session-finished")
        assert live.status().outcomes["archived"] == 3


def order_by_keys(tab):
    """In the form of a session, with its first field ready: order four slides, and mistype their number at first."""
    # A barcode scanner: the code, and Enter.
    tab.keyboard.type("Museum/Box 1/Roll 7\n")
    expect(tab.locator("#collection")).to_be_focused()
    expect(tab.locator("#collection")).to_have_value("museum")
    for field in ("box", "frames"):
        tab.keyboard.press("Enter")
        expect(tab.locator(f"#{field}")).to_be_focused()
    tab.keyboard.type("4x\n")
    for field in ("device", "start"):
        tab.keyboard.press("Enter")
        expect(tab.locator(f"#{field}")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#told")).to_have_text("Slides: expected a number, found 4x.")
    expect(tab.locator("#frames")).to_be_focused()
    tab.keyboard.press("ControlOrMeta+a")
    tab.keyboard.type("4\n")
    for _ in range(2):
        tab.keyboard.press("Enter")
    expect(tab.locator("#start")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("/sessions/1$"), timeout=20_000)


def test_a_person_with_a_barcode_scanner_and_a_keyboard_needs_no_mouse(chromium, tmp_path):
    with (
        scanner(4, "jammed@start:2xall", time_scale=0.02) as virtual,
        at_the_station(chromium, tmp_path, virtual) as (tab, live),
    ):
        tab.goto("/")
        tab.wait_for_load_state()
        tab.keyboard.press("n")
        expect(tab.locator("#roll")).to_be_focused()
        expect(tab.locator("#scanners-told")).to_have_text("1 scanner found.", timeout=30_000)
        order_by_keys(tab)

        expect(tab.locator("h1")).to_have_text("Session 1: needs a person", timeout=60_000)
        virtual.clear_faults()
        tab.keyboard.press("g")
        expect(tab.locator("#told")).to_have_text("Session 1 goes on.")
        expect(tab.locator("h1")).to_have_text(re.compile("Session 1: all slides scanned"), timeout=60_000)
        live.wait_for_archived(4, at_most_s=60.0)
        tab.keyboard.press("n")
        expect(tab).to_have_url(re.compile("/sessions/new"))
        # The next magazine of the box: its place is filled in already, only the roll is scanned.
        expect(tab.locator("#box")).to_have_value("box-1")
        expect(tab.locator("#roll")).to_be_focused()
        expect(tab.locator("#scanners-told")).to_have_text("1 scanner found.", timeout=30_000)
        tab.keyboard.type("museum/box-1/roll-7\n")
        expect(tab.locator("output#next")).to_have_text("5")


def test_a_session_is_paused_and_ended_by_buttons_that_ask_first(chromium, tmp_path):
    with scanner(12, time_scale=0.15) as virtual, at_the_station(chromium, tmp_path, virtual) as (tab, _):
        tab.goto("/sessions/new")
        tab.locator("#roll").fill("r")
        tab.get_by_role("button", name="Start").click()
        expect(tab).to_have_url(re.compile("/sessions/1$"), timeout=30_000)
        tab.get_by_role("button", name="Pause").click()
        expect(tab.locator("#told")).to_have_text("Session 1 pauses after the current slide.")
        expect(tab.locator("h1")).to_have_text("Session 1: paused", timeout=30_000)
        picture(tab, "session-paused")
        questions = []
        tab.once("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))
        tab.get_by_role("button", name="End the session").click()
        assert questions == ["End session 1? What was scanned is kept."]
        expect(tab.locator("h1")).to_have_text("Session 1: paused")
        tab.once("dialog", lambda dialog: dialog.accept())
        tab.get_by_role("button", name="End the session").click()
        expect(tab.locator("h1")).to_have_text("Session 1: cancelled", timeout=30_000)


def test_a_sealed_roll_is_told_before_anything_is_started(chromium, tmp_path):
    with scanner(1) as virtual, at_the_station(chromium, tmp_path, virtual) as (tab, live):
        folder = live.station.archive / "unsorted" / "unsorted" / "old"
        folder.mkdir(parents=True)
        (folder / "bagit.txt").touch()
        tab.goto("/sessions/new")
        tab.locator("#roll").fill("old")
        tab.locator("#collection").focus()
        expect(tab.locator("#roll-problem")).to_contain_text("is sealed and takes nothing more")
        picture(tab, "new-session-sealed")
        assert live.status().sessions == ()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_new_pages_are_readable_at_a_desk_and_on_a_phone(chromium, tmp_path, scheme):
    with (
        scanner(1, "jammed@start:1xall") as virtual,
        at_the_station(chromium, tmp_path, virtual, color_scheme=scheme) as (tab, _),
    ):
        tab.goto("/sessions/new")
        tab.locator("#roll").fill("r")
        tab.get_by_role("button", name="Start").click()
        expect(tab.locator("h1")).to_have_text("Session 1: needs a person", timeout=60_000)
        for name, path in (("new", "/sessions/new"), ("session", "/sessions/1"), ("station", "/")):
            for size, viewport in (("desk", DESK), ("phone", PHONE)):
                tab.set_viewport_size(viewport)
                tab.goto(path)
                assert contrasts_below(tab, 4.5) == [], path
                assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, size)
                picture(tab, f"{name}-{size}-{scheme}")


def test_a_viewer_logs_in_sees_the_station_and_finds_nothing_to_press(chromium, tmp_path):
    users = [{"name": "victor", "password": hash_password("correct horse"), "role": "viewer"}]
    assert User(**users[0])
    live = LiveStation(tmp_path, page={"port": 0, "users": users})
    with running(live):
        site = live.wait_for_page()
        context = chromium.new_context(viewport=DESK, base_url=f"http://127.0.0.1:{site.port}")
        tab = context.new_page()
        tab.goto("/rolls")
        expect(tab).to_have_url(re.compile(r"/login\?next=/rolls$"))
        picture(tab, "login")
        tab.keyboard.type("victor")
        tab.keyboard.press("Tab")
        tab.keyboard.type("no such horse\n")
        expect(tab.locator("#told")).to_have_text("name or password are wrong")
        tab.locator("#password").fill("correct horse")
        tab.keyboard.press("Enter")
        tab.wait_for_url(re.compile(r":\d+/rolls$"), wait_until="load")
        expect(tab.get_by_role("link", name="New session")).to_have_count(0)
        tab.get_by_role("button", name="Log out").click()
        expect(tab).to_have_url(re.compile("/login$"))
        tab.goto("/log")
        expect(tab).to_have_url(re.compile("/login"))
        context.close()
        assert live.stop() == 0


def test_the_form_of_a_session_says_why_the_service_cannot_tell_it_something(chromium, tmp_path):
    def refuse(route):
        route.fulfill(status=503, content_type="application/json", body=json.dumps({"detail": "The disk is gone."}))

    with scanner(1) as virtual, at_the_station(chromium, tmp_path, virtual, refused_by_test=503) as (tab, _):
        tab.route("**/api/scanners", refuse)
        tab.route("**/api/rolls/*/*/*/next", refuse)
        tab.goto("/sessions/new")
        expect(tab.locator("#scanners-told")).to_have_text("The disk is gone.")
        for field in ("collection", "box", "roll"):
            tab.locator(f"#{field}").fill(field)
        tab.locator("#roll").blur()
        expect(tab.locator("#roll-problem")).to_have_text("The disk is gone.")
        expect(tab.locator("output#next")).to_have_text("–")


def test_what_lies_in_the_scanner_is_shown_before_a_session(chromium, tmp_path):
    def look(route):
        assert route.request.post_data_json == {"device": None, "position": 3}
        route.fulfill(status=201, json={"picture": "/static/icon.svg"})

    with scanner(1) as virtual, at_the_station(chromium, tmp_path, virtual) as (tab, _):
        tab.route("**/api/looks", look)
        tab.goto("/sessions/new")
        tab.get_by_text("More settings").click()
        tab.locator("#positions").fill("3-5")
        tab.get_by_role("button", name="Look at what lies in it").click()
        expect(tab.locator("#looked img")).to_have_attribute("src", "/static/icon.svg")
        expect(tab.locator("#looked")).to_be_visible()
