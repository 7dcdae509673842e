"""Label sources as class maps: a window of a raster's grid in, class numbers from 1 out, 0 where nobody speaks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely

from geolabel import files, raster, vector
from geolabel.errors import EmptyError, InputError, OptionError
from geolabel.labels.scheme import MAX_CLASSES, LabelClass, Scheme, legend_scheme
from geolabel.labels.shares import lookup
from geolabel.labels.table import read_legend
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window

_POLYGONS = (3, 6)
"""shapely's type numbers of Polygon and MultiPolygon."""


class ClassMap(Protocol):
    """A label source laid over one raster's grid."""

    def read(self, window: Window) -> NDArray[np.uint8]:
        """Class numbers of a window: (height, width)."""

    def close(self) -> None:
        """Let go of open files."""


class LabelSource(Protocol):
    """A file that labels come from."""

    def scheme(self) -> Scheme:
        """The classes that the file itself names."""

    def over(self, grid: Grid, scheme: Scheme, unknown: dict[str, int]) -> ClassMap:
        """Lay the source over a grid; values that are no class of `scheme` are counted into `unknown`."""

    def check_touched(self) -> None:
        """Raise EmptyError where the source touched none of the grids it was laid over."""

    def describe(self, index_path: Path) -> dict[str, Any]:
        """What the index's metadata says of the source."""


@dataclass(slots=True)
class VectorLabels:
    """Polygons whose attribute names their class. Where they overlap, the smaller one is on top."""

    path: Path
    field: str
    layer: str | None
    touched: bool = False

    @classmethod
    def look(cls, path: Path, field: str | None, layer: str | None) -> VectorLabels:
        """Check the file and its field."""
        if not field:
            raise OptionError(f"{path}: say which attribute names the class, with --field NAME")
        return cls(path, field, layer)

    def scheme(self) -> Scheme:
        """One independent class a value of the attribute."""
        names = vector.read_values(self.path, self.field, self.layer)
        if not names:
            raise EmptyError(f"{self.path}: the field {self.field!r} is empty everywhere; choose another with --field")
        if len(names) > MAX_CLASSES:
            raise InputError(
                f"{self.path}: {self.field!r} has {len(names)} values; choose the field that names classes"
            )
        return Scheme(self.path.stem, tuple(LabelClass(name) for name in names))

    def over(self, grid: Grid, scheme: Scheme, unknown: dict[str, int]) -> ClassMap:
        """The polygons in the grid's CRS."""
        features = vector.read_features(self.path, grid.crs, field=self.field, layer=self.layer, within=grid.bounds)
        if features.repaired:
            log.info("%s: %d polygons had crossing rings and were repaired", self.path, features.repaired)
        number = {name: position for position, name in enumerate(scheme.names, start=1)}
        numbers = np.array([number.get(value.strip(), 0) for value in features.values.tolist()], dtype=np.uint8)
        for value in features.values[numbers == 0].tolist():
            unknown[f"{self.path.name} {self.field}={value}"] = (
                unknown.get(f"{self.path.name} {self.field}={value}", 0) + 1
            )
        inside = shapely.intersects(features.geometries, shapely.box(*grid.bounds))
        keep = inside & (numbers > 0) & np.isin(shapely.get_type_id(features.geometries), _POLYGONS)
        self.touched |= bool(keep.any())
        geometries = features.geometries[keep]
        order = np.argsort(-shapely.area(geometries), kind="stable")
        return _BurnedPolygons(grid, geometries[order], numbers[keep][order])

    def check_touched(self) -> None:
        """At least one polygon with a class must lie on a raster."""
        if not self.touched:
            raise EmptyError(
                f"{self.path}: no polygon with a class lies on the tiles; check its CRS (ogrinfo -so) and the region"
            )

    def describe(self, index_path: Path) -> dict[str, Any]:
        """Kind, path, field and fingerprint."""
        return {
            "kind": "vector",
            "path": files.relative_to(self.path, index_path),
            "field": self.field,
            "layer": self.layer,
            "fingerprint": files.fingerprint(self.path),
        }


@dataclass(frozen=True, slots=True)
class _BurnedPolygons:
    """Polygons, largest first, burned where they touch the window."""

    grid: Grid
    geometries: NDArray[Any]
    numbers: NDArray[np.uint8]
    tree: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", shapely.STRtree(self.geometries))

    def read(self, window: Window) -> NDArray[np.uint8]:
        part = self.grid.part(window)
        near = np.sort(self.tree.query(shapely.box(*part.bounds)))
        burned: NDArray[np.uint8] = raster.burn(self.geometries[near], self.numbers[near], part)
        return burned

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class RasterLabels:
    """A class raster in any CRS, read through a view warped onto the tiles' grid: nearest, codes never blended."""

    path: Path
    legend: Mapping[int, LabelClass]
    touched: bool = False

    @classmethod
    def look(cls, path: Path, legend: Path | None) -> RasterLabels:
        """Check the file and its legend."""
        info = raster.describe(path)
        if len(info.bands) != 1 or np.dtype(info.dtype).kind not in "iu":
            raise InputError(
                f"{path}: a class raster has one band of whole numbers, this has {len(info.bands)} of {info.dtype}"
            )
        if legend is None:
            raise OptionError(f"{path}: say what its codes mean, with --legend CSV (columns code, name)")
        return cls(path, read_legend(legend))

    def scheme(self) -> Scheme:
        """The classes of the legend."""
        return legend_scheme(self.path.stem, self.legend)

    def over(self, grid: Grid, scheme: Scheme, unknown: dict[str, int]) -> ClassMap:
        """The warped view."""
        number = {name: position for position, name in enumerate(scheme.names, start=1)}
        codes = np.array(sorted(self.legend), dtype=np.int64)
        numbers = np.array([number.get(self.legend[code].name, 0) for code in codes.tolist()], dtype=np.uint8)
        stack = ExitStack()
        reader = stack.enter_context(raster.open_raster(raster.describe(self.path), grid, "nearest"))
        return _WarpedClasses(self, reader, stack, codes, numbers, unknown)

    def check_touched(self) -> None:
        """At least one valid pixel must lie on the tiles."""
        if not self.touched:
            raise EmptyError(f"{self.path}: does not touch the tiles; check its CRS (gdalinfo) and the region")

    def describe(self, index_path: Path) -> dict[str, Any]:
        """Kind, path and fingerprint."""
        return {
            "kind": "raster",
            "path": files.relative_to(self.path, index_path),
            "fingerprint": files.fingerprint(self.path),
        }


@dataclass(frozen=True, slots=True)
class _WarpedClasses:
    """An open warped view of a class raster."""

    source: RasterLabels
    reader: raster.Reader
    stack: ExitStack
    codes: NDArray[np.int64]
    numbers: NDArray[np.uint8]
    unknown: dict[str, int]

    def read(self, window: Window) -> NDArray[np.uint8]:
        pixels, valid = self.reader.read(window)
        codes = pixels[0].astype(np.int64)
        found = np.where(valid, lookup(codes, self.codes, self.numbers), 0).astype(np.uint8)
        self.source.touched |= bool(valid.any())
        strange = valid & (found == 0)
        if strange.any():
            for code, count in zip(*np.unique(codes[strange], return_counts=True), strict=True):
                name = f"{self.source.path.name} code {code}"
                self.unknown[name] = self.unknown.get(name, 0) + int(count)
        return found

    def close(self) -> None:
        self.stack.close()
