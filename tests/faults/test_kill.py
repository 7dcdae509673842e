"""kill -9 at a few moments of each command: `python -m tests.faults` tries many."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.jobs import JOBS, Job
from tests.faults.killing import kill_and_go_on, undisturbed
from tests.faults.zygote import Zygote

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MOMENTS = {"tile": 3, "label": 3, "export": 3, "change": 2, "predict": 2, "train": 1}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_who_was_killed_goes_on_and_makes_the_same(job: Job, materials: Path, tmp_path: Path, zygote: Zygote) -> None:
    peace, draw = undisturbed(job, materials, tmp_path, zygote), random.Random(job.name)
    for _ in range(MOMENTS[job.name]):
        tally = kill_and_go_on(job, peace, materials, tmp_path, zygote, draw)
        assert tally.faults == []
        assert (tally.equal, tally.strays) == (1, 0)
