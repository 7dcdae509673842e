"""The folder that a prediction is: probabilities, classes, detections, and the styles that open them in QGIS."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import maps, raster, vector
from geolabel.inference import LEVELS, NONE, UNDECIDED, Decision, rows_at_once
from geolabel.labels.scheme import Scheme
from geolabel.maps import ClassStyle, Strip
from geolabel.steps.formats import write_as

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from geolabel.grid import Grid
    from geolabel.inference import Rows
    from geolabel.labels.scheme import LabelClass
    from geolabel.maps import Detections
    from geolabel.model import ModelCard
    from geolabel.vector import Layer

NODATA = 255


@dataclass(frozen=True, slots=True)
class Found:
    """What the maps of a prediction hold."""

    gsd_m: float
    valid_km2: float
    """Area that was predicted."""
    detections: dict[str, int]
    """Class → polygons."""
    area_ha: dict[str, float]
    """Class → geodesic hectares."""
    undecided_km2: float
    """Area on which the model abstains."""


@dataclass(slots=True)
class PredictionWriter:
    """Writes a prediction's rasters as rows arrive, and the rest at the end."""

    folder: Path
    grid: Grid
    scheme: Scheme
    attribution: tuple[str, ...]
    _probabilities: raster.StripWriter
    _classes: raster.StripWriter
    _shown: list[ClassStyle]
    """What the class raster may hold."""
    valid_pixels: int = 0
    undecided_pixels: int = 0

    @classmethod
    @contextmanager
    def open(
        cls, folder: Path, grid: Grid, scheme: Scheme, attribution: tuple[str, ...], *, undecided: bool = False
    ) -> Iterator[PredictionWriter]:
        """Open both rasters; they become COGs on leaving. `undecided`: whether the model leaves anything so."""
        shown = shown_styles(scheme.classes, undecided=undecided)
        palette = {style.value: style.rgb for style in shown}
        names = {style.value: style.title for style in shown}
        with ExitStack() as stack:
            probabilities = stack.enter_context(
                raster.write_cog(
                    folder / "probabilities.tif",
                    grid,
                    raster.BandStyle(
                        scheme.names, nodata=NODATA, scale=1 / LEVELS, overviews="average", attribution=attribution
                    ),
                    rows_at_once(grid.width),
                )
            )
            classes = stack.enter_context(
                raster.write_cog(
                    folder / "classes.tif",
                    grid,
                    raster.BandStyle(
                        ("class",),
                        nodata=NODATA,
                        palette=palette,
                        categories=names,
                        overviews="mode",
                        attribution=attribution,
                    ),
                    rows_at_once(grid.width),
                )
            )
            yield cls(folder, grid, scheme, attribution, probabilities, classes, shown)

    def write(self, parts: Iterable[Rows], decision: Decision) -> Iterator[Strip]:
        """Write rows to both rasters, and pass on what the outlines are made of."""
        for part in parts:
            detected = decision.detected(part.levels) & part.valid
            shown = decision.foremost(part.levels, detected)
            self._classes.write(part.row_off, np.where(part.valid, shown, NODATA).astype(np.uint8)[None])
            self._probabilities.write(part.row_off, np.where(part.valid, part.levels, NODATA).astype(np.uint8))
            self.valid_pixels += int(part.valid.sum())
            self.undecided_pixels += int((part.valid & (shown == UNDECIDED)).sum())
            yield Strip(part.row_off, detected, part.levels)

    def finish(self, detections: Detections, min_area_ha: float) -> tuple[Found, Layer]:
        """Write the polygons and the styles, and count; the layer is given back."""
        entries = self.scheme.classes
        layer = maps.detections_layer(
            detections,
            self.grid,
            self.scheme.names,
            [entry.title for entry in entries],
            [entry.color for entry in entries],
        )
        layer = replace(layer, attribution=self.attribution)
        layer = maps.filter_layer(layer, min_area_ha) if min_area_ha else layer
        styles = class_styles(entries)
        write_as(self.folder / "detections.gpkg", layer, styles, "gpkg")
        vector.write_geojson(self.folder / "detections.geojson", layer)
        (self.folder / "classes.qml").write_text(maps.raster_qml(self._shown), encoding="utf-8")
        first = entries[0]
        (self.folder / "probabilities.qml").write_text(maps.probability_qml(first.name, first.color), encoding="utf-8")
        gsd_x, gsd_y = self.grid.gsd_m
        found, area = layer.columns["class"], layer.columns["area_ha"]
        counted = Found(
            gsd_m=float(np.sqrt(gsd_x * gsd_y)),
            valid_km2=self.valid_pixels * gsd_x * gsd_y / 1e6,
            detections={name: int((found == name).sum()) for name in self.scheme.names},
            undecided_km2=self.undecided_pixels * gsd_x * gsd_y / 1e6,
            area_ha={name: round(float(area[found == name].sum()), 2) for name in self.scheme.names},
        )
        return counted, layer


def write_prediction(
    folder: Path, grid: Grid, card: ModelCard, rows: Iterable[Rows], threshold: float | None, min_area_ha: float
) -> tuple[Found, Layer]:
    """Write all maps of a region from its rows, as a model decides or with one threshold for all."""
    decision = Decision.of(card, threshold)
    scheme = Scheme.from_json(card.scheme).subset(card.classes)
    with PredictionWriter.open(folder, grid, scheme, card.attribution, undecided=bool(decision.bands)) as writer:
        detections = maps.outline(writer.write(rows, decision), grid, scale=1 / LEVELS)
    return writer.finish(detections, min_area_ha)


def class_styles(entries: Iterable[LabelClass]) -> list[ClassStyle]:
    """How the classes look, numbered as in the class raster."""
    return [ClassStyle(at, entry.name, entry.title, entry.color) for at, entry in enumerate(entries, start=1)]


def shown_styles(entries: Iterable[LabelClass], *, undecided: bool) -> list[ClassStyle]:
    """How a class raster looks: none, the classes, and what is left undecided."""
    return [_none_style(), *class_styles(entries), *([_undecided_style()] if undecided else [])]


def _none_style() -> ClassStyle:
    return ClassStyle(NONE, "none", "none", "#f0f0f0")


def _undecided_style() -> ClassStyle:
    return ClassStyle(UNDECIDED, "undecided", "undecided", "#9e9e9e")
