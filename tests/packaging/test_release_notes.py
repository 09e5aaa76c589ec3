"""The notes of a release are its section of the changelog, and a release without one is not made."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging" / "release_notes.py"
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A scanner that makes coffee.

## [0.2.0] - 2027-01-05

### Fixed

- Slides are no longer eaten.

## [0.1.0] - 2026-12-01

First release.
"""


@pytest.fixture(scope="module")
def release_notes():
    return runpy.run_path(str(SCRIPT))["release_notes"]


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        ("0.1.0", "First release.\n"),
        ("0.2.0", "### Fixed\n\n- Slides are no longer eaten.\n"),
        ("0.2.1.dev3+g1a2b3c4", "### Added\n\n- A scanner that makes coffee.\n"),
    ],
)
def test_a_version_has_its_own_section_and_a_development_version_what_is_to_come(release_notes, version, notes):
    assert release_notes(CHANGELOG, version) == notes


@pytest.mark.parametrize("changelog", [CHANGELOG, CHANGELOG + "\n## [0.3.0] - 2027-02-01\n"])
def test_a_release_without_notes_is_an_error_that_names_the_section(release_notes, changelog):
    with pytest.raises(ValueError, match=r"expected a section '## \[0\.3\.0\]'.*found Unreleased, 0\.2\.0"):
        release_notes(changelog, "0.3.0")


def test_the_changelog_has_notes_for_the_version_that_is_being_developed():
    answer = subprocess.run([sys.executable, SCRIPT, "0.1.0.dev0"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "\n## [" not in answer.stdout
