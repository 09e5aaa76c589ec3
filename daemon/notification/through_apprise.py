"""Sends a message through Apprise, which knows the services that people use: e-mail, Telegram, ntfy, Matrix ..."""

from __future__ import annotations

import logging

from filmscand.daemon.notification.message import DeliveryError, Message


def send(address: str, message: Message) -> None:
    """Send a message to an address of Apprise.

    Raises
    ------
    DeliveryError
        Apprise does not know the address, or could not send the message; the text may quote parts of the address.
    """
    # Only here: only a station that has such a target needs it.
    import apprise

    sender = apprise.Apprise()
    # Without the capture its log, which may quote the address, would go to the log of the service.
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:
        if not sender.add(address):
            raise DeliveryError("Apprise does not understand the address (its wiki lists the services it knows)")
        arrived = bool(sender.notify(title=message.title, body=message.text))
        lines = log.getvalue().strip().splitlines()
    if not arrived:
        raise DeliveryError(f"Apprise could not send it{f': {lines[-1]}' if lines else ''}")
