"""A Dask cluster of processes, which end with the block."""

from __future__ import annotations

from bench.measures.dask_cluster import DaskCluster


def test_a_scheduler_and_its_workers_end_with_the_block(tmp_path):
    with DaskCluster(tmp_path) as cluster:
        worker = cluster.add_worker("one")
        assert cluster.address.startswith("tcp://127.0.0.1:")
        assert worker.poll() is None
    assert worker.poll() is not None
