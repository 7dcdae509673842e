"""`geolabel predict`: a region through a model, into a folder of maps that open in QGIS."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import files
from geolabel.errors import EmptyError, InterruptedRunError, OptionError, OutputError
from geolabel.inference import down_columns
from geolabel.steps.merge import PredictReport, merge_job
from geolabel.steps.models import find_model
from geolabel.steps.region.choices import Choices, DenseChoice, EngineChoice, PrecisionChoice, TurnChoice
from geolabel.steps.region.estimate import PredictPlan, estimate
from geolabel.steps.region.job import (
    Job,
    check_place,
    claim_places,
    clear,
    fingerprints,
    job_key,
    missing,
    open_job,
    shard_path,
    work_folder,
)
from geolabel.steps.region.pictures import at_hand
from geolabel.steps.region.scene import Scene, open_scene
from geolabel.steps.region.trial import find
from geolabel.steps.region.work import work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geolabel.inference import Shard

_WORKERS_PER_CORE = 4


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What a job of many made of its part of a region."""

    work_folder: Path
    shards: int
    """That are its part."""
    predicted_tiles: int
    """In this run; shards that were there already are not predicted again."""
    left: int
    """Shards of the whole region that are missing yet."""
    command: str
    """What is to be done next."""


def predict(
    rasters: str | Path | Sequence[str | Path],
    *,
    model: str | Path | None = None,
    output: str | Path | None = None,
    bands: Sequence[str] = (),
    scale: float | None = None,
    stride: int | None = None,
    threshold: float | None = None,
    aoi: Path | None = None,
    min_area_ha: float = 0.0,
    tta: TurnChoice = "none",
    dense: DenseChoice = "auto",
    refine: bool = False,
    device: str = "auto",
    engine: EngineChoice = "auto",
    precision: PrecisionChoice = "auto",
    batch: int | None = None,
    compiled: bool = False,
    shard: tuple[int, int] | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
) -> PredictReport | PredictPlan | ShardReport:
    """Predict a region into the folder `output` (default: `<raster>.geolabel`), written whole or not at all.

    `rasters` are files, folders, patterns, products or URLs of one region; `model` is a file or the name of one that is
    built in; without it, one of these that fits is taken. Until the folder is whole, its shards stand in
    `<output>.shards`; the same call goes on there. With `shard` (number from 1, of how many) only that part of them is
    made, for `geolabel merge`. Raises InputError, ModelError, ContractError and BandError (the raster breaks the
    model's contract), CRSError, OptionError, InstallError, EmptyError (nothing valid), OutputError and
    InterruptedRunError.
    """
    names = [str(rasters)] if isinstance(rasters, str | Path) else [str(name) for name in rasters]
    choices = Choices(
        tuple(bands), scale, stride, threshold, aoi, min_area_ha, tta, dense, refine, engine, precision, batch, compiled
    )
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise OptionError(
            f"--shard {shard[0]}/{shard[1]}: write the number of the part, from 1 on, and of how many: 3/16"
        )
    if sum(each is not None for each in (shard, workers, cluster)) > 1:
        raise OptionError("--shard, --workers and --cluster share work out in different ways; give one of them")
    if workers is not None and workers > (most := _WORKERS_PER_CORE * (os.cpu_count() or 1)):
        raise OptionError(f"--workers {workers}: {most} processes are the most that help this machine; give fewer")
    target = Path(output or f"{stem(names[0])}.geolabel")
    chosen = None if model is None else find_model(str(model))
    if not dry_run:
        check_place(target)
        local = [Path(name) for name in names if Path(name).exists()]
        inputs = (*local, chosen, aoi)
        claim_places(target, overwrite=overwrite, inputs=inputs, shared=shard is not None)
    began = time.perf_counter()
    with open_scene(names, chosen, choices, device) as found:
        if dry_run:
            return estimate(target, found, choices, time.perf_counter() - began)
        folder = work_folder(target)
        own = shard is None and not folder.exists()
        job = _open(folder, found, names, choices, overwrite=overwrite and shard is None)
        scene = found.planned(job.stride)
        with _kept(folder, job, own=own):
            if shard is not None:
                mine = part(job.shards, *shard)
                tiles = work(folder, job, _on_its_device(folder, job, scene), missing(folder, job, mine))
                return _told(folder, job, len(mine), tiles, target)
            if workers or cluster:
                from geolabel.steps.region.cluster import spread

                job = spread(folder, job, scene, names, choices, device=device, workers=workers, address=cluster)
            else:
                work(folder, job, _on_its_device(folder, job, scene), missing(folder, job, job.shards))
            return merge_job(folder, job, target, overwrite=overwrite)


def _on_its_device(folder: Path, job: Job, scene: Scene) -> Scene:
    """The scene, if it is on the kind of device on which the job began: answers of another are not the same."""
    if scene.device.type != job.device:
        raise OptionError(
            f"{folder}: was begun on {job.device}, this is {scene.device.type}; give --device {job.device}, or delete "
            "the folder to begin anew"
        )
    return scene


def part(shards: Sequence[Shard], number: int, count: int) -> list[Shard]:
    """The `number`th (from 1) of `count` parts of the shards: neighbours down the columns, about as many in each."""
    ordered = down_columns(shards)
    first, end = (len(ordered) * edge // count for edge in (number - 1, number))
    return ordered[first:end]


def stem(name: str) -> str:
    """What a prediction is named after; a pattern names nothing."""
    stem = Path(name.rstrip("/")).stem
    return "region" if not stem or any(sign in stem for sign in "*?[") else stem


def _open(folder: Path, scene: Scene, names: Sequence[str], choices: Choices, *, overwrite: bool) -> Job:
    """The job of the work folder; a new one begins with a trial of how the network runs best."""
    inputs = fingerprints(scene, names, choices.aoi)
    key = job_key(inputs, names, choices)

    def make() -> Job:
        found = find(scene, choices)
        return Job(
            key=key,
            inputs=inputs,
            options=choices.to_json(),
            card=scene.predictor.card,
            grid=scene.fit.grid,
            stride=found.stride,
            block=scene.block,
            resampled=scene.fit.resampled,
            device=scene.device.type,
            engine=files.to_json(found.engine),
            dense=files.to_json(found.dense),
            places=found.places,
            rasters=at_hand(names),
        )

    return open_job(folder, key, make, overwrite=overwrite)


@contextmanager
def _kept(folder: Path, job: Job, *, own: bool) -> Iterator[None]:
    """Keep what is done where the work is stopped or fails; the folder that this process made goes if it is empty."""
    try:
        yield
    except BaseException as error:
        done = sum(shard_path(folder, shard.number).exists() for shard in job.shards)
        if own and (not done or isinstance(error, EmptyError)) and folder.exists():
            clear(folder)
        elif not folder.exists():
            raise OutputError(
                f"{folder}: is gone; did another process finish the same prediction meanwhile?"
            ) from error
        elif isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(
                f"interrupted; {folder} holds {done} of {len(job.shards)} shards. Go on there with:"
            ) from error
        raise


def _told(folder: Path, job: Job, shards: int, tiles: int, target: Path) -> ShardReport:
    left = sum(not shard_path(folder, shard.number).exists() for shard in job.shards)
    merge = shlex.join(["geolabel", "merge", str(folder), "-o", str(target)])
    command = merge if not left else f"geolabel predict … --shard …, for the {left} shards that are left"
    return ShardReport(folder, shards, tiles, left, command)
