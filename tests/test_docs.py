"""What the documentation says is there: links lead somewhere, and every word that a program may read is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from filmscand.daemon.archive.sidecar import CaptureRecord, Revision, Sidecar
from filmscand.daemon.cli.app import app
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.frames import Outcome
from filmscand.daemon.database.session_records import FinishReason, SessionState
from filmscand.daemon.scanning.capture_checks import Suspicion
from filmscand.daemon.station.configuration import Station, Watch
from filmscand.ir import CleanReport
from filmscand.ir.report import Caution

HOUSE = Path(__file__).parent.parent
PAGES = [HOUSE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(HOUSE.glob("docs/**/*.md"))


def text_of(name):
    return (HOUSE / "docs" / "reference" / name).read_text()


def unnamed(words, page):
    """Return the words that no code of a page names, alone or as the last part of a dotted one."""
    named = {word for code in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"[\w-]+", code)}
    return {str(word) for word in words} - named


def anchors(page):
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text())
    for file, _, anchor in (link.partition("#") for link in links):
        target = page.parent / file if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


def test_every_page_is_in_the_index():
    index = (HOUSE / "docs" / "README.md").read_text()
    pages = {str(page.relative_to(HOUSE / "docs")) for page in HOUSE.glob("docs/*/*.md")}
    assert {page for page in pages if f"({page})" not in index} == set()


def test_every_command_is_in_the_reference():
    commands = typer.main.get_command(app).commands
    assert unnamed(commands, text_of("command-line.md")) == set()


def test_every_key_of_the_configuration_is_in_the_reference():
    sections = ("scanners", "workers", "cleaning", "page", "logging")
    keys = {key for name in sections for key in type(getattr(Station(), name)).model_fields}
    keys |= set(Station.model_fields) - set(sections) | set(Watch.model_fields)
    assert unnamed(keys, text_of("configuration.md")) == set()


def test_every_field_of_a_sidecar_is_in_the_reference():
    fields = {name for record in (Sidecar, CaptureRecord, Revision) for name in record.model_fields}
    fields |= set(CleanReport.__dataclass_fields__) - {"shift", "leakage"}
    assert unnamed(fields, text_of("sidecar.md")) == set()


def test_every_code_is_in_the_reference():
    left = {CandidateState.WAIT_PAIR, CandidateState.AMBIGUOUS, CandidateState.QUARANTINED}
    assert unnamed({*Caution, *Suspicion, *Outcome, *left}, text_of("codes.md")) == set()
    assert unnamed({*SessionState, *FinishReason}, text_of("command-line.md")) == set()
