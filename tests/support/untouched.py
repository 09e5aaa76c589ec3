"""Says whether a file was written between two looks at it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes when a file is written or replaced; reading it changes its access time alone."""

    inode: int
    modified_ns: int
    size_bytes: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The state of the file at ``path`` now."""
        state = path.stat()
        return cls(state.st_ino, state.st_mtime_ns, state.st_size, state.st_mode)
