"""A training in steps: normalised by each batch first, by the mean statistics in its second half."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

from training.networks.shelf import Shelf
from training.networks.trainer import Trainer
from training.sheets.pool import Pool, PoolPlan
from training.sheets.sources import Sources
from training.sheets.synthesizer import draw_sheet
from training.train import parse


def test_the_second_half_of_a_training_is_learnt_frozen(tmp_path):
    tiny = "--sheets 4 --sheet-px 96 --crops 2 --crop-px 64 --hours 1 --output"
    trainer = Trainer(parse([*tiny.split(), str(tmp_path)]))
    pool = Pool(PoolPlan(tmp_path / "pool", None, None, 4, 96))
    for seed in range(4):
        pool.put(draw_sheet(np.random.default_rng(seed), 96, Sources()))
    for seconds, frozen in ((0, False), (1799, False), (1801, True)):
        trainer.seconds = seconds
        trainer.learn(Shelf(pool))
        assert trainer.learner.frozen == frozen
