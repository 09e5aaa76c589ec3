"""Photograph the station's pages for the docs: `python -m bench.screenshots URL`.

URL is the page that `make run` names at its end. The pictures go into docs/pictures/.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path("docs/pictures")
# Every page, by the name of its picture; the roll's and the frame's are found on the page of the rolls.
PLAIN = {
    "page-station": "/",
    "page-new-session": "/sessions/new",
    "page-rolls": "/rolls",
    "page-review": "/review",
    "page-folders": "/folders",
    "page-log": "/log",
}
ROLL, FRAME = "page-roll", "page-frame"
# A desk's screen; text is still read at half the width of the docs.
WIDTH, HEIGHT = 1280, 800
QUALITY = 85
_PICTURES_MS = 1000


def main() -> None:
    """Visit the pages, and save a picture of each."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__)
    parser.add_argument("url", help="address of the page")
    parser.add_argument("--output", type=Path, default=FOLDER)
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, base_url=options.url.rstrip("/"))
        for name, path in PLAIN.items():
            _visit(tab, path)
            _save(tab, options.output / f"{name}.jpg")
        _visit(tab, "/rolls")
        _follow(tab, "main a[href^='/rolls/']")
        _save(tab, options.output / f"{ROLL}.jpg")
        _follow(tab, "#sheet a")
        _save(tab, options.output / f"{FRAME}.jpg")
        browser.close()


def _visit(tab: Page, path: str) -> None:
    tab.goto(path)
    _wait(tab)


def _follow(tab: Page, link: str) -> None:
    tab.locator(link).first.click()
    tab.wait_for_load_state()
    _wait(tab)


def _wait(tab: Page) -> None:
    """Wait for pictures and tiles; the event stream never ends, so that the network is never idle."""
    tab.wait_for_timeout(_PICTURES_MS)


def _save(tab: Page, file: Path) -> None:
    with Image.open(io.BytesIO(tab.screenshot())) as shot:
        shot.convert("RGB").save(file, quality=QUALITY, optimize=True)
    print(file)


if __name__ == "__main__":
    main()
