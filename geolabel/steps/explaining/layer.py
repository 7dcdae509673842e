"""Relevance as a georeferenced layer that opens in QGIS, blue against a class and red for it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

from geolabel import raster
from geolabel.grid import Grid, Window
from geolabel.inference import rows_at_once
from geolabel.maps import qml
from geolabel.steps.explaining.canvas import Canvas
from geolabel.steps.explaining.patches import Patch, blocks
from geolabel.tiling.sources import describe_source
from geolabel.views.relevance import AGAINST, FOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from geolabel.learn.explain import Method
    from geolabel.steps.explaining.explained import Explained
    from geolabel.tiling.index import TileIndex

_MOST = 99.0
_ALPHA = 235
_STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)


@dataclass(slots=True)
class LayerWriter:
    """A layer that is written while its canvas is painted."""

    canvas: Canvas
    _writer: raster.StripWriter
    limits: list[float] = field(default_factory=list)
    """Largest 99th percentile of |relevance| of a strip, by band."""

    def flush(self, row: int) -> None:
        """Write what lies above `row`, where no tile comes any more."""
        for top, values in self.canvas.finished(row):
            self._writer.write(top, values)
            for band, plane in enumerate(values):
                told = np.abs(plane[np.isfinite(plane) & (plane != 0)])
                if len(told):
                    self.limits[band] = max(self.limits[band], float(np.percentile(told, _MOST)))


def canvas_on(grid: Grid, bands: int) -> Canvas:
    """A canvas of which as many rows are given out at once as memory allows, all bands together."""
    return Canvas(bands, grid.width, grid.height, rows_at_once(grid.width * bands))


@contextmanager
def open_layer(path: Path, grid: Grid, names: Sequence[str], attribution: tuple[str, ...]) -> Iterator[LayerWriter]:
    """A layer of one band a name on `grid`, float32 with NaN as nodata; a COG with its style on leaving."""
    canvas = canvas_on(grid, len(names))
    with raster.write_cog(path, grid, _style(names, attribution), canvas.rows) as writer:
        layer = LayerWriter(canvas, writer, [0.0] * len(names))
        yield layer
        layer.flush(grid.height)
    path.with_suffix(".qml").write_text(relevance_qml(names[0], layer.limits[0] or 1.0), encoding="utf-8", newline="\n")


def relevance_qml(title: str, limit: float) -> str:
    """Style of the first band: blue to red around 0, the weaker, the more see-through; whole beyond ± `limit`."""
    root = qml.document()
    ends = {"classificationMin": f"{-limit:.6g}", "classificationMax": f"{limit:.6g}"}
    renderer = qml.raster_renderer(ET.SubElement(root, "pipe"), "singlebandpseudocolor", band="1", **ends)
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"),
        "colorrampshader",
        {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0", "labelPrecision": "3"},
        minimumValue=ends["classificationMin"],
        maximumValue=ends["classificationMax"],
    )
    for step in _STEPS:
        words = "does not matter" if step == 0 else "speaks for" if step > 0 else "speaks against"
        item = {"value": f"{step * limit:.6g}", "alpha": f"{round(abs(step) * _ALPHA)}"}
        color = FOR if step > 0 else AGAINST
        label = f"{title}: {words} ({step * limit:+.2g})" if step else f"{title}: {words}"
        ET.SubElement(shader, "item", item, color=color, label=label)
    ET.SubElement(shader, "rampLegendSettings", useContinuousLegend="0")
    return qml.text(root)


def band_names(classes: Sequence[str], methods: Sequence[Method]) -> list[str]:
    """Names of bands, class by class, and method by method where there are several."""
    return [name if len(methods) == 1 else f"{name}, {method}" for name in classes for method in methods]


def tile_layers(index: TileIndex, explained: Sequence[Explained], base: Path) -> dict[str, tuple[Grid, Window]]:
    """The rasters that explained tiles with a place were cut from: their grid, and the window around these tiles."""
    placed, paths = index.has_place(), index.column("source").astype(str)
    edges = np.column_stack([index.column(name) for name in ("col_off", "row_off", "width", "height")])
    rows = np.unique([one.case.row for one in explained if placed[one.case.row]]).astype(np.int64)
    found = {}
    for path in np.unique(paths[rows]).tolist():
        source = index.source_of(path)
        if source.kind != "raster":
            continue
        here = edges[rows[paths[rows] == path]]
        left, top = here[:, :2].min(axis=0).tolist()
        right, bottom = (here[:, :2] + here[:, 2:]).max(axis=0).tolist()
        found[path] = (describe_source(source, base).place, Window(left, top, right - left, bottom - top))
    return found


def write_tile_layer(
    path: Path,
    index: TileIndex,
    source: str,
    place: tuple[Grid, Window],
    explained: Sequence[Explained],
    names: Sequence[str],
    methods: Sequence[Method],
    attribution: tuple[str, ...],
) -> None:
    """Write the explained tiles of one raster, nodata between them. Bands: the classes `names`, in each all `methods`.

    Where tiles overlap, it is their mean. Time and bytes go by the tiles, however far apart they lie.
    """
    grid, window = place
    title, *_ = bands = band_names(names, methods)
    classes = list(dict.fromkeys(one.case.class_at for one in explained))
    first = {of: at * len(methods) for at, of in enumerate(classes)}
    paths = index.column("source")
    edges = np.column_stack([index.column(name) for name in ("row_off", "col_off", "height", "width")])
    patches = []
    for one in explained:
        if paths[one.case.row] == source:
            row, col, height, width = edges[one.case.row].tolist()
            values = [reason.relevance[:height, :width] for reason in one.reasons.values()]
            valid = one.valid[:height, :width]
            spot = (row - window.row_off, col - window.col_off)
            patches.append(Patch(*spot, first[one.case.class_at], np.stack(values), valid))
    with raster.write_sparse(path, grid.part(window), _style(bands, attribution)) as writer:
        for row, col, block in blocks(patches, len(bands), (window.height, window.width), raster.BLOCK_PX):
            writer.write(row, block, col_off=col)
    told = [np.abs(patch.values[0][patch.valid & (patch.values[0] != 0)]) for patch in patches if not patch.band]
    limit = max((float(np.percentile(values, _MOST)) for values in told if len(values)), default=1.0)
    path.with_suffix(".qml").write_text(relevance_qml(title, limit), encoding="utf-8", newline="\n")


def _style(names: Sequence[str], attribution: tuple[str, ...]) -> raster.BandStyle:
    return raster.BandStyle(tuple(names), dtype="float32", nodata=float("nan"), attribution=attribution)
