"""Debian's Chromium, driven by Playwright. `setup/system_packages.sh` offers it to `make test`."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
# On a busy machine an answer takes longer than the 5 s that Playwright waits.
sync_api.expect.set_options(timeout=30_000)
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: as root, apt-get install chromium"
)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def browser(*arguments):
    """Run Chromium around the block."""
    with sync_api.sync_playwright() as playwright:
        # A sandbox needs rights that a container does not give.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        yield chromium
        chromium.close()
