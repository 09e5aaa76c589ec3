"""Runs a program as systemd would run filmscand.service, as far as rights are concerned, where no systemd runs.

    python3 like_the_unit.py UNIT [PROGRAM ARGUMENT...]

User, groups, umask, folders and environment are those of the unit. Its RestrictSUIDSGID is a seccomp filter here too:
no call may name the setuid or the setgid bit. It needs root. It uses the standard library only.
"""

from __future__ import annotations

import ctypes
import grp
import os
import platform
import pwd
import stat
import struct
import subprocess
import sys
from pathlib import Path

# Where systemd puts the folders that a unit names (systemd.exec(5)).
FOLDERS = {
    "StateDirectory": ("STATE_DIRECTORY", "/var/lib"),
    "CacheDirectory": ("CACHE_DIRECTORY", "/var/cache"),
    "ConfigurationDirectory": ("CONFIGURATION_DIRECTORY", "/etc"),
}
# System calls of x86-64 that set a mode, and the number of its argument.
MODE_ARGUMENTS = {90: 1, 91: 1, 268: 2, 452: 2, 83: 1, 258: 2}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def settings(unit):
    """Return the settings of a unit; of a repeated one, the last."""
    lines = (line.split("=", 1) for line in Path(unit).read_text().splitlines() if "=" in line and line[:1] != "#")
    return dict(lines)


def environment_of(unit):
    """Return the environment that systemd gives the unit's program, and make its folders."""
    user = pwd.getpwnam(unit["User"])
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": user.pw_dir, "USER": user.pw_name}
    for setting, (variable, above) in FOLDERS.items():
        folder = Path(above, unit[setting])
        if not folder.exists():
            folder.mkdir(parents=True)
            os.chown(folder, user.pw_uid, user.pw_gid)
        environment[variable] = str(folder)
    name, value = unit["Environment"].split("=", 1)
    return {**environment, name: value.replace("%C", "/var/cache")}


def become(unit):
    """Take the rights of the unit's program; there is no way back."""
    forbid_setgid_bits()
    os.setgroups([grp.getgrnam(unit["SupplementaryGroups"]).gr_gid] if unit.get("SupplementaryGroups") else [])
    os.setgid(grp.getgrnam(unit["Group"]).gr_gid)
    os.setuid(pwd.getpwnam(unit["User"]).pw_uid)
    os.umask(int(unit["UMask"], 8))


def forbid_setgid_bits():
    """Install the filter of RestrictSUIDSGID for this process and its children, on x86-64."""
    if platform.machine() != "x86_64":
        raise OSError("the filter knows the system calls of x86-64 only")
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06
    allow, refuse = 0x7FFF0000, 0x00050001  # EPERM
    code = [(load, 0, 0, 0)]
    for call, argument in MODE_ARGUMENTS.items():
        code += [
            (equal, 0, 4, call),
            (load, 0, 0, 16 + 8 * argument),
            (any_bit, 0, 1, stat.S_ISUID | stat.S_ISGID),
            (answer, 0, 0, refuse),
            (answer, 0, 0, allow),
        ]
    code.append((answer, 0, 0, allow))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(program)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def main(file, *command):
    """Run a program as the unit would; without one, what the unit starts."""
    unit = settings(file)
    environment = environment_of(unit)
    if not command:
        before = unit["ExecStartPre"].removeprefix("-").split()
        subprocess.run(before, env=environment, preexec_fn=lambda: become(unit), check=False)
    become(unit)
    command = command or tuple(unit["ExecStart"].split())
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main(*sys.argv[1:])
