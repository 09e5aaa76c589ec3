"""Two real users of one watch folder: the service, and a member of its group who drops scans there."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import traceback
from pathlib import Path

import pytest

# Numbers that no account has; names are not needed for rights.
SERVICE, GROUP, MEMBER, STRANGER = 48001, 48000, 48002, 48003

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


def as_service(function, *arguments, groups=(GROUP,), umask=0o027):
    """Call a function as the user of the service, in a process of its own; return what it printed."""
    return _call(SERVICE, groups[0], groups, umask, function, arguments)


def function_as_member(function, *arguments):
    """Call a function as the member, in a process of its own; return what it printed."""
    return _call(MEMBER, MEMBER, (GROUP,), 0o022, function, arguments)


def as_stranger(function, *arguments):
    """Call a function as a user of no group, in a process of its own; return what it printed."""
    return _call(STRANGER, STRANGER, (), 0o022, function, arguments)


def as_member(script, folder, *, umask=0o022):
    """Run a shell script in a folder as a user whose own group is another, and who is a member of the service's."""
    done = subprocess.run(
        ["sh", "-ec", script],
        user=MEMBER,
        group=MEMBER,
        extra_groups=[GROUP],
        umask=umask,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _call(user, group, groups, umask, function, arguments):
    # A fork, for Python and its packages may lie where only root may look: here they are loaded already.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            os.setgroups(groups)
            os.setgid(group)
            os.setuid(user)
            os.umask(umask)
            with open(writing, "w") as out, contextlib.redirect_stdout(out):  # noqa: PTH123  a descriptor has no path
                try:
                    function(*arguments)
                    status = 0
                except BaseException:
                    traceback.print_exc(file=out)
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading) as answer:  # noqa: PTH123  a descriptor has no path
        text = answer.read()
    assert os.waitpid(child, 0)[1] == 0, text
    return text


def make_shared_folder():
    """Make a folder that other users may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="filmscand-users-"))
    folder.chmod(0o755)
    return folder


def make_watch_folder(above, *, acl=True, group=GROUP):
    """Make a watch folder as `filmscand.tmpfiles` does."""
    folder = above / "drop"
    folder.mkdir()
    os.chown(folder, SERVICE, group)
    folder.chmod(0o2770)
    if acl:
        if shutil.which("setfacl") is None:
            pytest.skip("setfacl is not installed")
        done = subprocess.run(
            ["setfacl", "-m", "d:u::rwx,d:g::rwx,d:o::---", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no ACLs here: {done.stderr}")
    return folder
