"""Writes a manual page for filmscand and for each of its commands: `man_pages.py DIR` writes DIR/filmscand-scan.1 ...

Every word about a command is the one that `--help` prints, so the pages cannot fall behind. help2man, which reads the
printed help, would set the names of subcommands as if they were to be replaced, and break lines where the help does.
"""

from __future__ import annotations

import argparse
import os
import re
import textwrap
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import typer
import typer.main

from filmscand.daemon.cli.app import app
from filmscand.daemon.core.exit_status import Exit

_PROGRAM: Final = "filmscand"
# Two less than mandoc's lint wants: a line may get an escape more.
_ROFF_COLUMNS: Final = 78
_STATUSES: Final = {
    Exit.DONE: "Done.",
    Exit.FAILED: "Failed; the message says why. Also: `status` found alarms, or `doctor` found what prevents work.",
    Exit.USAGE: "An option or an argument does not exist, or is out of range.",
    Exit.PART_FAILED: "Some of the frames, files or messages failed; the others are done.",
    Exit.SCANNER: "The scanner needs a person, or cannot do what was requested.",
    Exit.INTEGRITY: "An archived file is missing, unreadable or changed.",
    Exit.STOPPED: "Stopped by Ctrl-C.",
}
_FILES: Final = {
    "~/.local/share/filmscand/": "A station of your own. If anything is in there, commands mean this station.",
    "/var/lib/filmscand/": "The installed station, which commands mean otherwise.",
    "/etc/filmscand/station.yaml": "Configuration of the installed station.",
    "station.yaml": "In the folder of any other station: its configuration.",
    "station.db": "Database of the station; `filmscand rebuild` makes it again from the archive.",
    "station.db.schema-*": "The database as it was before an update changed it.",
    "station.db.socket": "Here the running service listens to commands of its user and of the group filmscand.",
    "drop/": "Folder that is watched for scans.",
    "archive/": "Archive: raw files, cleaned pictures, and a record of each frame.",
}
_ENVIRONMENT: Final = {
    "FILMSCAND_STATION": "Folder of the station that commands mean.",
    "STATE_DIRECTORY, CONFIGURATION_DIRECTORY": "Set by systemd: folder of the station, and of its station.yaml.",
    "XDG_DATA_HOME": "A station of your own is the folder filmscand in here, instead of in ~/.local/share.",
    "NUMBA_CACHE_DIR": "Where the compiled engine is kept; by default beside the program.",
    "COLUMNS": "Width of tables, where the output is no terminal.",
    "NO_COLOR": "If set, nothing is coloured.",
}


@dataclass(frozen=True, slots=True)
class ManualPage:
    """Manual page of one command."""

    context: typer.Context
    parent: ManualPage | None = None

    @property
    def name(self) -> str:
        """Name of the page: `filmscand-session-pause`."""
        return self.context.command_path.replace(" ", "-")

    @property
    def synopsis(self) -> str:
        """What the command does, in the few words that apropos(1) shows: the beginning of the help."""
        words = re.split(r"[:;.]( |$)", _paragraphs(self.context)[0])[0]
        return words[0].lower() + words[1:]

    def roff(self, date: str, others: Iterable[str]) -> str:
        """Return the page in the man(7) language.

        Parameters
        ----------
        date : str
            YYYY-MM-DD.
        others : iterable of str
            Names of the pages that this one shall refer to.
        """
        title = _escaped(self.name.upper())
        head = f'.TH "{title}" 1 "{date}" "{_PROGRAM} {version(_PROGRAM)}" "User Commands"'
        # Names of commands are not hyphenated.
        return "\n".join((head, ".nh", ".ad l", *self._about(), *self._surroundings(), *_see_also(others), ""))

    def _about(self) -> Iterator[str]:
        yield from (".SH NAME", _text(f"{self.name} - {self.synopsis}"), ".SH SYNOPSIS")
        usage = " ".join(self.context.command.collect_usage_pieces(self.context))
        yield f"\\fB{_escaped(self.context.command_path)}\\fR {_placeholders(usage)}"
        yield ".SH DESCRIPTION"
        for number, paragraph in enumerate(_paragraphs(self.context)):
            yield from ((".PP",) if number else ()) + (_text(paragraph),)
        yield from _list("COMMANDS", ((_bold(page.name), page.synopsis) for page in self.children()))
        parameters = self.context.command.get_params(self.context)
        records = [(kind.param_type_name, kind.get_help_record(self.context)) for kind in parameters]
        for section, kind in (("ARGUMENTS", "argument"), ("OPTIONS", "option")):
            shown = [record for param_kind, record in records if param_kind == kind and record]
            yield from _list(section, ((_signature(signature), help_text) for signature, help_text in shown))

    def _surroundings(self) -> Iterator[str]:
        yield from _list("EXIT STATUS", ((_bold(str(status.value)), text) for status, text in _STATUSES.items()))
        yield from _list("FILES", ((f"\\fI{_escaped(path)}\\fR", text) for path, text in _FILES.items()))
        yield from _list("ENVIRONMENT", ((_bold(names), text) for names, text in _ENVIRONMENT.items()))

    def children(self) -> list[ManualPage]:
        """Return the pages of the commands of a group."""
        commands = getattr(self.context.command, "commands", {})
        return [
            ManualPage(typer.Context(command, info_name=name, parent=self.context), self)
            for name, command in sorted(commands.items())
            if not command.hidden
        ]


def all_pages() -> list[ManualPage]:
    """Return the page of the program, then those of its commands and of the commands of groups."""
    pages = [ManualPage(typer.Context(typer.main.get_command(app), info_name=_PROGRAM))]
    for page in pages:
        # The list grows while it is read: these are the commands of the commands.
        pages.extend(page.children())
    return pages


def write_pages(folder: Path, date: str) -> list[Path]:
    """Write all manual pages into a folder, which is made if it does not exist; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for page in all_pages():
        relatives = page.children() if page.parent is None else [page.parent, *page.parent.children()]
        file = folder / f"{page.name}.1"
        file.write_text(page.roff(date, (other.name for other in relatives if other.name != page.name)))
        files.append(file)
    return files


def _paragraphs(context: typer.Context) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in (context.command.help or "").split("\n\n")]


def _list(section: str, items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a section of terms, which are roff already, and what is said of them; nothing if it has no item."""
    for number, (term, text) in enumerate(items):
        yield from () if number else (f".SH {section}",)
        yield from (".TP", term, _text(text))


def _see_also(others: Iterable[str]) -> Iterator[str]:
    # sane-net(5) says how scanners of other machines are reached.
    references = [(name, 1) for name in sorted(others)] + [("sane-net", 5)]
    yield ".SH SEE ALSO"
    yield ",\n".join(f"{_bold(name)}({part})" for name, part in references)


def _signature(text: str) -> str:
    """Return an option or argument with its names in bold and what is to be replaced in italics."""
    return " ".join(_bold(word) if word.startswith("-") else _placeholders(word) for word in text.split(" "))


def _placeholders(text: str) -> str:
    return re.sub(r"[^\s\[\]|<>.,/]+", lambda found: f"\\fI{_escaped(found[0])}\\fR", text)


def _bold(text: str) -> str:
    return f"\\fB{_escaped(text)}\\fR"


def _text(text: str) -> str:
    """Return a text of the help as lines of roff; a code between backticks becomes bold."""
    parts = re.split(r"`([^`]+)`", text)
    roff = "".join(_bold(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))
    # Roff takes a line that begins with one of these for a request.
    lines = textwrap.wrap(roff, _ROFF_COLUMNS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def _escaped(text: str) -> str:
    r"""Return a text whose characters stand for themselves: without the escape, - is a hyphen that no shell knows."""
    escapes = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
    return "".join(escapes.get(character, character) for character in text)


def main() -> None:
    """Write the pages into the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Write the manual pages of filmscand.")
    parser.add_argument("folder", type=Path, help="for example debian/filmscand/usr/share/man/man1")
    # Two builds of the same source give the same pages: https://reproducible-builds.org/specs/source-date-epoch/
    built_s = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    for file in write_pages(parser.parse_args().folder, time.strftime("%Y-%m-%d", time.gmtime(built_s))):
        print(file)


if __name__ == "__main__":
    main()
