from __future__ import annotations

import json

from typer.testing import CliRunner

from filmscand.daemon.cleaning.kernel_signatures import SIGNATURES
from filmscand.daemon.cli.app import app


def test_warm_up_tells_what_is_ready_and_where():
    CliRunner().invoke(app, ["warm-up"], catch_exceptions=False)
    again = CliRunner().invoke(app, ["warm-up", "--json"], catch_exceptions=False)
    answer = json.loads(again.stdout)
    assert (answer["kernels"], answer["compiled"]) == (len(SIGNATURES), 0)
    assert "compiling" not in again.stderr
