"""Polygons, and lines and points with a width, as a label source."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import vector
from geolabel.labels.areas import Areas, Outlined, on_grid, piled, reached, stacked
from geolabel.labels.runs import Runs, runs_of_areas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window
    from geolabel.labels.classify import Classified, Classifier
    from geolabel.labels.scheme import Scheme
    from geolabel.labels.sources import Findings

_TOLERANCE_PX = 0.01
"""How far a vertex may be from where its CRS has it."""


@dataclass(frozen=True, slots=True)
class LaidVectors:
    """Features read place by place and put onto a grid."""

    grid: Grid
    layers: tuple[vector.IndexedLayer, ...]
    classifier: Classifier
    priority: NDArray[np.int64]
    """By class number."""
    top: int
    """First row that is read."""
    findings: Findings

    def areas(self, window: Window) -> list[Areas]:
        """The features near a window, whole."""
        parts: list[tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.bool_]]] = []
        for found, kinds, thin in self._features(window):
            shapes = on_grid(found.geometries, kinds.width_m, self.grid)
            here = ~shapely.is_missing(shapes)
            here &= shapely.intersects(shapes, shapely.box(window.col_off, window.row_off, *_far(window)))
            parts.append((shapes, np.where(here, kinds.number, 0), thin))
        shapes = np.concatenate([shapes for shapes, _, _ in parts])
        thin = np.concatenate([thin for _, _, thin in parts])
        number = np.concatenate([number for _, number, _ in parts], axis=1)
        self.findings.add(touched=bool(number.any()))
        return [
            stacked(shapes[kept], row[kept], self.priority[row[kept]], thin[kept])
            for row in number
            for kept in [row > 0]
        ]

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        """Exact along each line."""
        batches = [self._outlined(*batch) for batch in self._features(window)]
        columns = (window.col_off, window.col_off + window.width)
        runs = [
            runs_of_areas(rings, window.row_off, window.height, columns, lines_per_row)
            for rings in piled(batches, self.priority)
        ]
        self.findings.add(touched=any(one.number.any() for one in runs))
        return runs

    def _features(self, window: Window) -> Iterator[tuple[vector.Placed, Classified, NDArray[np.bool_]]]:
        """What each layer has near a window, what it is, and which of it is lines or points."""
        bounds = reached(self.grid, window, self.classifier.reach_m)
        for layer in self.layers:
            found = layer.read(bounds, self.grid.crs)
            thin = found.thin()
            kinds = self.classifier.classify(found.table, thin)
            self._note(found, kinds, window)
            flat = thin & np.isnan(kinds.width_m) & kinds.number.any(axis=0)
            self.findings.add(touched=False, flat=bool(flat.any()))
            yield found, kinds, thin

    def _outlined(self, found: vector.Placed, kinds: Classified, thin: NDArray[np.bool_]) -> Outlined:
        """Features with a class as outlines in pixels."""
        matters = kinds.number.any(axis=0)
        wide = np.flatnonzero(matters & thin & ~np.isnan(kinds.width_m))
        pixel = min(abs(self.grid.transform.a), abs(self.grid.transform.e))
        rings = found.rings(matters & ~thin, _TOLERANCE_PX * pixel)
        x, y = self.grid.col_row(rings.x, rings.y)
        widened = on_grid(found.some(wide), kinds.width_m[wide], self.grid)
        size = found.sizes()
        size[wide] = shapely.area(widened)
        outlines = vector.rings_of(widened)
        both = vector.joined(
            vector.FlatRings(x, y, rings.start, rings.owner),
            vector.FlatRings(outlines.x, outlines.y, outlines.start, wide[outlines.owner]),
        )
        return Outlined(both, kinds.number, thin, size)

    def _note(self, found: vector.Placed, kinds: Classified, window: Window) -> None:
        """Count what was repaired and what no class stands for, where it lies on the grid; each feature once."""
        odd = found.repaired.copy()
        for mask in kinds.unknown.values():
            odd |= mask
        rows = np.flatnonzero(odd)
        if not len(rows):
            return
        shapes = found.some(rows)
        edge = shapely.bounds(shapes)
        _, row = self.grid.col_row(edge[:, 0], edge[:, 3] if self.grid.transform.e < 0 else edge[:, 1])
        # a feature that reaches over several windows is counted in the first
        first = np.zeros(len(odd), dtype=bool)
        first[rows] = (row >= window.row_off) | (window.row_off <= self.top)
        first[rows] &= shapely.intersects(shapes, shapely.box(*self.grid.part(window).bounds))
        self.findings.add(
            touched=False,
            repaired=int((found.repaired & first).sum()),
            unknown={
                f"{found.path.name} {value}": count
                for value, mask in kinds.unknown.items()
                if (count := int((mask & first).sum()))
            },
        )


@dataclass(frozen=True, slots=True)
class VectorSource:
    """A vector file whose features a classifier understands."""

    name: str
    path: Path
    own_scheme: Callable[[], Scheme]
    """The classes it stands for where nobody names a scheme."""
    can_name: Callable[[Scheme], NDArray[np.bool_]]
    classifier: Callable[[Scheme], Classifier]
    open: Callable[[Grid, Classifier], AbstractContextManager[list[vector.IndexedLayer]]]
    about: Callable[[Path], dict[str, Any]]
    """Kind, path, date, attribution, as seen from an index."""
    findings: Findings

    def scheme(self) -> Scheme:
        """As `own_scheme` says."""
        return self.own_scheme()

    def names(self, scheme: Scheme) -> NDArray[np.bool_]:
        """As `can_name` says."""
        return self.can_name(scheme)

    @contextmanager
    def lay(self, grid: Grid, scheme: Scheme, top: int) -> Iterator[LaidVectors]:
        """The file's layers, opened for the grid's part of the world."""
        classifier = self.classifier(scheme)
        # a lake drawn within a forest that has no hole for it is no forest: the background lies among the classes
        priority = np.array([0, *(found.priority for found in scheme.classes), 0], dtype=np.int64)
        with self.open(grid, classifier) as layers:
            yield LaidVectors(grid, tuple(layers), classifier, priority, top, self.findings)

    def describe(self, index_path: Path) -> dict[str, Any]:
        """As `about` says, under its name."""
        return {"name": self.name, **self.about(index_path)}


def _far(window: Window) -> tuple[int, int]:
    return window.col_off + window.width, window.row_off + window.height


@contextmanager
def one_layer(path: Path, layer: str, field: str) -> Iterator[list[vector.IndexedLayer]]:
    """One layer with one attribute, as most sources are opened."""
    with vector.open_layer(path, layer, [field]) as opened:
        yield [opened]
