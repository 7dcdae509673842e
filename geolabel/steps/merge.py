"""`geolabel merge`: the shards of a region, whoever predicted them, into the folder of maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from geolabel import files, memory, provenance
from geolabel.errors import EmptyError, InputError
from geolabel.inference import blended, rows_at_once
from geolabel.model import exclusive
from geolabel.progress import track
from geolabel.provenance import Input
from geolabel.steps.making import made_of
from geolabel.steps.prediction import Found, write_prediction
from geolabel.steps.record import close_record
from geolabel.steps.region.choices import Choices
from geolabel.steps.region.job import ENDING, check_place, claim_places, clear, load, missing, named, read_job
from geolabel.steps.region.pictures import write_pictures
from geolabel.steps.stac import write_item

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.provenance import Made
    from geolabel.steps.region.job import Job


@dataclass(frozen=True, slots=True)
class PredictReport:
    """What a prediction found."""

    output: Path
    tiles: int
    """Tiles of the plan; those without a valid pixel are skipped."""
    shards: int
    engine: str
    """What ran the network, and in which precision."""
    dense: bool
    """Whether tiles were answered as windows of one feature map."""
    resampled: bool
    """Whether the raster was brought to the model's GSD."""
    gsd_m: float
    valid_km2: float
    """Area that was predicted."""
    undecided_km2: float
    """Area on which the model abstains."""
    detections: dict[str, int]
    """Class → polygons."""
    area_ha: dict[str, float]
    """Class → geodesic hectares."""


def merge(shards: Path, *, output: Path | None = None, overwrite: bool = False) -> PredictReport:
    """Merge the shards of a work folder into a prediction (default: the folder's name without `.shards`).

    Neither the raster nor the model is needed. The work folder is taken away in the end. Raises InputError (no work
    folder, or shards are missing), EmptyError (nothing valid), OutputError.
    """
    shards = shards.resolve() if not shards.name else shards
    job = read_job(shards)
    target = output or shards.with_name(shards.name.removesuffix(ENDING))
    check_place(target)
    claim_places(target, shards, overwrite=overwrite, inputs=(shards,))
    left = missing(shards, job, job.shards)
    if left:
        raise InputError(
            f"{shards}: {len(left)} of {len(job.shards)} shards are missing (the first is {left[0].number}); "
            "predict them with the command that made the others, or without --shard"
        )
    return merge_job(shards, job, target, overwrite=overwrite)


def merge_job(folder: Path, job: Job, target: Path, *, overwrite: bool) -> PredictReport:
    """Write the maps of a job whose shards are all there, and take its work folder away.

    Raises EmptyError (nothing valid), OutputError.
    """
    memory.give_back_now()  # what the network needed, where this process ran it
    card, plan, shards = job.card, job.plan, job.shards
    with (
        provenance.making(_made(job)),
        files.new_directory(target, "predict", overwrite=overwrite, work=folder) as draft,
    ):
        rows = blended(
            plan,
            shards,
            partial(load, folder, job),
            len(card.classes),
            places=job.places,
            exclusive=exclusive(card.heads),
        )
        rows = track(rows, total=-(-plan.height // rows_at_once(plan.width)), what="writing", unit="strips")
        found, layer = write_prediction(
            draft, job.grid, card, rows, job.options["threshold"], job.options["min_area_ha"]
        )
        if not found.valid_km2:
            raise EmptyError(
                f"{job.inputs['raster']['path']}: no valid pixel to predict; check its nodata value (gdalinfo)"
                + (" and the area of interest" if "aoi" in job.inputs else "")
            )
        files.write_json(draft / files.RECORD, _manifest(job, found))
        write_pictures(draft, target, job, layer)
        write_item(draft, card=card)
        close_record(draft)
    clear(folder)
    return PredictReport(
        output=target,
        tiles=plan.tiles,
        shards=len(shards),
        engine=named(job.engine),
        dense=job.dense is not None,
        resampled=job.resampled,
        gsd_m=found.gsd_m,
        valid_km2=found.valid_km2,
        undecided_km2=found.undecided_km2,
        detections=found.detections,
        area_ha=found.area_ha,
    )


def _made(job: Job) -> Made:
    """What made the maps: not who put the shards together, but what they are of."""
    usual = Choices().to_json()
    options = {name: value for name, value in job.options.items() if value != usual.get(name)}
    inputs = (
        Input(role, str(told.get("path") or told.get("rectangle")), told.get("fingerprint"))
        for role, told in job.inputs.items()
    )
    return made_of("predict", options, tuple(inputs))


def _manifest(job: Job, found: Found) -> dict[str, Any]:
    return {
        "format": 1,
        "command": "predict",
        "inputs": job.inputs,
        "options": job.options,
        "grid": {"crs": job.grid.crs, "transform": list(job.grid.transform)[:6], "resampled": job.resampled},
        "engine": job.engine,
        "dense": job.dense,
        "decision": _decision(job),
        "counts": {"tiles": job.plan.tiles, "detections": found.detections, "area_ha": found.area_ha},
        "attribution": list(job.card.attribution),
        "versions": files.versions(),
    }


def _decision(job: Job) -> dict[str, Any]:
    """When a class counted as detected, for who makes polygons of the probabilities again."""
    threshold = job.options["threshold"]
    return {
        "heads": files.to_json(job.card.heads),
        "thresholds": {name: threshold or value for name, value in job.card.thresholds.items()},
        "abstain": {} if threshold else files.to_json(job.card.abstain),
    }
