"""Batches come in order, whole, and their thread ends with them."""

from __future__ import annotations

import threading

import numpy as np
import torch

from geolabel.learn.feed import batches
from tests.learn.lessons import lesson


def feeders() -> int:
    return sum(thread.name == "batches" for thread in threading.enumerate())


def test_batches_hold_the_tiles_in_order():
    task, normalise = lesson()
    rows = np.array([5, 3, 90, 7, 11])
    found = list(batches(task, rows, 2, normalise, torch.device("cpu")))
    assert [len(batch.chips) for batch in found] == [2, 2, 1]
    chips = torch.cat([batch.chips for batch in found])
    wanted = normalise(torch.from_numpy(task.chips.pixels[rows]), torch.ones(5, 16, 16, dtype=torch.bool))
    assert torch.equal(chips, wanted)
    assert torch.cat([batch.targets for batch in found]).numpy().tolist() == task.targets[rows].tolist()


def test_who_stops_early_leaves_no_thread_behind():
    task, normalise = lesson()
    for batch in batches(task, task.train, 4, normalise, torch.device("cpu")):
        assert len(batch.chips) == 4
        break
    assert feeders() == 0
