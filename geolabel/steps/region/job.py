"""The work folder of a prediction: what is to be done, and what is done; a run that was killed goes on there.

region.geolabel.shards/
    job.json       inputs, options, model card, grid, tiles, and how the network is run: the same in every process
    00012.npz      a shard, whole or not there
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affine import Affine

from geolabel import checked, files, raster, vector
from geolabel.errors import CRSError, DamagedError, InputError, ModelError, OptionError, OutputError
from geolabel.grid import Grid
from geolabel.inference import Places, Plan, Shard, cut, make_plan, read_answers
from geolabel.model import ModelCard, card_from_json
from geolabel.progress import log
from geolabel.raster import remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from geolabel.checked import Told
    from geolabel.inference import Answers
    from geolabel.steps.region.choices import Choices
    from geolabel.steps.region.scene import Scene

FORMAT = 1
ENDING = ".shards"
_NAME = "job.json"
_MOST_PX, _MOST_TILES = 1 << 24, 1 << 34
"""Of a side, which is half the equator at a metre; and tiles of a region."""


@dataclass(frozen=True, slots=True)
class Job:
    """A prediction that is at work."""

    key: str
    """Of inputs, model, options and version: runs of one key make the same shards."""
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    card: ModelCard
    grid: Grid
    stride: int
    block: tuple[int, int]
    resampled: bool
    device: str
    """cpu or cuda."""
    engine: Mapping[str, Any]
    """How the network is run, as the first process found it best."""
    dense: Mapping[str, Any] | None
    """How dense windows agree with tiles predicted one by one; None where tiles are."""
    places: Places | None
    """Where the network's map has its places, where outlines are refined."""
    rasters: tuple[str, ...] = ()
    """Where the inputs lie on this machine, for pictures of them; () where they are elsewhere."""

    @property
    def plan(self) -> Plan:
        """The tiles."""
        return make_plan(self.grid.width, self.grid.height, self.card.tile_px, self.stride)

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The parts of the region."""
        return cut(self.plan, self.block)

    @property
    def stamp(self) -> str:
        """Of the shards that belong together: the same inputs, options and way to run the network."""
        return _hash({"key": self.key, "device": self.device, "engine": self.engine, "stride": self.stride})


def job_key(inputs: Mapping[str, Any], names: Sequence[str], choices: Choices) -> str:
    """What tells one prediction from another; of files on this machine, also when they were written."""
    times = [Path(name).stat().st_mtime_ns for name in names if Path(name).is_file()]
    told = {
        "format": FORMAT,
        "times": times,
        "inputs": inputs,
        "options": choices.to_json(),
        "version": files.versions()["geolabel"],
    }
    return _hash(told)


def _hash(told: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(files.to_json(told), sort_keys=True).encode(), digest_size=16).hexdigest()


def fingerprints(scene: Scene, rasters: Sequence[str], aoi: Path | None) -> dict[str, Any]:
    """The inputs as run.json names them."""
    found: dict[str, Any] = {
        "raster": {"path": ", ".join(_name(text) for text in rasters), "fingerprint": raster.fingerprint(scene.path)}
    }
    for name, path in (("model", scene.model), ("aoi", aoi)):
        if path is not None and name == "aoi" and vector.rectangle(path):
            found[name] = {"rectangle": str(path)}
        elif path is not None:
            found[name] = {"path": path.name, "fingerprint": files.fingerprint(path)}
    return found


def _name(text: str) -> str:
    """The last part of a path or address, without what may be secret behind it."""
    plain = bare(text)
    return plain.rpartition("/")[2] or plain or text


def bare(text: str) -> str:
    """A path or address without what may be secret behind it, and without a slash at its end."""
    return (remote.bare(text) if "://" in text else text).rstrip("/")


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"{number:05d}.npz"


def named(engine: Mapping[str, Any]) -> str:
    """An engine for a report."""
    compiled = ", compiled" if engine["compiled"] else ""
    return f"{engine['kind']} {engine['precision']}{compiled}"


def read_job(folder: Path) -> Job:
    """Read the job of a work folder. Raises InputError where it is none."""
    value = files.read_json(folder / _NAME, "the job of a prediction (a folder that geolabel predict works in)")
    try:
        checked.check(value)
        told = checked.Told(value)
        if told["format"].value != FORMAT:
            found = str(told["format"].value)[:40]
            raise InputError(f"{folder}: format {found}, this geolabel reads {FORMAT}; upgrade geolabel")
        return _job(told)
    except (DamagedError, ModelError, CRSError, OptionError) as error:
        raise InputError(f"{folder / _NAME}: is damaged ({error}); delete the folder, and predict again") from error


def _job(told: Told) -> Job:
    """Raises DamagedError, ModelError, CRSError, OptionError."""
    grid, options, engine, rasters = told["grid"], told["options"], told["engine"], told.get("rasters")
    threshold, places, dense = options.get("threshold"), told.get("places"), told.get("dense")
    width, height = (grid[key].whole(least=1, most=_MOST_PX) for key in ("width", "height"))
    columns, rows = (side.whole(least=0, most=_MOST_PX) for side in told["block"].items(2))
    card = card_from_json(told["card"].value, "card")
    for entry in told["inputs"].entries().values():
        entry.table()
    _ = told["inputs"]["raster"]["path"].text()
    job = Job(
        key=told["key"].text(),
        inputs=told["inputs"].table(),
        options={
            **options.table(),
            "threshold": None if threshold is None else threshold.number(least=0, most=1),
            "min_area_ha": options["min_area_ha"].number(least=0),
        },
        card=card,
        grid=Grid(grid["crs"].text(), Affine(*grid["transform"].numbers(6)), width, height),
        stride=told["stride"].whole(least=1, most=min(card.tile_px)),
        block=(max(1, columns), max(1, rows)),
        resampled=told["resampled"].flag(),
        device=told["device"].text(),
        engine={"kind": engine["kind"].text(), "precision": engine["precision"].text()}
        | {"compiled": engine["compiled"].flag()}
        | engine.table(),
        dense=None if dense is None else dense.table(),
        places=None
        if places is None
        else Places(places["step"].whole(least=1, most=_MOST_PX), places["centre"].number()),
        rasters=() if rasters is None else rasters.texts(),
    )
    if width * height > _MOST_TILES * job.stride**2:
        raise DamagedError(f"{width:,} × {height:,} px every {job.stride} px are more tiles than a region has")
    return job


def open_job(folder: Path, key: str, make: Callable[[], Job], *, overwrite: bool) -> Job:
    """The job of a work folder: the one that is there if it has this key, or a new one.

    Several processes may open one folder at once: the first one's job is everybody's. Raises OutputError where another
    prediction is at work there.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file, and the shards are to be kept there; choose another place with -o")
    if folder.exists():
        strange = [path for path in folder.iterdir() if not path.name.startswith(".")]
        if not (folder / _NAME).is_file() and strange:
            raise OutputError(f"{folder}: is a folder that geolabel predict did not make; choose another place with -o")
        found = read_job(folder) if (folder / _NAME).is_file() else None
        if found and found.key == key:
            log.info("%s: going on with the shards that are done", folder)
            return found
        if found and not overwrite:
            raise OutputError(
                f"{folder}: holds shards of another input, model or other options; delete it (without --shard, "
                "--overwrite does so), or give another place with -o"
            )
        if found:
            clear(folder)
    job = make()
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _publish(folder / _NAME, job)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            raise
    return _of_key(read_job(folder), key, folder)


def _of_key(job: Job, key: str, folder: Path) -> Job:
    if job.key != key:
        raise OutputError(f"{folder}: another prediction began there at the same time; choose another place with -o")
    return job


def republish(folder: Path, job: Job) -> None:
    """Write a job over the one that is there: workers run the network in another way."""
    files.write_json(folder / _NAME, _told(job))


def _told(job: Job) -> dict[str, Any]:
    told: dict[str, Any] = files.to_json(job) | {
        "format": FORMAT,
        "grid": {
            "crs": job.grid.crs,
            "transform": list(job.grid.transform)[:6],
            "width": job.grid.width,
            "height": job.grid.height,
        },
    }
    return told


def _publish(path: Path, job: Job) -> None:
    """Write a job whole; where another process was faster, its job stays."""
    with files.draft_room(path) as room:
        draft = room / path.name
        draft.write_text(json.dumps(_told(job), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            with suppress(FileExistsError), path.open("x", encoding="utf-8") as stream:
                stream.write(draft.read_text(encoding="utf-8"))


def load(folder: Path, job: Job, shard: Shard) -> Answers:
    """What the tiles of a shard answered. Raises InputError where it is missing, damaged, or of another prediction."""
    path = shard_path(folder, shard.number)
    return read_answers(path, job.plan, shard, len(job.card.classes), job.stamp, job.places)


def missing(folder: Path, job: Job, shards: Sequence[Shard]) -> list[Shard]:
    """Which of some shards are not there yet, are damaged, or belong to another prediction."""
    left = []
    for shard in shards:
        if not shard_path(folder, shard.number).exists():
            left.append(shard)
            continue
        try:
            load(folder, job, shard)
        except InputError as error:
            log.warning("%s", error)
            left.append(shard)
    return left


def clear(folder: Path) -> None:
    """Take a work folder away, with all that is geolabel's own in it; what others put there stays."""
    own = [folder / _NAME, *folder.glob("[0-9]" * 5 + ".npz")]
    for path in own:
        path.unlink(missing_ok=True)
    begun = [path for path in folder.iterdir() if path.name.startswith(f".{_NAME}.") or path.match(".*.draft")]
    for draft in begun:  # last: it tells that the others may go
        shutil.rmtree(draft, ignore_errors=True)
    try:
        folder.rmdir()
    except OSError:
        log.warning("%s: stays, for what is not geolabel's own in it", folder)


def keep(folder: Path, job: Job) -> None:
    """Write the job again, where somebody who began with it took it away when he was stopped."""
    if not (folder / _NAME).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _publish(folder / _NAME, job)


def work_folder(target: Path) -> Path:
    """Where the shards of a prediction stand until its maps are whole."""
    return target.with_name(target.name + ENDING)


def claim_places(
    target: Path, folder: Path | None = None, *, overwrite: bool, inputs: Iterable[Path | None], shared: bool = False
) -> None:
    """Claim a prediction and its work folder; with `shared`, other processes predict other shards there.

    A work folder whose maps have been whole already goes. Raises OutputError: see `files.check_new`.
    """
    work = folder or work_folder(target)
    files.check_new(
        target,
        overwrite=overwrite,
        folder="predict",
        inputs=inputs,
        work=files.Work(work, clear),
        shared=shared,
    )


def check_place(target: Path) -> None:
    """Refuse an output within a work folder, which goes when its maps are whole. Raises OutputError."""
    for parent in target.resolve().parents:
        if (parent / _NAME).is_file():
            raise OutputError(
                f"{target}: lies in {parent}, in which a prediction is at work; choose another place with -o"
            )
