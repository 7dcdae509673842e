"""What happens on a worker: it opens region and model once, and answers for one shard after the other."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from distributed import WorkerPlugin, get_worker

from geolabel import files, memory, raster
from geolabel.errors import EmptyError, GeolabelError, InputError, InstallError, ModelError
from geolabel.inference import dump_answers
from geolabel.learn import engines
from geolabel.learn.device import choose_device, choose_precision
from geolabel.learn.machine import use_threads
from geolabel.steps.region.ready import Ready
from geolabel.steps.region.scene import open_scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from distributed import Worker

    from geolabel.inference import Shard
    from geolabel.steps.region.choices import Choices
    from geolabel.steps.region.job import Job

_TURN = threading.Lock()
"""One shard at a time in a process, on all threads of its worker: one model is in memory, and one shard's pixels."""


@dataclass(frozen=True, slots=True)
class Order:
    """All that a worker needs to know, and the files that are sent along."""

    job: Job
    version: str
    """Of geolabel."""
    names: tuple[str, ...]
    """Of the inputs, as every worker is to find them."""
    choices: Choices
    device: str
    model: bytes
    area: Mapping[str, bytes]
    """Files of the area of interest by name, its own first; without any, it is read where it lies."""
    local: bool
    """Whether the worker is a child of the process that asks."""
    allow_remote: bool
    """Whether rasters may lead to networks and out of their folders."""

    @property
    def name(self) -> str:
        """What the worker knows it by: a job that is taken up again takes the place of what was left of it."""
        return f"geolabel-{self.job.key}"


@dataclass(frozen=True, slots=True)
class _Opened:
    """What stays open from shard to shard."""

    ready: Ready
    shards: tuple[Shard, ...]
    stack: ExitStack


class Station(WorkerPlugin):
    """A worker's part in a job. The scheduler hands it to each worker that comes, also to those that come back."""

    _busy: Station | None = None
    """The one of this process that has its model open."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.name = order.name

    def setup(self, worker: Worker) -> None:
        """Make ready to be asked; nothing is opened yet."""
        self._worker = worker
        self._over = threading.Event()
        self._opened: _Opened | None = None
        log = logging.getLogger("geolabel")
        if not log.handlers:  # what there is to warn of, the process that asks has said already
            log.addHandler(logging.NullHandler())
        if self.order.local:  # Ctrl-C in the terminal goes to children as well; their parent ends them
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask gives it by name
        """Let go of region and model, after the strip that is at work."""
        self._over.set()
        await asyncio.to_thread(self._leave)

    def predict(self, number: int, topic: str) -> bytes:
        """The file of a shard. Tells `topic` how many of its tiles are done. Raises what opening and reading raise."""
        done = 0

        def tell(tiles: int) -> None:
            nonlocal done
            if self._over.is_set():
                raise InstallError("this job is over: nobody waits for the shard")
            done += tiles
            self._worker.log_event(topic, {"shard": number, "tiles": done})

        with _TURN:
            tell(0)
            use_threads(self._worker.state.nthreads)
            with raster.allow_remote() if self.order.allow_remote else nullcontext():
                opened = self._open()
                # opened anew: GDAL's settings belong to a thread, and a worker may have several
                with opened.ready.scene.reader() as reader:
                    ((_, answers),) = opened.ready.predict(reader, [opened.shards[number]], tell)
            content: bytes = dump_answers(answers, self.order.job.stamp)
            return content

    def _open(self) -> _Opened:
        if self._opened is None:
            if Station._busy is not None:
                Station._busy._close()  # noqa: SLF001 - of its own kind
            check_version(self.order.version)
            with ExitStack() as stack:
                self._opened = _opened(self.order, stack)
            Station._busy = self
        return self._opened

    def _leave(self) -> None:
        with _TURN:
            self._close()

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.stack.close()
            self._opened = None
            Station._busy = None


def check_version(wanted: str) -> None:
    """Raise InstallError where this is another geolabel."""
    if version("geolabel") != wanted:
        raise InstallError(
            f"has geolabel {version('geolabel')}, the job is of {wanted}; install the same on both sides"
        )


def _opened(order: Order, stack: ExitStack) -> _Opened:
    """Open region and model; `stack` is emptied into what is given back. Raises what `open_scene` does."""
    folder = stack.enter_context(files.scratch())
    (folder / "model.safetensors").write_bytes(order.model)
    for name, content in order.area.items():
        (folder / name).write_bytes(content)
    choices = replace(order.choices, aoi=folder / next(iter(order.area))) if order.area else order.choices
    try:
        scene = stack.enter_context(open_scene(order.names, folder / "model.safetensors", choices, order.device))
        same = raster.fingerprint(scene.path) == order.job.inputs["raster"]["fingerprint"]
    except (InputError, EmptyError) as error:
        if order.local or isinstance(error, ModelError):
            raise
        raise InputError(
            f"{error}. Workers read the inputs themselves: under the same path as here, or from an address"
        ) from None
    if not same:
        raise InputError(
            f"{', '.join(order.names)}: is not what it is where the job began; let all machines see the same files"
        )
    job, scene = order.job, scene.planned(order.job.stride)
    engine = engines.Engine.from_json(job.engine)
    memory.keep_arrays()
    return _Opened(Ready.of(scene, engine, job.places, windows=job.dense is not None), job.shards, stack.pop_all())


def predict_shard(name: str, number: int, topic: str) -> bytes:
    """A task: the file of a shard, by the station of that name. A GeolabelError tells of which machine it speaks."""
    worker = get_worker()
    station = cast("Station", worker.plugins[name])
    try:
        return station.predict(number, topic)
    except GeolabelError as error:
        where = "" if station.order.local else f"worker {socket.gethostname()} ({worker.address}): "
        told = type(error)(f"{where}{error}")
    raise told  # here it has no cause: those of libraries do not survive the journey


def engine_here(choices: Choices, tile_px: tuple[int, int], device: str) -> dict[str, Any]:
    """A task: how networks run on workers of another kind than the machine that made the trial. Raises OptionError."""
    place = choose_device(device)
    width, height = tile_px
    told = engines.default_engine(place, height, width).to_json()
    told |= {"precision": choose_precision(choices.precision, place), "compiled": choices.compiled}
    told |= {"kind": choices.engine} if choices.engine != "auto" else {}
    told |= {"batch": choices.batch} if choices.batch else {}
    return engines.Engine.from_json(told).to_json()
