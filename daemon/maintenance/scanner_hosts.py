"""Checks whether the machines whose scanners the station uses answer: saned hangs up on whom it does not know."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Final

from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.drivers.sane.configuration import CONNECT_TIMEOUT_S
from filmscand.drivers.virtual import wire

_RUN: Final = "run saned there (systemctl enable --now saned.socket), and open its port for this machine"
_ALLOW: Final = "write the address of this machine into /etc/sane.d/saned.conf there"


def examine_hosts(hosts: Iterable[str], port: int = wire.PORT) -> Iterator[Check]:
    """Yield a check for each host, in order.

    Parameters
    ----------
    hosts : iterable of str
        Names or addresses, as `scanners.hosts` has them.
    port : int
        Port of saned; libsane knows no other than the default.
    """
    for host in hosts:
        name = f"scanner host {host}"
        try:
            is_welcome = _greet(host, port)
        except OSError as error:
            yield Check(name, Verdict.WARNING, f"no saned answers at port {port}: {error}", _RUN)
            continue
        if is_welcome:
            yield Check(name, Verdict.OK, f"saned answers at port {port}; see `filmscand devices`")
        else:
            yield Check(name, Verdict.WARNING, "saned refuses this machine", _ALLOW)


def _greet(host: str, port: int) -> bool:
    """Return whether saned takes the first call of each client; to whom its list does not name it hangs up."""
    with socket.create_connection((host.strip("[]"), port), timeout=CONNECT_TIMEOUT_S) as connection:
        connection.sendall(wire.words(wire.Procedure.INIT, wire.PROTOCOL_VERSION) + wire.string("filmscand"))
        try:
            return wire.Reader(connection).word() == wire.Status.GOOD
        except (wire.WireError, ConnectionResetError):
            return False
