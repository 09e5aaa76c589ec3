from __future__ import annotations

import pytest

from filmscand.daemon.station.service_unit import is_unit_installed


@pytest.mark.parametrize("folder", ["etc/systemd/system", "usr/lib/systemd/system"], ids=["by hand", "by a package"])
def test_a_unit_is_installed_by_a_person_or_by_a_package(tmp_path, folder):
    assert not is_unit_installed(tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    assert not is_unit_installed(tmp_path)
    (tmp_path / folder / "filmscand.service").touch()
    assert is_unit_installed(tmp_path)
