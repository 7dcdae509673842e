"""Label sources: a file that says what is where, and the same laid over the grid of one raster."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from geolabel.errors import EmptyError, listed
from geolabel.progress import log

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window
    from geolabel.labels.areas import Areas
    from geolabel.labels.runs import Runs
    from geolabel.labels.scheme import Scheme


class LaidSource(Protocol):
    """A label source over one raster's grid. May be read from several threads."""

    def runs(self, window: Window, lines_per_row: int) -> list[Runs]:
        """The class map in a window as runs, one for each group of the scheme."""

    def areas(self, window: Window) -> list[Areas]:
        """The class map in a window as exact areas, one set for each group of the scheme."""


class LabelSource(Protocol):
    """A file that labels come from."""

    @property
    def name(self) -> str:
        """What its own columns begin with."""

    @property
    def findings(self) -> Findings:
        """What was noticed when it was read."""

    def scheme(self) -> Scheme:
        """The classes that it stands for where nobody names a scheme."""

    def names(self, scheme: Scheme) -> NDArray[np.bool_]:
        """Which classes of a scheme it can tell: (classes,)."""

    def lay(self, grid: Grid, scheme: Scheme, top: int) -> AbstractContextManager[LaidSource]:
        """Lay the source over a grid, of which rows from `top` on will be read."""

    def describe(self, index_path: Path) -> dict[str, Any]:
        """What the index's metadata says of the source."""


@dataclass(slots=True)
class Findings:
    """What reading a source brought to light. Threads may add to it."""

    path: Path
    unknown: dict[str, int] = field(default_factory=dict)
    """Values that no class stands for, with how often they came: features, or pixels."""
    repaired: int = 0
    """Polygons with crossing rings."""
    touched: bool = False
    """Whether anything of it lies on the tiles."""
    flat: bool = False
    """Whether lines or points name a class, and nothing gives them a width."""
    lock: Lock = field(default_factory=Lock)

    def add(
        self, *, touched: bool, repaired: int = 0, unknown: dict[str, int] | None = None, flat: bool = False
    ) -> None:
        """Enter what one piece brought."""
        with self.lock:
            self.touched |= touched
            self.flat |= flat
            self.repaired += repaired
            for value, count in (unknown or {}).items():
                self.unknown[value] = self.unknown.get(value, 0) + count

    def close(self) -> None:
        """Say what a person should know. Raises EmptyError where the source touched no tile."""
        if self.flat and not self.touched:
            raise EmptyError(
                f"{self.path}: only lines and points of its classes lie on the tiles, and they have no area; "
                "widen them first (ST_Buffer), or give OSM tags with --osm and rules with width_m"
            )
        if self.flat:
            log.warning("%s: lines and points have no area and are left out", self.path)
        if not self.touched and self.unknown:
            values = (value.removeprefix(f"{self.path.name} ") for value in self.unknown)
            raise EmptyError(
                f"{self.path}: its values there are {listed(values)}, and no class stands for them; name them in "
                "the scheme or the legend, or check the file's CRS (gdalinfo, ogrinfo -so) and its region"
            )
        if not self.touched:
            raise EmptyError(
                f"{self.path}: nothing in it with a class of the scheme lies on the tiles; "
                "check its CRS (gdalinfo, ogrinfo -so), its region and the scheme"
            )
        if self.repaired:
            log.warning("%s: %d polygons have rings that cross; they were repaired", self.path, self.repaired)
