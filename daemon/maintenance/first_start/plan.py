"""The whole plan of a set-up, made before anything is changed, and what comes after it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.maintenance.first_start import unit
from filmscand.daemon.maintenance.first_start.actions import Action, plan_actions
from filmscand.daemon.maintenance.first_start.found import ArchiveState, FoundArchive, look_at_archive
from filmscand.daemon.maintenance.first_start.ground import Ground
from filmscand.daemon.maintenance.first_start.storage import check_storage
from filmscand.daemon.maintenance.first_start.wishes import Draft, Wishes, draft
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.sections.page import page_url
from filmscand.daemon.station.service_unit import is_unit_installed


class UnfitError(DaemonError):
    """A folder cannot be used; nothing was changed. `checks` holds what failed."""

    def __init__(self, checks: tuple[Check, ...]) -> None:
        self.checks = checks
        super().__init__("\n".join(f"{check.name}: {check.found}: {check.advice}" for check in checks))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for a station.

    Attributes
    ----------
    ground : Ground
        Whose station it is.
    draft : Draft
        Its configuration.
    checks : tuple of Check
        Results for its folders; none failed.
    found : FoundArchive
        What lies where the archive shall lie.
    actions : tuple of Action
        What has to be done, in this order.
    """

    ground: Ground
    draft: Draft
    checks: tuple[Check, ...]
    found: FoundArchive
    actions: tuple[Action, ...]

    @property
    def station(self) -> Station:
        """The station as it will be."""
        return self.draft.station

    def so_already(self) -> Iterator[str]:
        """Yield what need not be done."""
        if self.draft.is_there:
            yield f"{self.ground.config}: says so already"
        if self.found.state is ArchiveState.OURS:
            yield str(self.found)

    def next_steps(self) -> Iterator[str]:
        """Yield what a person does next."""
        if self.ground.is_installed:
            yield from self._steps_of_installed()
        else:
            yield f"start the service: {self.ground.run_command}"
        page, watches = self.station.page, self.station.watch
        if page.enabled:
            yield f"open the page: {_address(self.station)}"
        if watches:
            yield f"put scans into {watches[0].path}"

    def _steps_of_installed(self) -> Iterator[str]:
        content = unit.drop_in_text(self.station)
        if not is_unit_installed():
            yield "install the unit of the service: docs/how-to/install-as-a-service.md"
        if content is not None and not unit.is_written(content):
            yield f"as root, write {Path('/') / unit.DROP_IN}, then `systemctl daemon-reload`:\n{content}"
        is_active = unit.is_active()
        yield f"start the service: systemctl {'restart' if is_active else 'enable --now'} filmscand"
        group = shlex.quote(self.ground.owner.name)
        yield f"let people drop files and scan: usermod -aG {group} NAME, then a new login"


def make_plan(ground: Ground, wishes: Wishes) -> Plan:
    """Return what has to be done for these wishes; nothing is changed but for files that are written and removed again.

    Raises
    ------
    ConfigError
        The wishes contradict each other or the existing configuration.
    UnfitError
        A folder cannot be used.
    FolderInUseError, ArchiveMissingError
        Something else lies where the archive shall lie, or the station's archive is not there.
    """
    wanted = draft(ground, wishes)
    checks = check_storage(wanted.station, ground)
    failed = tuple(check for check in checks if check.verdict is Verdict.FAILED)
    if failed:
        raise UnfitError(failed)
    found = look_at_archive(wanted.station)
    return Plan(ground, wanted, checks, found, plan_actions(ground, wanted, found))


def _address(station: Station) -> str:
    page = station.page
    host = page.hosts[0] if page.hosts else page.address
    if page.certificate is not None:
        return page_url("https", host, page.port)
    if page.trusted_proxy is not None:
        return f"{page_url('https', host)}, through the proxy"
    return page_url("http", page.address, page.port)
