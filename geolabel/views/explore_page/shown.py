"""What the page shows of n tiles; row k of everything is tile k."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geolabel.views.atlas import Atlas

Kind = Literal["classes", "numbers"]


@dataclass(frozen=True, slots=True)
class Projected:
    """Tiles as points of a plane or of space."""

    title: str
    note: str
    """What the axes are, and how far to trust them."""
    points: NDArray[np.float32]
    """(n, 2) or (n, 3); rows that are not finite are not shown."""

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] not in (2, 3):  # noqa: PLR2004 - a plane or space
            raise ValueError(f"{self.title}: points must be (n, 2) or (n, 3), got {self.points.shape}")


@dataclass(frozen=True, slots=True)
class Colouring:
    """Something by which tiles are coloured, and which the card tells of each."""

    title: str
    kind: Kind
    codes: NDArray[Any]
    """(n,) of classes: place in `names`, −1 for unknown; of numbers: the numbers, NaN for unknown."""
    names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    """#rrggbb of each name."""

    def __post_init__(self) -> None:
        if len(self.names) != len(self.colors):
            raise ValueError(f"{self.title}: {len(self.names)} names and {len(self.colors)} colours")
        if self.kind == "classes" and self.codes.size and self.codes.max() >= len(self.names):
            raise ValueError(f"{self.title}: a code of {self.codes.max()} among {len(self.names)} names")


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A line of the card, and a column of saved tables."""

    title: str
    values: tuple[str, ...]
    """Different texts."""
    codes: NDArray[Any]
    """(n,) place in `values`; −1 for none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tiles that are shown side by side."""

    title: str
    rows: NDArray[np.int64]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A tab below the views."""

    key: str
    """outliers, duplicates, leaks, artefacts, prototypes, dissimilar … `leaks` are framed in red."""
    title: str
    about: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class ExplorePage:
    """All that the page shows."""

    title: str
    about: str
    """A sentence or two below the title."""
    name: str
    """What files saved from the page are called."""
    facts: tuple[tuple[str, str], ...]
    """Large numbers: value, what it is."""
    tiles: NDArray[np.int64]
    """(n,) tile numbers, each different."""
    projections: tuple[Projected, ...]
    lon: NDArray[np.float64] | None
    """(n,) of a tile's middle, degrees, NaN where it has no place; None without any."""
    lat: NDArray[np.float64] | None
    side_deg: NDArray[np.float64] | None
    """(n, 2) how far a tile reaches in longitude and in latitude; None for points."""
    colourings: tuple[Colouring, ...]
    columns: tuple[TextColumn, ...]
    atlas: Atlas | None
    findings: tuple[Finding, ...]
    separation: str
    """HTML, made with views/page; empty for none."""
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.projections or not self.colourings:
            raise ValueError("a page to explore needs a projection and a colouring")
        if (self.lon is None) != (self.lat is None):
            raise ValueError("a place is a longitude and a latitude")
        optional = (one for one in (self.lon, self.lat, self.side_deg) if one is not None)
        rows = {len(self.tiles), *map(len, optional)}
        rows |= {len(one.points) for one in self.projections}
        rows |= {len(one.codes) for one in self.colourings} | {len(one.codes) for one in self.columns}
        if len(rows) > 1:
            raise ValueError(f"columns of different lengths: {sorted(rows)}")
