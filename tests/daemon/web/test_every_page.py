"""Every page in real Chromium: what axe-core says of it, and what it asks of other machines.

Needs Debian's chromium (apt-get install chromium).
"""

from __future__ import annotations

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.session_records import ScanPlan, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.station.sections.page import Page, User
from filmscand.daemon.web.doors.passwords import hash_password
from support.chromium import DESK, PHONE, browser, needs_chromium, sync_api
from support.page_frames import ROLL
from support.page_site import served

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = needs_chromium
# Of axe-core's four impacts these two; "moderate" and "minor" are advice.
BARRIERS = ("serious", "critical")
PAGES = {
    "station": "/",
    "new session": "/sessions/new",
    "session": "/sessions/1",
    "rolls": "/rolls",
    "roll": f"/rolls/{ROLL.collection}/{ROLL.box}/{ROLL.roll}",
    "frame": f"/frames/{ROLL.collection}/{ROLL.box}/{ROLL.roll}_0001",
    "flagged frame": f"/frames/{ROLL.collection}/{ROLL.box}/{ROLL.roll}_0002?review",
    "frame that waits": f"/frames/{ROLL.collection}/{ROLL.box}/{ROLL.roll}_0003",
    "review": "/review",
    "folders": "/folders",
    "log": "/log",
    "no such page": "/nowhere",
}


@pytest.fixture(scope="module")
def chromium():
    # No name is resolved: whatever a page asks of another machine fails.
    with browser("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1") as opened:
        yield opened


@pytest.fixture
def busy_page(page, connection, frames):
    """The page of a station with an alarm, and a session that waits for a person."""
    Alarms(connection).raise_alarm("archive", "read-only")
    sessions = Sessions(connection)
    session = sessions.add(ScanPlan(roll="magazine-7", device="net:scanner", frames=40)).session_id
    sessions.move(session, SessionState.ATTENTION, "the slide is jammed", "Free the slide, then go on.")
    return page


def barriers(tab):
    """Return what axe-core finds on the page in a tab, with what to do."""
    # Evaluated by the debugger: the page's own policy for scripts stays as strict as it is.
    found = axe_playwright.Axe().run(tab).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in BARRIERS
        for node in one["nodes"]
    ]


def open_every_part(tab):
    """Unfold what is folded: axe-core looks only at what is shown."""
    tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [(DESK, "light"), (DESK, "dark"), (PHONE, "dark")],
    ids=["desk, light", "desk, dark", "phone, dark"],
)
def test_axe_core_finds_no_serious_barrier_on_any_page(chromium, busy_page, viewport, scheme):
    context = chromium.new_context(
        viewport=viewport, color_scheme=scheme, base_url=f"http://127.0.0.1:{busy_page.port}"
    )
    tab = context.new_page()
    found = {}
    for name, path in PAGES.items():
        tab.goto(path)
        open_every_part(tab)
        found[name] = barriers(tab)
    context.close()
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_no_serious_barrier_where_one_has_to_log_in(chromium, station, connection, scheme):
    visitor = User(name="victor", password=hash_password("correct horse"), role="viewer")
    with served(station.model_copy(update={"page": Page(port=0, users=(visitor,))})) as page:
        context = chromium.new_context(color_scheme=scheme, base_url=f"http://127.0.0.1:{page.port}")
        tab = context.new_page()
        tab.goto("/")
        assert tab.url.endswith("/login?next=/")
        tab.locator("#name").fill("victor")
        tab.locator("#password").fill("no such horse")
        tab.keyboard.press("Enter")
        sync_api.expect(tab.locator("#told")).to_have_text("name or password are wrong")
        found = barriers(tab)
        context.close()
    assert found == []


def test_axe_core_is_heard_when_a_page_has_a_barrier(chromium, page):
    context = chromium.new_context(base_url=f"http://127.0.0.1:{page.port}")
    tab = context.new_page()
    tab.goto("/")
    tab.evaluate("document.body.append(document.createElement('button'))")
    found = barriers(tab)
    context.close()
    assert len(found) == 1
    assert found[0].startswith("button-name (critical)")


# Whether something of the page was painted within 90 s; Playwright's own wait_for_function calls eval, which the page's
# content security policy refuses.
FIRST_PAINT = """() => new Promise((tell) => {
  const seen = (list) => list.getEntriesByName('first-contentful-paint').length && tell(true);
  new PerformanceObserver(seen).observe({ type: 'paint', buffered: true });
  setTimeout(() => tell(false), 90_000);
})"""


def test_the_first_paint_of_every_page_asks_no_machine_but_the_station(chromium, busy_page):
    station = f"http://127.0.0.1:{busy_page.port}"
    context = chromium.new_context(viewport=DESK, base_url=station)
    own, elsewhere = [], []

    def only_the_station(route):
        is_own = route.request.url.startswith(f"{station}/")
        (own if is_own else elsewhere).append(route.request.url)
        if is_own:
            route.continue_()
        else:
            route.abort()

    context.route("**/*", only_the_station)
    for path in PAGES.values():
        # A tab of its own, with nothing kept from the page before.
        tab = context.new_page()
        tab.goto(path)
        # A tab behind another one is not painted; a busy machine takes its time.
        tab.bring_to_front()
        assert tab.evaluate(FIRST_PAINT), path
        assert tab.evaluate("document.styleSheets.length") == 1, path
        tab.close()
    context.close()
    assert elsewhere == []
    assert len(own) > len(PAGES)
