"""The listing of licences has every text that a package brings, once, and names those that bring none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging" / "licences.py"


@pytest.fixture
def environment(tmp_path):
    """Make an environment with three packages: one with two texts, one with none, and pip."""
    site_packages = tmp_path / "lib" / "python3.11" / "site-packages"

    def add(name, metadata, texts):
        folder = site_packages / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}\n")
        for place, text in texts.items():
            (site_packages / place).parent.mkdir(parents=True, exist_ok=True)
            (site_packages / place).write_text(text)
        (folder / "RECORD").write_text("".join(f"{place},,\n" for place in texts))

    add(
        "lens",
        "License-Expression: MIT AND Zlib",
        {
            "lens-1.0.dist-info/licenses/LICENSE": "Use it as you like.",
            "lens/license.py": "# a module",
            "lens/copy/LICENSE.txt": "Use it as you like.",
            "lens/ThirdPartyNotices.txt": "With glass of others.",
        },
    )
    add("mirror", "Classifier: License :: OSI Approved :: BSD License", {"mirror.py": ""})
    add("pip", "License-Expression: MIT", {"pip-1.0.dist-info/LICENSE.txt": "Of pip."})
    return tmp_path


def test_each_text_is_listed_once_with_the_package_that_brings_it(environment):
    answer = subprocess.run([sys.executable, SCRIPT, environment], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("Use it as you like.") == 1
    assert "lens 1.0: MIT AND Zlib\nlens-1.0.dist-info/licenses/LICENSE\n" in answer.stdout
    assert "With glass of others." in answer.stdout
    assert "a module" not in answer.stdout
    assert "Of pip." not in answer.stdout
    assert answer.stdout.rstrip().endswith("Without a text of their own:\n  mirror 1.0: BSD License")


def test_a_folder_that_is_no_environment_is_named(tmp_path):
    answer = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True)
    assert (answer.returncode, str(tmp_path) in answer.stderr) == (1, True)
