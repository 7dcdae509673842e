"""A disk that is full after some bytes: one line says so, nothing is lost or left, and with room the command works."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.filling import compiled, fill, room_of
from tests.faults.jobs import JOBS, Job
from tests.faults.zygote import Zygote

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD")
TIMES = {"tile": 3, "label": 3, "export": 3, "change": 3, "predict": 3, "train": 1}


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    library = compiled(tmp_path_factory.mktemp("library"))
    if library is None:
        pytest.skip("a disk that fills up is written in C, and there is no compiler (cc, gcc)")
    with Zygote(LD_PRELOAD=str(library)) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_a_full_disk_is_one_line_and_costs_nothing(job: Job, materials: Path, tmp_path: Path, zygote: Zygote) -> None:
    room, draw = room_of(job, materials, tmp_path, zygote), random.Random(job.name)
    found = [fill(job, room, materials, tmp_path, zygote, draw) for _ in range(TIMES[job.name])]
    assert [one.faults for one in found] == [[]] * len(found)
    assert not all(one.had_room for one in found)
