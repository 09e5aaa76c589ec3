"""Asks a process of its own whether an infrared file belongs to a picture: decoding has a limit of memory there.

The comparison needs numpy and scipy, which the service itself does without.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from filmscand.daemon.core.request import CleanRequest

# Longest time of the comparison, seconds: ten times what a frame of 24 megapixels takes on a slow machine.
_TIMEOUT_S: Final = 300.0
# Exit status of the process where the planes were compared and do not belong together.
DOES_NOT_BELONG: Final = 3


def why_not(picture: Path, infrared: Path, request: CleanRequest, *, memory_limit_bytes: int) -> str | None:
    """Return why an infrared file does not belong to a picture, in words for a person; None if it surely belongs.

    Parameters
    ----------
    picture, infrared : Path
        The two film files.
    request : CleanRequest
        How the frame is to be cleaned; it says what a fourth sample of the picture is.
    memory_limit_bytes : int
        Memory that the comparison may use.
    """
    words = [str(picture), str(infrared), str(request.fourth_sample_is_infrared), str(memory_limit_bytes)]
    # One thread: the workers have the other cores, and each thread reserves memory.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "filmscand.daemon.ingest.pairs.plane_comparison", *words]
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"comparing the two took more than {_TIMEOUT_S:g} s"
    if ended.returncode == 0:
        return None
    said = ended.stdout if ended.returncode == DOES_NOT_BELONG else ended.stderr
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit status {ended.returncode}"]
    return last[0] if ended.returncode == DOES_NOT_BELONG else f"the two cannot be compared ({last[0]})"
