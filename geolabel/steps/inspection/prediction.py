"""What a prediction is: what was predicted by which model, and how much of each class it found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files, raster
from geolabel.errors import CRSError
from geolabel.inference import NONE, UNDECIDED
from geolabel.raster.categories import categories
from geolabel.raster.statistics import measure
from geolabel.steps.inspection.extent import Degrees, crs_name, degrees
from geolabel.steps.inspection.folder import FileRow, files_of, options_of, part_of, versions_of
from geolabel.steps.region.job import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geolabel.raster.categories import Category

CLASSES = "classes.tif"
MODELS = Path(__file__).parents[2] / "models"


@dataclass(frozen=True, slots=True)
class InputRow:
    """What the prediction was made of."""

    input: str
    """Raster, model, area of interest."""
    path: str
    fingerprint: str
    now: str
    """Whether that file is where it was: the same, another, or not here."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """What was found of one class."""

    name: str
    color: str
    share: float
    """Of the seen pixels of the class map; independent classes may overlap, the map shows the foremost."""
    map_ha: float | None
    """Of these pixels."""
    detections: int | None
    """Polygons; None for what is no class: none of them, undecided."""
    detected_ha: float | None
    """Of the polygons, which may overlap, and of which small ones may be left out."""
    threshold: float | None
    """Probability from which it counted as detected."""
    undecided: str
    """Probabilities that left it open."""


@dataclass(frozen=True, slots=True)
class PredictionReport:
    """The folder of a prediction."""

    kind: Literal["prediction"]
    path: Path
    size_px: tuple[int, int]
    crs: str
    extent_degrees: Degrees | None
    """West, south, east, north."""
    gsd_m: tuple[float, float]
    tiles: int | None
    """Of the plan."""
    resampled: bool
    """Whether the raster was brought to the model's GSD."""
    engine: str
    """What ran the network; empty where the folder is of an earlier version."""
    looked_at: str
    """On how many pixels of the class map the shares rest."""
    seen_km2: float
    """Area that was predicted."""
    undecided_share: float
    """Share of it that is left undecided."""
    nodata_share: float
    """Share of the map that was not seen."""
    options: dict[str, str]
    """That say something."""
    versions: tuple[str, ...]
    attribution: tuple[str, ...]
    inputs: tuple[InputRow, ...]
    classes: tuple[ClassRow, ...]
    files: tuple[FileRow, ...]
    to_mind: tuple[str, ...]


def inspect_prediction(folder: Path, record: dict[str, Any]) -> PredictionReport:
    """Describe the folder of a prediction. Raises InputError where its class map is missing or truncated."""
    path = folder / CLASSES
    info = raster.describe(path)
    statistics = measure(path, [1])
    place = info.place
    gsd_x, gsd_y = _gsd(place)
    seen_km2 = statistics.valid_share * place.width * place.height * gsd_x * gsd_y / 1e6
    seen = max(1, sum(statistics.codes.values()))
    counts = part_of(record, folder, "counts")
    inputs = tuple(_inputs(folder, part_of(record, folder, "inputs")))
    return PredictionReport(
        kind="prediction",
        path=folder,
        size_px=(info.width, info.height),
        crs=crs_name(place.crs),
        extent_degrees=degrees(place.bounds, place.crs),
        gsd_m=(gsd_x, gsd_y),
        tiles=counts.get("tiles"),
        resampled=bool(part_of(record, folder, "grid").get("resampled")),
        engine=named(record["engine"]) if isinstance(record.get("engine"), dict) else "",
        looked_at=f"{'all' if statistics.exact else format(statistics.pixels, ',') + ' of'} "
        f"{statistics.of_pixels:,} pixels",
        seen_km2=seen_km2,
        undecided_share=statistics.codes.get(UNDECIDED, 0) / seen,
        nodata_share=1 - statistics.valid_share,
        options=options_of(record),
        versions=versions_of(record),
        attribution=tuple(map(str, record.get("attribution") or ())),
        inputs=inputs,
        classes=tuple(
            _classes(statistics.codes, categories(path), seen_km2 * 100 / seen, counts, _decision(folder, record))
        ),
        files=files_of(folder),
        to_mind=tuple(_notes(inputs, folder)),
    )


def _gsd(place: Any) -> tuple[float, float]:
    try:
        gsd_x, gsd_y = place.gsd_m
    except CRSError:
        return math.nan, math.nan
    return gsd_x, gsd_y


def _decision(folder: Path, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = part_of(record, folder, "decision")
    return {key: dict(found.get(key) or {}) for key in ("thresholds", "abstain")}


def _classes(
    codes: dict[int, int],
    named_codes: dict[int, Category],
    ha_a_pixel: float,
    counts: dict[str, Any],
    decision: dict[str, dict[str, Any]],
) -> Iterator[ClassRow]:
    """Classes as the map numbers them, then none of them, then undecided.

    The manifest counts by name, in the order of numbers; the map has titles.
    """
    whole = max(1, sum(codes.values()))
    detections, area = counts.get("detections") or {}, counts.get("area_ha") or {}
    names = dict(enumerate(detections, start=1))
    for value in [*names, NONE, UNDECIDED]:
        if value not in names and value not in codes:
            continue
        name = names.get(value, "")
        shown = named_codes.get(value)
        band = decision["abstain"].get(name)
        yield ClassRow(
            name=name or (shown.name if shown else str(value)),
            color=shown.color if shown else "",
            share=codes.get(value, 0) / whole,
            map_ha=None if math.isnan(ha_a_pixel) else codes.get(value, 0) * ha_a_pixel,
            detections=detections.get(name),
            detected_ha=area.get(name),
            threshold=decision["thresholds"].get(name),
            undecided="{:g} to {:g}".format(*band) if band else "",
        )


def _inputs(folder: Path, inputs: dict[str, Any]) -> Iterator[InputRow]:
    for name, told in inputs.items():
        if isinstance(told, dict) and "path" in told:
            path, stamp = str(told["path"]), str(told.get("fingerprint") or "")
            there = _places(folder, path)
            same = source_of(folder, path, stamp) is not None
            yield InputRow(name, path, stamp, "the same" if same else "another" if there else "not here")


def source_of(folder: Path, path: str, stamp: str) -> Path | None:
    """The file that a manifest names, where it is found and still as it was; else None."""
    return next((at for at in _places(folder, path) if raster.fingerprint(at) == stamp), None)


def _places(folder: Path, path: str) -> list[Path]:
    """Files of a name in the working folder, beside a prediction, and among the models that come with geolabel."""
    candidates = [Path(path), folder.resolve().parent / path, MODELS / path]
    return [at for at in candidates if files.is_file(at)]


def _notes(inputs: tuple[InputRow, ...], folder: Path) -> Iterator[str]:
    for row in inputs:
        if row.now == "another":
            yield f"The {row.input} {row.path} is another one by now than when this was predicted."
    missing = [name for name in (CLASSES, "probabilities.tif", "detections.gpkg") if not (folder / name).is_file()]
    if missing:
        yield f"Not here, though predict writes it: {', '.join(missing)}."
