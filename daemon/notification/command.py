"""Gives a message to a command: JSON on its stdin, title and text in its environment."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress

from filmscand.daemon.core.visible import visible, without_addresses
from filmscand.daemon.notification.message import DeliveryError, Message

# Bytes of the command's last words that are kept for the alarm.
_LAST_WORDS_BYTES = 1000
_LOOK_S = 0.1


def run_command(command: Sequence[str], message: Message, limit_s: float) -> None:
    """Run a command with a message.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell reads them.
    message : Message
        The message: JSON on stdin, `$FILMSCAND_TITLE` and `$FILMSCAND_TEXT`.
    limit_s : float
        Seconds after which the command is killed, with every process that it started.

    Raises
    ------
    DeliveryError
        It cannot be started, takes too long, or its exit status is not 0.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(message.as_json())
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "FILMSCAND_TITLE": message.title, "FILMSCAND_TEXT": message.text},
                start_new_session=True,
            )
        except OSError as error:
            raise DeliveryError(f"cannot be started: {error.strerror}") from None
    with process:
        last_words = _wait(process, time.monotonic() + limit_s)
        if process.returncode is None:
            _kill(process)
            raise DeliveryError(f"took longer than {limit_s:g} s and was killed{_quote(last_words)}")
    if process.returncode != 0:
        raise DeliveryError(f"{_end(process.returncode)}{_quote(last_words)}")


def _wait(process: subprocess.Popen[bytes], deadline_s: float) -> bytes:
    """Wait for the end of the process, but not beyond the deadline; return what it last wrote to stderr."""
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    last_words = b""
    # A process that it left in the background may hold stderr open: the end of the file is not the end of the command.
    while process.poll() is None and time.monotonic() < deadline_s:
        select.select([process.stderr], [], [], _LOOK_S)
        piece = process.stderr.read()
        if piece == b"":
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline_s - time.monotonic()))
        last_words = (last_words + (piece or b""))[-_LAST_WORDS_BYTES:]
    return (last_words + (process.stderr.read() or b""))[-_LAST_WORDS_BYTES:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _quote(last_words: bytes) -> str:
    lines = last_words.decode(errors="replace").strip().splitlines()
    return f": {visible(without_addresses(lines[-1]))}" if lines else ""
