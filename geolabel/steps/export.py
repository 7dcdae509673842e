"""`geolabel export`: the detections of a prediction in another format, simplified and filtered where asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

from geolabel import files, geodesy, maps, vector
from geolabel.errors import InputError, OptionError
from geolabel.maps import ClassStyle, Detections
from geolabel.steps.formats import ENDINGS, Format, write_as

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.vector import Layer


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported."""

    output: Path
    features: int
    dropped: int
    """Detections below --min-area."""
    vertices_before: int
    vertices_after: int


def export(
    prediction: Path,
    *,
    to: Format = "gpkg",
    simplify_m: float = 0.0,
    min_area_ha: float = 0.0,
    output: Path | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Write the detections of a prediction folder in another format.

    Areas stay those of the pixels that were detected: simplifying changes outlines, not the figures beside them.
    Raises OptionError, InputError (no prediction), OutputError.
    """
    if to not in ENDINGS:
        raise OptionError(f"--to {to}: choose {', '.join(ENDINGS)}")
    if simplify_m < 0 or min_area_ha < 0:
        raise OptionError("--simplify and --min-area must not be negative")
    if not (prediction / files.RECORD).is_file():
        raise InputError(f"{prediction}: is no prediction folder (it has no run.json); make one with geolabel predict")
    target = output or prediction.with_name(f"{prediction.stem}-detections{ENDINGS[to]}")
    files.check_new(target, overwrite=overwrite, inputs=(prediction / files.RECORD, prediction / "detections.gpkg"))
    record = files.read_json(prediction / files.RECORD, "the record of a prediction")
    layer = replace(
        vector.read_layer(prediction / "detections.gpkg", "detections"),
        attribution=tuple(str(words) for words in record.get("attribution", ())),
    )
    kept = maps.filter_layer(layer, min_area_ha)
    done = _simplify(kept, simplify_m) if simplify_m else kept
    with files.new_file(target, overwrite=overwrite) as draft:
        write_as(draft, done, _styles(layer), to)
    return ExportReport(
        target,
        len(done.geometries),
        len(layer.geometries) - len(done.geometries),
        int(shapely.get_num_coordinates(kept.geometries).sum()),
        int(shapely.get_num_coordinates(done.geometries).sum()),
    )


def _simplify(layer: Layer, tolerance_m: float) -> Layer:
    """Simplify on a metric plane, so that the tolerance is metres whatever the CRS."""
    if not len(layer.geometries):
        return layer
    west, south, east, north = shapely.total_bounds(layer.geometries)
    plane = geodesy.utm_crs(layer.crs, (west + east) / 2, (south + north) / 2)
    parts, owner = shapely.get_parts(geodesy.project_geometries(layer.geometries, layer.crs, plane), return_index=True)
    classes = np.unique(layer.columns["class"].astype(str), return_inverse=True)[1].astype(np.int32)[owner]
    zeros = np.zeros(len(parts))
    simple = maps.simplify(
        Detections(np.asarray(parts, dtype=object), classes, zeros.astype(np.int64), zeros, zeros), tolerance_m
    )
    back = geodesy.project_geometries(simple.geometries, plane, layer.crs)
    return replace(layer, geometries=np.asarray(shapely.multipolygons(back, indices=owner), dtype=object))


def _styles(layer: Layer) -> list[ClassStyle]:
    rows = {
        (cast("str", name), cast("str", title), cast("str", color))
        for name, title, color in zip(
            layer.columns["class"], layer.columns["title"], layer.columns["color"], strict=True
        )
    }
    return [ClassStyle(at, *row) for at, row in enumerate(sorted(rows), start=1)]
