"""Shards, one after the other, into the work folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel import files
from geolabel.inference import down_columns, dump_answers, write_answers
from geolabel.learn import engines
from geolabel.progress import counting
from geolabel.steps.region.job import keep, shard_path
from geolabel.steps.region.ready import Ready

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.inference import Shard
    from geolabel.steps.region.job import Job
    from geolabel.steps.region.scene import Scene


def work(folder: Path, job: Job, scene: Scene, shards: Sequence[Shard]) -> int:
    """Predict some shards of a job, each into its file, and give back how many tiles were predicted.

    Shards go down the columns of the region: blocks that neighbours share are most often still decoded. Raises
    InputError (a damaged raster), OutputError (disk full).
    """
    if not shards:
        return 0
    engine = engines.Engine.from_json(job.engine)
    ready = Ready.of(scene, engine, job.places, windows=job.dense is not None)
    total = sum(shard.tiles for shard in shards)
    predicted = 0
    with scene.reader() as reader, counting(total, what="predicting", unit="tiles") as tell, files.writing(folder):
        for shard, answers in ready.predict(reader, down_columns(shards), tell):
            keep(folder, job)
            write_answers(shard_path(folder, shard.number), dump_answers(answers, job.stamp))
            predicted += answers.predicted
    return predicted
