"""Polygons, and lines and points with a width, as a label source."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.labels.areas import Areas, is_thin, on_grid, reached, stacked
from geolabel.labels.runs import Runs, runs_of_areas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel import vector
    from geolabel.grid import Grid, Window
    from geolabel.labels.classify import Classifier
    from geolabel.labels.scheme import Scheme
    from geolabel.labels.sources import Findings


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
        """The features that touch a window, whole."""
        parts: list[tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.bool_]]] = []
        bounds = reached(self.grid, window, self.classifier.reach_m)
        for layer in self.layers:
            found = layer.read(bounds, self.grid.crs)
            thin = is_thin(found.geometries)
            kinds = self.classifier.classify(found.table, thin)
            shapes = on_grid(found.geometries, kinds.width_m, self.grid)
            here = ~shapely.is_missing(shapes)
            here &= shapely.intersects(shapes, shapely.box(window.col_off, window.row_off, *_far(window)))
            # a feature that reaches over several windows is counted in the first
            first = here & ((shapely.bounds(shapes)[:, 1] >= window.row_off) | (window.row_off <= self.top))
            number = np.where(here, kinds.number, 0)
            self.findings.add(
                touched=bool(number.any()),
                repaired=int((found.repaired & first).sum()),
                unknown={
                    f"{layer.path.name} {value}": count
                    for value, mask in kinds.unknown.items()
                    if (count := int((mask & first).sum()))
                },
            )
            parts.append((shapes, number, thin))
        shapes = np.concatenate([shapes for shapes, _, _ in parts])
        thin = np.concatenate([thin for _, _, thin in parts])
        number = np.concatenate([number for _, number, _ in parts], axis=1)
        return [
            stacked(shapes[kept], row[kept], self.priority[row[kept]], thin[kept])
            for row in number
            for kept in [row > 0]
        ]

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        """Exact along each line."""
        columns = (window.col_off, window.col_off + window.width)
        return [
            runs_of_areas(areas.rings(), window.row_off, window.height, columns, lines_per_row)
            for areas in self.areas(window)
        ]


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
