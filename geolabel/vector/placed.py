"""The features of a place: geometries and outlines, each made only where somebody asks for them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.errors import CRSError
from geolabel.vector.read import FARTHEST, around, decode, repair, straight
from geolabel.vector.rings import FlatRings, joined, plain_rings, rings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

_POLYGONS = (3, 6)
"""shapely's type numbers of Polygon and MultiPolygon."""


@dataclass(frozen=True, slots=True)
class Placed:
    """n valid, non-empty features."""

    path: Path
    file_crs: str
    crs: str
    """The CRS asked for."""
    table: pa.Table
    """Their attributes: n rows."""
    repaired: NDArray[np.bool_]
    """(n,): whose rings crossed and were repaired."""
    wkb: pa.Array
    """(n,): as the file has them."""
    plain: FlatRings
    """Outlines of plain polygons, in the file's CRS; `owner` is their row."""
    others: NDArray[np.int64]
    """(m,): rows of all others."""
    shapes: NDArray[Any]
    """(m,): their shapely geometries, valid, in the file's CRS."""

    @classmethod
    def of(
        cls,
        path: Path,
        table: pa.Table,
        column: str,
        crs: tuple[str, str],
        region: tuple[float, float, float, float] | None,
    ) -> Placed:
        """Features of a table whose `column` holds WKB; `crs`: the file's, and the one asked for.

        `region` (west, south, east, north): the place, in the file's CRS. Raises InputError where there are curves.
        """
        import shapely

        file_crs, wanted = crs
        wkb = table[column].combine_chunks()
        alike = geodesy.same_crs(file_crs, wanted)
        # what spans much of the Earth is no polygon of a few straight sides in another CRS
        longest = FARTHEST if alike else straight(file_crs)
        plain = plain_rings(wkb, longest)
        others = np.setdiff1d(np.arange(len(wkb)), plain.owner, assume_unique=True)
        shapes, broken = repair(decode(path, wkb.take(others).to_numpy(zero_copy_only=False)))
        if not alike:
            shapes = around(shapes, region, file_crs)
        keep = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        repaired = np.zeros(len(wkb), dtype=bool)
        repaired[others] = broken
        table = table.drop_columns([column])
        if keep.all():
            return cls(path, file_crs, wanted, table, repaired, wkb, plain, others, shapes)
        kept = np.ones(len(wkb), dtype=bool)
        kept[others[~keep]] = False
        row = np.cumsum(kept) - 1
        moved = FlatRings(plain.x, plain.y, plain.start, row[plain.owner])
        return cls(
            path,
            file_crs,
            wanted,
            table.filter(kept),
            repaired[kept],
            wkb.filter(kept),
            moved,
            row[others[keep]],
            shapes[keep],
        )

    def __len__(self) -> int:
        return len(self.wkb)

    def thin(self) -> NDArray[np.bool_]:
        """Which features are lines or points: (n,)."""
        import shapely

        found = np.zeros(len(self), dtype=bool)
        found[self.others] = ~np.isin(shapely.get_type_id(self.shapes), _POLYGONS)
        return found

    def sizes(self) -> NDArray[np.float64]:
        """Area of each feature (n,), squared units of the file's CRS: to tell which of two is smaller."""
        import shapely

        found = self.plain.sizes(len(self))
        found[self.others] = shapely.area(self.shapes)
        return found

    @property
    def geometries(self) -> NDArray[Any]:
        """(n,) shapely geometries in the CRS asked for. Raises CRSError."""
        return self.some(np.arange(len(self)))

    def some(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Geometries of some features (m,) in the CRS asked for. Raises CRSError."""
        place = np.full(len(self), -1)
        place[self.others] = np.arange(len(self.others))
        found = np.empty(len(rows), dtype=object)
        other = place[rows] >= 0
        found[other] = self.shapes[place[rows[other]]]
        found[~other] = decode(self.path, self.wkb.take(rows[~other]).to_numpy(zero_copy_only=False))
        with self._naming():
            return geodesy.project_geometries(found, self.file_crs, self.crs)

    def rings(self, rows: NDArray[np.bool_], tolerance: float) -> FlatRings:
        """Outlines of those of the polygons that `rows` (n,) chooses, in the CRS asked for, to within a tolerance.

        `owner` is their row. No geometry objects are made: for many small polygons that takes longer than all the rest.
        Raises CRSError.
        """
        chosen = np.flatnonzero(rows[self.others])
        rest = rings_of(self.shapes[chosen])
        rest = FlatRings(rest.x, rest.y, rest.start, self.others[chosen][rest.owner])
        both = joined(self.plain.of(rows), rest)
        with self._naming():
            x, y = geodesy.reproject_nearly(both.x, both.y, self.file_crs, self.crs, tolerance)
        return FlatRings(x, y, both.start, both.owner)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except CRSError as error:
            raise CRSError(f"{self.path}: {error}") from error
