"""Stations to set up: one's own in a folder of the test, and an installed one of a user without a name."""

from __future__ import annotations

import os

from filmscand.daemon.maintenance.first_start.ground import Ground, Owner
from support.two_users import GROUP, SERVICE

SERVICE_OWNER = Owner("filmscand", SERVICE, GROUP, (GROUP,))


def own_ground(folder):
    """Return the ground of a station of this user, which nobody finds without its name."""
    me = Owner("me", os.geteuid(), os.getegid(), tuple(os.getgroups()))
    return Ground(folder / "station", folder / "station" / "station.yaml", me, is_installed=False)


def installed_ground(folder):
    """Return the ground of a service's station; its user is another than the one that sets it up."""
    return Ground(folder / "var", folder / "etc" / "station.yaml", SERVICE_OWNER, is_installed=True)
