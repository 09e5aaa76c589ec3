"""Keeps one command (the program of a process of its own): it ends with its time, and with the process that wants it.

    python -I -S keeper.py LIMIT_S GRACE_S COMMAND [ARGUMENT...]

stdin is a pipe that the other process holds open. When that process dies, however it dies, the pipe ends, and every
process of the command is killed. A byte on the pipe asks the command to end (SIGTERM): after GRACE_S it is killed.
stdout gets one line of JSON at the end. It runs without filmscand's packages, which would take longer to load than many
commands run.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

# Bytes of what the command last wrote that are kept: a screenful of lines.
LAST_WORDS_BYTES = 2000
_LOOK_S = 0.1
_PIECE_BYTES = 65536


def main(limit_s: str, grace_s: str, *command: str) -> None:
    """Run the command and tell how it ended (the entry of the process)."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        print(json.dumps({"refused": error.strerror or str(error)}))
        return
    try:
        last_words = _wait(process, time.monotonic() + float(limit_s), float(grace_s))
    finally:
        status = process.poll()
        # Also what it left running in the background.
        _signal(process, signal.SIGKILL)
        process.wait()
    print(json.dumps({"status": status, "last_words": last_words.decode("utf-8", "replace")}))


def _wait(process: "subprocess.Popen[bytes]", deadline_s: float, grace_s: float) -> bytes:
    """Wait for the end of the command or its time, or for that of the process that wants it."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    watched = [0, process.stdout.fileno()]
    last_words = b""
    while process.poll() is None and time.monotonic() < deadline_s:
        ready, _, _ = select.select(watched, [], [], _LOOK_S)
        if 0 in ready:
            if not os.read(0, 1):
                raise SystemExit("nobody wants the result any more")
            _signal(process, signal.SIGTERM)
            deadline_s = time.monotonic() + grace_s
        if process.stdout.fileno() in ready:
            piece = process.stdout.read(_PIECE_BYTES)
            if piece == b"":
                watched.pop()
            last_words = (last_words + (piece or b""))[-LAST_WORDS_BYTES:]
    return (last_words + (process.stdout.read() or b""))[-LAST_WORDS_BYTES:]


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    main(*sys.argv[1:])
