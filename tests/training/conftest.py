"""A trained network that several tests look at; none may write into its folder."""

import pytest


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The output folder of a training of three steps."""
    from support.trainings import options
    from training.train import train

    folder = tmp_path_factory.mktemp("trained")
    train(options(folder, "--steps", "3"))
    return folder
