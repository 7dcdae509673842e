"""`geolabel predict`: a region through a model, into a folder of maps that open in QGIS."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, maps, raster, vector
from geolabel.errors import EmptyError, OptionError
from geolabel.inference import LEVELS, Decision, Plan, make_plan, predict_rows, realign
from geolabel.labels.scheme import Scheme
from geolabel.learn.device import choose_device
from geolabel.learn.store import load_predictor
from geolabel.steps import preflight
from geolabel.steps.prediction import PredictionWriter, PredictReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window
    from geolabel.learn.predictor import Predictor

_ROWS = 512
"""Rows are written a block of the GeoTIFF at a time."""
_TRIAL_TILES = 64


@dataclass(frozen=True, slots=True)
class PredictPlan:
    """What a prediction would read, write and take; from a trial on this machine."""

    output: Path
    tiles: int
    width: int
    height: int
    read_mb: float
    """Uncompressed."""
    write_mb: float
    """At the most: before compression, with the working copies."""
    memory_mb: float
    """Peak: what this process held after the trial, and the strips."""
    forward_seconds: float
    """The network's part; reading and writing come on top where the network is small."""


def predict(
    raster_path: Path,
    *,
    model: Path,
    output: Path | None = None,
    bands: Sequence[str] = (),
    scale: float | None = None,
    stride: int | None = None,
    threshold: float | None = None,
    aoi: Path | None = None,
    min_area_ha: float = 0.0,
    device: str = "auto",
    overwrite: bool = False,
    dry_run: bool = False,
) -> PredictReport | PredictPlan:
    """Predict a region into the folder `output` (default: `<raster>.geolabel`), written whole or not at all.

    Raises InputError, ModelError, ContractError and BandError (the raster breaks the model's contract), CRSError,
    OptionError, EmptyError (nothing valid), OutputError.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise OptionError(f"--threshold must lie between 0 and 1, got {threshold:g}")
    if min_area_ha < 0:
        raise OptionError(f"--min-area must not be negative, got {min_area_ha:g}")
    target = output or Path(f"{raster_path.stem}.geolabel")
    if not dry_run:
        files.check_new(target, overwrite=overwrite, folder="predict", inputs=(raster_path, model, aoi))
    classifier = load_predictor(model, choose_device(device))
    fit = preflight.check(raster_path, classifier.card, bands=bands, scale=scale)
    plan = make_plan(fit.grid.width, fit.grid.height, classifier.card.tile_px, stride)
    inside = _inside(aoi, fit.grid) if aoi else None
    if dry_run:
        return _estimate(target, classifier, plan)
    card = preflight.adapted(classifier.card, fit)
    ready = classifier.with_card(card)
    decision = Decision.of(card, threshold)
    options = {
        "bands": list(bands),
        "scale": scale,
        "stride": stride,
        "threshold": threshold,
        "min_area_ha": min_area_ha,
    }
    inputs = {"raster": raster_path, "model": model, **({"aoi": aoi} if aoi else {})}
    with files.new_directory(target, "predict", overwrite=overwrite) as draft:
        scheme = Scheme.from_json(card.scheme).subset(card.classes)
        with (
            raster.open_raster(fit.info, fit.grid, fit.resampling) as reader,
            PredictionWriter.open(draft, fit.grid, scheme, card.attribution, undecided=bool(decision.bands)) as writer,
        ):
            rows = predict_rows(reader, plan, ready, len(card.classes), inside=inside)
            strips = writer.write(realign(rows, _ROWS), decision)
            detections = maps.outline(strips, fit.grid, scale=1 / LEVELS)
        report = writer.finish(detections, min_area_ha, plan.tiles, target, resampled=fit.resampled)
        if not writer.valid_pixels:
            raise EmptyError(
                f"{raster_path}: no valid pixel to predict; check its nodata value (gdalinfo)"
                + (" and the area of interest" if aoi else "")
            )
        files.write_json(draft / files.RECORD, _manifest(inputs, options, fit, card.attribution, report))
    return report


def _inside(aoi: Path, grid: Grid) -> Callable[[Window], NDArray[np.bool_]]:
    area = vector.read_area(aoi, grid)
    if not len(area):
        raise EmptyError(f"{aoi}: the area of interest does not touch the raster; check its CRS (ogrinfo -so)")
    ones = np.ones(len(area), dtype=np.uint8)
    return lambda window: raster.burn(area, ones, grid.part(window)).astype(bool)


def _manifest(
    inputs: dict[str, Path],
    options: dict[str, Any],
    fit: preflight.Fit,
    attribution: Sequence[str],
    report: PredictReport,
) -> dict[str, Any]:
    return {
        "format": 1,
        "command": "predict",
        "inputs": {name: {"path": path.name, "fingerprint": files.fingerprint(path)} for name, path in inputs.items()},
        "options": options,
        "grid": {"crs": fit.grid.crs, "transform": list(fit.grid.transform)[:6], "resampled": fit.resampled},
        "counts": {"tiles": report.tiles, "detections": report.detections, "area_ha": report.area_ha},
        "attribution": list(attribution),
        "versions": files.versions(),
    }


def _estimate(target: Path, classifier: Predictor, plan: Plan) -> PredictPlan:
    """Time some tiles of noise: a network takes as long over them as over the forest."""
    card = classifier.card
    shape = (_TRIAL_TILES, len(card.bands), plan.tile_height, plan.tile_width)
    noise = np.random.default_rng(0).integers(0, 255, shape).astype(card.dtype)
    valid = np.ones((_TRIAL_TILES, plan.tile_height, plan.tile_width), dtype=bool)
    classifier(noise, valid)
    began = time.perf_counter()
    classifier(noise, valid)
    per_tile = (time.perf_counter() - began) / _TRIAL_TILES
    pixels, classes = plan.width * plan.height, len(card.classes)
    strip = plan.width * (plan.tile_height * (2 * noise.itemsize * len(card.bands) + 8 * (classes + 1)))
    held = plan.width * (_ROWS + plan.tile_height) * (4 * classes + 20)
    return PredictPlan(
        output=target,
        tiles=plan.tiles,
        width=plan.width,
        height=plan.height,
        read_mb=pixels * len(card.bands) * noise.itemsize / 1e6,
        write_mb=2 * pixels * (classes + 1) / 1e6,
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + (strip + held) / 1e6,
        forward_seconds=per_tile * plan.tiles,
    )
