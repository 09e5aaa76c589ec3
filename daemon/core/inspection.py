"""Looks into an arrived film file, in a child process of limited memory: the service itself decodes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.core.limited_process import LimitedProcess, TaskLostError
from filmscand.drivers.files.errors import NotAFilmScanError
from filmscand.drivers.files.reader import Content, inspect_file

# Time for one file, seconds. Decoding one strip takes a second at most; the rest is for a slow share.
_FILE_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Question:
    """A file, and what the watch folder says about it; see `inspect_file`."""

    path: Path
    fourth_sample_is_infrared: bool | None
    has_partner: bool
    may_be_infrared: bool
    memory_limit_bytes: int


def inspect(question: Question) -> Content:
    """Look into one file (the task of the child)."""
    return inspect_file(
        question.path,
        fourth_sample_is_infrared=question.fourth_sample_is_infrared,
        has_partner=question.has_partner,
        may_be_infrared=question.may_be_infrared,
        memory_limit_bytes=question.memory_limit_bytes,
    )


class Inspector:
    """Looks into files one after another, in a child process that is started when the first file arrives.

    Parameters
    ----------
    memory_limit_bytes : int
        Memory that a worker may use: a frame that needs more could not be cleaned.
    """

    def __init__(self, memory_limit_bytes: int) -> None:
        self._memory_limit_bytes = memory_limit_bytes
        self._child = LimitedProcess(inspect, memory_limit_bytes, _FILE_LIMIT_S)

    def look(
        self,
        path: Path,
        *,
        fourth_sample_is_infrared: bool | None,
        has_partner: bool,
        may_be_infrared: bool = False,
    ) -> Content:
        """Look into a file; `may_be_infrared`: its name is that of an infrared file.

        Raises
        ------
        FilmFileError
            The file is not a complete film scan, or the child died of it.
        OSError
            The file cannot be read.
        """
        question = Question(path, fourth_sample_is_infrared, has_partner, may_be_infrared, self._memory_limit_bytes)
        try:
            return self._child.ask(question)
        except TaskLostError as error:
            expected = "a film scan that can be decoded within the limits"
            raise NotAFilmScanError(path, expected=expected, found=f"one that cannot: {error}") from error

    def close(self) -> None:
        """End the child."""
        self._child.close()
