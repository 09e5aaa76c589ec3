"""Results of the checks of `filmscand doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Verdict of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check: what was checked, the verdict, what was found, and what to do about it."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""
