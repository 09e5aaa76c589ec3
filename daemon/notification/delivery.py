"""Delivers a message to one target; gives up on what takes too long, and keeps addresses secret."""

from __future__ import annotations

import re
from contextlib import closing
from urllib.parse import urlsplit

from filmscand.daemon.core.limited_process import LimitedProcess, TaskLostError
from filmscand.daemon.core.visible import visible, without_addresses
from filmscand.daemon.notification.command import run_command
from filmscand.daemon.notification.message import DeliveryError, Message
from filmscand.daemon.notification.through_apprise import send
from filmscand.daemon.notification.webhook import post
from filmscand.daemon.station.configuration import Target

# Apprise 2.3 with its libraries took 45 MiB (VmData) for one message.
_MEMORY_BYTES = 128 << 20
# Shorter parts of an address are words such as "mail": without them a reason could not be read.
_SECRET_LENGTH = 6


def deliver(target: Target, message: Message, limit_s: float) -> None:
    """Send a message to a target.

    Web addresses and Apprise are called in a process of their own: a server that sends one byte now and then is given
    up on time, and the memory of Apprise is not kept.

    Parameters
    ----------
    target : Target
        The target.
    message : Message
        The message.
    limit_s : float
        Seconds after which it is given up.

    Raises
    ------
    DeliveryError
        It did not arrive, as far as is known. The text holds nothing of an address but its scheme and its server.
    """
    if target.command is not None:
        run_command(target.command, message, limit_s)
        return
    with closing(LimitedProcess(_send, _MEMORY_BYTES, limit_s)) as process:
        try:
            process.ask((target, message))
        except TaskLostError:
            raise DeliveryError(f"no answer within {limit_s:g} s, or its process was killed") from None
        except Exception as error:
            reason = str(error) if isinstance(error, DeliveryError) else f"{type(error).__name__}: {error}"
            raise DeliveryError(hidden(reason, target)) from None


def hidden(text: str, target: Target) -> str:
    """Return a text without the parts of the target's address that may be a secret, and without other addresses."""
    for part in sorted(_secrets(target), key=len, reverse=True):
        text = text.replace(part, "...")
    return visible(without_addresses(text))


def _secrets(target: Target) -> set[str]:
    if target.webhook is not None:
        address = urlsplit(target.webhook.get_secret_value())
        secret = f"{address.username}/{address.password}/{address.path}/{address.query}/{address.fragment}"
    elif target.apprise is not None:
        # Many services have a token in the place of the server's name.
        secret = target.apprise.get_secret_value().partition("://")[2]
    else:
        return set()
    return {part for part in re.split(r"[/:@?&=]+", secret) if len(part) >= _SECRET_LENGTH}


def _send(question: tuple[Target, Message]) -> None:
    target, message = question
    if target.webhook is not None:
        post(target.webhook.get_secret_value(), message)
    elif target.apprise is not None:
        send(target.apprise.get_secret_value(), message)
