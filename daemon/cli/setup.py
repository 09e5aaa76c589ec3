"""The command `filmscand setup`: asks what a new station shall be like, checks it, and makes it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmscand.daemon.cli.page import read_password
from filmscand.daemon.cli.report import print_json, show_checks
from filmscand.daemon.cli.screen.terminal import complain, say, say_labelled
from filmscand.daemon.cli.stations import AsJson
from filmscand.daemon.core.errors import ConfigError, DaemonError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.visible import message_of

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.checks import Check
    from filmscand.daemon.maintenance.first_start.ground import Ground
    from filmscand.daemon.maintenance.first_start.plan import Plan
    from filmscand.daemon.maintenance.first_start.wishes import LabPage, Wishes
    from filmscand.daemon.station.configuration import Station

_NOBODY_TO_ASK = (
    "there is no terminal to ask at: add --yes, and --archive DIR, --watch DIR or --config FILE where the usual "
    "places do not fit"
)


def setup(
    archive: Annotated[Path | None, typer.Option("--archive", metavar="DIR", help="Folder of the archive.")] = None,
    watch: Annotated[Path | None, typer.Option("--watch", metavar="DIR", help="Folder that is watched.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Configuration to write; default: the usual one."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --yes: change an existing configuration.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set up a station: ask where things shall lie, check them, write the configuration, make the archive.

    Asks first and changes nothing until you agree. Run it again at any time: it tells what is so already.
    """
    from filmscand.daemon.maintenance.first_start.ground import find_ground
    from filmscand.daemon.maintenance.first_start.plan import make_plan
    from filmscand.daemon.maintenance.first_start.wishes import Wishes

    _require_options(yes=yes, force=force, as_json=as_json)
    ground = find_ground(config)
    wishes = Wishes(_absolute(archive), _absolute(watch))
    if not as_json:
        say_labelled("station", ground.root)
        say_labelled("file", ground.config)
        say_labelled("user", ground.owner.name)
    plan = make_plan(ground, wishes) if yes else _ask(ground, wishes)
    if plan.draft.replaces and yes and not force:
        raise ConfigError(f"{ground.config}: exists and says something else; add --force to change it, or edit it")
    so_already = list(plan.so_already())
    done, notes = _carry_out(plan, quiet=as_json)
    checks = _check(plan)
    failed = any(check.verdict == "failed" for check in checks)
    if as_json:
        answer = {"done": done, "so_already": so_already, "problems": notes, "checks": checks}
        named = {"station": str(ground.root), "config": str(ground.config), "archive": plan.found}
        print_json({**named, **answer, "next": list(plan.next_steps())})
    else:
        _show_end(plan, so_already if yes else [], checks)
    raise typer.Exit(Exit.FAILED if failed else Exit.PART_FAILED if notes else Exit.DONE)


def _require_options(*, yes: bool, force: bool, as_json: bool) -> None:
    if force and not yes:
        raise typer.BadParameter("--force is for --yes; otherwise the command asks")
    if as_json and not yes:
        raise typer.BadParameter("the command asks questions, which JSON has no place for: add --yes")
    if not yes and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter(_NOBODY_TO_ASK)


def _absolute(folder: Path | None) -> Path | None:
    return None if folder is None else Path(os.path.normpath(folder.expanduser().absolute()))


def _ask(ground: Ground, wishes: Wishes) -> Plan:
    """Ask until there is a plan that works and that the person agrees to."""
    from filmscand.daemon.maintenance.first_start.found import ArchiveState
    from filmscand.daemon.maintenance.first_start.plan import make_plan
    from filmscand.daemon.maintenance.first_start.wishes import Wishes, draft

    present = draft(ground, Wishes()).station
    asked = wishes
    while True:
        asked = _ask_wishes(present, asked)
        try:
            plan = make_plan(ground, asked)
        except (DaemonError, OSError) as error:
            complain(message_of(error))
            # Asked again, with what was answered as the proposal.
            present, asked = _proposed(present, asked), Wishes(page=asked.page)
            continue
        if plan.found.state is ArchiveState.UNKNOWN and not _may_take_over(plan):
            asked = Wishes(watch=asked.watch, page=asked.page)
            continue
        _show_plan(plan)
        if plan.actions:
            typer.confirm("Do this?", default=True, abort=True)
        return plan


def _proposed(present: Station, asked: Wishes) -> Station:
    watches = present.watch
    if asked.watch is not None and len(watches) == 1:
        watches = (watches[0].model_copy(update={"path": asked.watch}),)
    return present.model_copy(update={"archive": asked.archive or present.archive, "watch": watches})


def _ask_wishes(present: Station, wishes: Wishes) -> Wishes:
    """Ask for each wish that is not known yet."""
    from filmscand.daemon.maintenance.first_start.wishes import Wishes

    archive = wishes.archive or _ask_folder("Where shall the archive lie?", present.archive)
    watch = wishes.watch
    if watch is None and len(present.watch) == 1:
        watch = _ask_folder("Which folder shall be watched for scans?", present.watch[0].path)
    page = wishes.page
    if page is None and not present.page.needs_login:
        page = _ask_page()
    return Wishes(archive, watch, page)


def _ask_folder(question: str, proposal: Path) -> Path:
    typed: str = typer.prompt(question, default=str(proposal))
    folder = _absolute(Path(typed))
    assert folder is not None
    return folder


def _ask_page() -> LabPage | None:
    from filmscand.daemon.maintenance.first_start.wishes import LabPage

    if not typer.confirm("Shall other computers of the lab open the page?", default=False):
        return None
    host = typer.prompt("By which name do they reach this machine?", default=socket.getfqdn())
    certificate = typer.prompt(
        "Certificate for TLS (a PEM file; empty: a proxy has it)", default="", show_default=False
    )
    key, proxy = None, None
    if certificate:
        key = _ask_folder("Its key (a PEM file)", Path(certificate).with_name("key.pem"))
    else:
        proxy = typer.prompt("Address of the proxy", default="127.0.0.1")
    user = typer.prompt("Name of the first operator", default=os.environ.get("SUDO_USER") or getpass.getuser())
    return LabPage(host, user, _ask_password(), _absolute(Path(certificate)) if certificate else None, key, proxy)


def _ask_password() -> str:
    from filmscand.daemon.web.doors.passwords import hash_password

    while True:
        try:
            return hash_password(read_password())
        except ValueError as error:
            complain(error)


def _may_take_over(plan: Plan) -> bool:
    say(plan.found)
    whose = plan.found.station
    warning = "" if whose is None else " That station then stops writing to it."
    return typer.confirm(f"Take it over for this station?{warning}", default=False)


def _show_plan(plan: Plan) -> None:
    show_checks(plan.checks, as_json=False)
    for text in plan.so_already():
        say(text)
    for action in plan.actions:
        say(f"- {action.text}")


def _carry_out(plan: Plan, *, quiet: bool) -> tuple[list[str], list[str]]:
    """Do what has to be done; return the deeds, and what a person has to look at."""
    done, notes = [], []
    for action in plan.actions:
        # Afterwards a folder that was made is there, and would be told otherwise.
        text = action.text
        note = action.do()
        done.append(text)
        if not quiet:
            say(f"done: {text}")
        if note:
            notes.append(note)
            complain(note)
    return done, notes


def _check(plan: Plan) -> tuple[Check, ...]:
    """Compile the engine, look for scanners, and examine the station that was made."""
    from filmscand.daemon.maintenance.doctor import examine
    from filmscand.daemon.maintenance.first_start.kernels import compile_kernels
    from filmscand.daemon.maintenance.first_start.scanners import look_for_scanners

    return compile_kernels(plan.ground), *look_for_scanners(plan.station), *examine(plan.station)


def _show_end(plan: Plan, so_already: list[str], checks: tuple[Check, ...]) -> None:
    for text in so_already:
        say(text)
    if not plan.actions:
        say("nothing had to be done")
    shown = [check for check in checks if check.verdict != "ok" or check.name.startswith(("kernels", "scanner"))]
    show_checks(shown, as_json=False)
    say()
    say("next:")
    for step in plan.next_steps():
        say(f"- {step}")
