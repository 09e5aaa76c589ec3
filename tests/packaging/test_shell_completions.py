"""The scripts for the shells lie where the shells look, and bash completes with its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging" / "shell_completions.sh"
PROGRAM = Path(sys.executable).with_name("filmscand")


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    share = tmp_path_factory.mktemp("share")
    subprocess.run([SCRIPT, share, PROGRAM], check=True)
    return share


def test_each_shell_finds_its_script(share):
    files = [path for path in share.rglob("*") if path.is_file()]
    assert sorted(str(file.relative_to(share)) for file in files) == [
        "bash-completion/completions/filmscand",
        "fish/vendor_completions.d/filmscand.fish",
        "zsh/vendor-completions/_filmscand",
    ]


def test_zsh_learns_from_the_first_line_what_the_script_completes(share):
    script = (share / "zsh/vendor-completions/_filmscand").read_text()
    assert script.splitlines()[0] == "#compdef filmscand"


def test_a_program_that_fails_is_no_empty_script(tmp_path):
    assert subprocess.run([SCRIPT, tmp_path, "false"]).returncode != 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_a_command_of_a_group(share):
    typed = 'COMP_WORDS=(filmscand session ca); COMP_CWORD=2; _filmscand_completion filmscand; echo "${COMPREPLY[@]}"'
    script = f'PATH="{PROGRAM.parent}:$PATH"; . {share}/bash-completion/completions/filmscand; {typed}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cancel"]
