"""Rules of the house that no linter knows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parent.parent


def test_tests_lie_flat_and_are_no_package():
    assert not list((HOUSE / "tests").rglob("__init__.py"))


def test_the_console_script_answers():
    answer = subprocess.run([sys.executable, "-m", "daemon.cli", "--help"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "clean" in answer.stdout
