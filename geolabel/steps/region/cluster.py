"""Shards on many workers: Dask hands them out, and brings the work of lost workers to others."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.inference import down_columns, write_answers
from geolabel.learn.device import choose_device
from geolabel.progress import counting
from geolabel.raster import trust
from geolabel.steps.region.job import keep, missing, republish, shard_path
from geolabel.steps.region.scheduling import load_dask, own_workers, silent, told_plainly, workers_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from geolabel.inference import Shard
    from geolabel.steps.region.choices import Choices
    from geolabel.steps.region.job import Job
    from geolabel.steps.region.scene import Scene

_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def spread(
    folder: Path,
    job: Job,
    scene: Scene,
    names: Sequence[str],
    choices: Choices,
    *,
    device: str,
    workers: int | None,
    address: str | None,
) -> Job:
    """Let workers predict what is missing of a job, and write each shard as it comes; give back the job as it was done.

    The workers are those of the scheduler at `address`, or `workers` processes on this machine. They read the inputs
    `names` themselves; model and area of interest are sent. `device` is the one that was asked for here; where workers
    run on another kind, the job's engine is one for theirs. Raises InstallError (no distributed, workers of another
    version, lost for good), InputError (no scheduler answers, a worker cannot read the raster), OutputError.
    """
    distributed = load_dask()
    left = missing(folder, job, job.shards)
    if not left:
        return job
    own = choose_device(device).type
    with silent(), ExitStack() as stack:
        if address is None:
            client = stack.enter_context(own_workers(distributed, workers or 1, own))
        else:
            client = stack.enter_context(workers_at(distributed, address))
        with told_plainly(distributed, address):
            gpu = _gpus_declared(client)
            theirs = "cuda" if gpu else "cpu"
            resources = {"GPU": 1} if gpu else None
            if theirs != job.device:
                engine = _engine(client, job, choices, theirs, resources)
                job = replace(job, device=theirs, engine=engine)
                republish(folder, job)
                left = missing(folder, job, job.shards)
            order = _order(job, scene, names, choices, theirs, local=address is None)
            with _hired(client, order):
                _gather(distributed, client, folder, job, order.name, left, resources)
    return job


def _gpus_declared(client: Any) -> bool:
    return any(worker["resources"].get("GPU") for worker in client.scheduler_info()["workers"].values())


def _engine(
    client: Any, job: Job, choices: Choices, device: str, resources: Mapping[str, int] | None
) -> Mapping[str, Any]:
    from geolabel.steps.region.remote import engine_here

    told: Mapping[str, Any] = client.submit(
        engine_here, choices, job.card.tile_px, device, resources=resources, pure=False
    ).result()
    return told


@contextmanager
def _hired(client: Any, order: Any) -> Iterator[None]:
    """Give each worker its part, also those that come later; at the end they let go of region and model."""
    from geolabel.steps.region.remote import Station

    client.register_plugin(Station(order))
    try:
        yield
    finally:
        with suppress(OSError):  # where the scheduler is gone, that is told already
            client.unregister_worker_plugin(order.name)


def _order(job: Job, scene: Scene, names: Sequence[str], choices: Choices, device: str, *, local: bool) -> Any:
    from geolabel.steps.region.remote import Order

    area = _area(choices.aoi)
    if choices.aoi is not None:
        choices = replace(choices, aoi=choices.aoi.absolute())
    everywhere = tuple(map(_absolute, names))
    model, allowed = scene.model.read_bytes(), trust.is_allowed()
    return Order(job, version("geolabel"), everywhere, choices, device, model, area, local, allowed)


def _absolute(name: str) -> str:
    """A name that means the same in every folder; addresses do already."""
    return name if "://" in name or name.startswith("/vsi") else str(Path(name).expanduser().absolute())


def _area(aoi: Path | None) -> dict[str, bytes]:
    """The files of an area of interest by name; none where it is a folder, which is to be visible to workers."""
    if aoi is None or not aoi.is_file():
        return {}
    beside = [aoi.with_suffix(ending) for ending in _SHAPEFILE if aoi.suffix.lower() == ".shp"]
    return {path.name: path.read_bytes() for path in (aoi, *beside) if path.is_file()}


@dataclass(slots=True)
class _Bar:
    """The bar of a job, of which some tiles may be predicted twice: those of a worker that was lost."""

    tell: Callable[[int], object]
    told: dict[int, int] = field(default_factory=dict)
    """Tiles by shard."""

    def event(self, event: tuple[float, Mapping[str, int]]) -> None:
        """Take note of what a worker says."""
        _, said = event
        self.reach(said["shard"], said["tiles"])

    def reach(self, shard: int, tiles: int) -> None:
        """So many tiles of a shard are done, at the least."""
        more = tiles - self.told.get(shard, 0)
        if more > 0:
            self.told[shard] = tiles
            self.tell(more)


def _gather(
    distributed: Any,
    client: Any,
    folder: Path,
    job: Job,
    name: str,
    shards: Sequence[Shard],
    resources: Mapping[str, int] | None,
) -> None:
    """Hand out the shards, and write what comes. What goes wrong on a worker is raised here; then the others stop."""
    from geolabel.steps.region.remote import predict_shard

    tiles = {shard.number: shard.tiles for shard in shards}
    run = f"{name}-{uuid.uuid4().hex[:8]}"  # what an earlier run left on the workers is none of this one's
    with counting(sum(tiles.values()), what="predicting", unit="tiles") as tell, files.writing(folder):
        bar = _Bar(tell)
        client.subscribe_topic(run, bar.event)
        futures = {
            client.submit(
                predict_shard,
                name,
                shard.number,
                run,
                key=f"{run}-{shard.number}",
                priority=-place,
                resources=resources,
            ): shard.number
            for place, shard in enumerate(down_columns(shards))
        }
        try:
            for future, content in distributed.as_completed(futures, loop=client.loop, with_results=True):
                if not isinstance(content, bytes):  # Dask gives its word for work that was thrown away as a result
                    raise content
                number = futures.pop(future)
                keep(folder, job)
                write_answers(shard_path(folder, number), content)
                bar.reach(number, tiles[number])
        finally:
            client.cancel(list(futures))
            client.unsubscribe_topic(run)
