"""The documentation is true: links, paths, commands and imports exist, and every word of an interface is explained."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

from filmscand.daemon.archive.records.sidecar import Revision, RevisionOptions, Sidecar
from filmscand.daemon.cli.app import app
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.frames import JobOutcome
from filmscand.daemon.database.session_records import FinishReason, SessionState
from filmscand.daemon.scanning.capture_checks import Suspicion
from filmscand.daemon.station.configuration import Station, Target, Watch
from filmscand.daemon.station.sections.page import User
from filmscand.daemon.station.sections.replicas import Replica
from filmscand.drivers.base import CaptureInfo
from filmscand.ir import CleanReport
from filmscand.ir.report import Caution

HOUSE = Path(__file__).parent.parent
PAGES = [HOUSE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(HOUSE.glob("docs/**/*.md"))


CODE_FOLDERS = ("film", "ir", "drivers", "daemon", "config", "bench", "training", "tests")
# `python -m bench.report` writes this page.
WRITTEN_BY_HAND = [page for page in PAGES if page.name != "measured.md"]
LINE_COLUMNS = 120


def identify(page):
    return str(page.relative_to(HOUSE))


def text_of(name):
    return (HOUSE / "docs" / "reference" / name).read_text()


def unnamed(words, page):
    """Return the words that no code of a page names, alone or as the last part of a dotted one."""
    named = {word for code in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"[\w-]+", code)}
    return {str(word) for word in words} - named


def anchors(page):
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def code_spans(page):
    return re.findall(r"`([^`\n]+)`", page.read_text())


def commands(command=None, path=()):
    """Yield the path and the command of every command, also of those in groups."""
    command = command or typer.main.get_command(app)
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


def prose_lines(page):
    """Yield the numbered lines that are neither code nor tables."""
    is_code = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith("|"):
            yield number, line


@pytest.mark.parametrize("page", PAGES, ids=identify)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text())
    for file, _, anchor in (link.partition("#") for link in links):
        target = page.parent / file if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=identify)
def test_prose_is_wrapped(page):
    # A link cannot be wrapped.
    assert [number for number, line in prose_lines(page) if len(line) > LINE_COLUMNS and "](" not in line] == []


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=identify)
def test_every_module_and_folder_that_a_page_names_exists(page):
    paths = {span for span in code_spans(page) if re.fullmatch(r"[\w/]+(\.py|/)", span)}
    paths = {path for path in paths if path.split("/")[0] in CODE_FOLDERS} - {"bench/out/"}
    assert {path for path in paths if not (HOUSE / path).exists()} == set()


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=identify)
def test_every_module_that_a_page_names_without_its_folder_exists(page):
    modules = {path.name for folder in CODE_FOLDERS for path in (HOUSE / folder).rglob("*.py")}
    assert {span for span in code_spans(page) if re.fullmatch(r"\w+\.py", span)} - modules == set()


@pytest.mark.parametrize("page", PAGES, ids=identify)
def test_every_module_that_a_page_runs_exists(page):
    names = set(re.findall(r"python3? -m ((?:bench|training|filmscand)[\w.]*)", page.read_text()))
    assert {name for name in names if importlib.util.find_spec(name) is None} - {"bench.NAME", "training.NAME"} == set()


@pytest.mark.parametrize("page", PAGES, ids=identify)
def test_every_import_of_an_example_works(page):
    for example in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        for line in [line for line in example.splitlines() if line.startswith(("import ", "from "))]:
            exec(line, {})


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=identify)
def test_the_picture_to_look_at_is_called_access_image(page):
    # Film files have previews of their own; the time of making the access image is the key `preview` of a sidecar.
    lines = [line for _, line in prose_lines(page) if page.name != "file-layouts.md"]
    assert [line for line in lines if re.search(r"(?<!`)\bpreview", line)] == []


def test_every_page_is_in_the_index():
    index = (HOUSE / "docs" / "README.md").read_text()
    pages = {str(page.relative_to(HOUSE / "docs")) for page in HOUSE.glob("docs/*/*.md")}
    assert {page for page in pages if f"({page})" not in index} == set()


def test_every_command_is_in_the_reference():
    assert unnamed({word for path, _ in commands() for word in path}, text_of("command-line.md")) == set()


def test_every_option_is_in_the_reference():
    """One name of each is enough: `--no-infrared` tells of `--infrared`."""
    said = text_of("command-line.md") + text_of("scanners.md")
    options = [
        parameter for _, command in commands() for parameter in command.params if parameter.opts[0].startswith("-")
    ]
    names = [(*option.opts, *option.secondary_opts) for option in options]
    assert [name for name in names if not re.search(rf"({'|'.join(name)})(?![\w-])", said)] == []


def test_every_key_of_the_configuration_is_in_the_reference():
    sections = ("scanners", "workers", "cleaning", "notify", "audit", "page", "logging")
    keys = {key for name in sections for key in type(getattr(Station(), name)).model_fields}
    keys |= set(Station.model_fields) - set(sections) | set(Watch.model_fields) | set(Target.model_fields)
    keys |= set(User.model_fields) | set(Replica.model_fields)
    assert unnamed(keys, text_of("configuration.md")) == set()


def test_every_field_of_a_sidecar_is_in_the_reference():
    fields = {name for record in (Sidecar, CaptureInfo, Revision, RevisionOptions) for name in record.model_fields}
    fields |= set(CleanReport.__dataclass_fields__) - {"shift", "leakage"}
    assert unnamed(fields, text_of("sidecar.md")) == set()


def test_every_code_is_in_the_reference():
    left = {CandidateState.WAIT_PAIR, CandidateState.AMBIGUOUS, CandidateState.QUARANTINED}
    assert unnamed({*Caution, *Suspicion, *JobOutcome, *left}, text_of("codes.md")) == set()
    assert unnamed({*SessionState, *FinishReason}, text_of("command-line.md")) == set()
