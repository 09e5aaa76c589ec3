"""The commands for the page's users: a password's hash and a token, for the configuration."""

from __future__ import annotations

import sys

import typer

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.screen.terminal import complain
from filmscand.daemon.cli.stations import AsJson

page_app = typer.Typer(help="Make passwords and tokens for users of the page.", no_args_is_help=True)


@page_app.command()
def password(as_json: AsJson = False) -> None:
    """Ask for a password, twice on a terminal, and print the line for page.users in the configuration."""
    from filmscand.daemon.web.doors.passwords import hash_password

    try:
        hashed = hash_password(read_password())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    print_json({"password": hashed}) if as_json else print(f"password: '{hashed}'")


@page_app.command()
def token(as_json: AsJson = False) -> None:
    """Make a token for a program, and print it once with the line for page.users in the configuration."""
    from filmscand.daemon.web.doors.passwords import make_token

    made, hashed = make_token()
    if as_json:
        print_json({"secret": made, "token": hashed})
        return
    complain("for the program, in its header `Authorization: Bearer ...`; it is not shown again:")
    print(made)
    complain("for the configuration:")
    print(f"token: '{hashed}'")


def read_password() -> str:
    """Return the password that is typed, twice at a terminal, or the line that another program gives.

    Raises
    ------
    ValueError
        The two differ.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    from getpass import getpass

    typed = getpass("Password: ")
    if getpass("Once more: ") != typed:
        raise ValueError("the two passwords differ")
    return typed
