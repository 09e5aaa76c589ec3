"""A folder that other users may enter."""

from __future__ import annotations

import shutil

import pytest

from support.two_users import make_shared_folder


@pytest.fixture
def shared():
    folder = make_shared_folder()
    yield folder
    shutil.rmtree(folder)
