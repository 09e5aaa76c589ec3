"""What tests of several files ask for by name."""

import os

import pytest

# Where tests run side by side, threads that wait sleep: spinning takes the processor from the other tests' processes.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"


@pytest.fixture(scope="session", autouse=True)
def one_thread_for_each_process_of_a_parallel_run():
    """One thread for kernels and network where tests run side by side: threads that wait for each other spin."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        import numba

        numba.set_num_threads(1)


@pytest.fixture(scope="session")
def compiled_engine():
    """The engine with its kernels compiled, so that no process is waited for longer than it works."""
    # Not every test needs a station, nor every environment what a station needs.
    from support.live_station import warm_up_engine

    warm_up_engine()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny detector that calls dust what is darker than its surroundings, with its card."""
    from filmscand.ir.network.model_file import load_detector
    from support.onnx_models import save_detector

    return load_detector(str(save_detector(tmp_path_factory.mktemp("model") / "tiny.onnx")))
