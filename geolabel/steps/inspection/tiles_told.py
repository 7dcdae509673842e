"""What is told of a tile index, and of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.steps.inspection.extent import Degrees


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A raster, or a folder of chips, that tiles were cut from."""

    source: str
    """Relative to the index."""
    here: bool
    """Whether it is where the index says."""
    tiles: int
    bands: tuple[str, ...]
    dtype: str
    gsd_m: float | None


@dataclass(frozen=True, slots=True)
class LabelSourceRow:
    """Where labels come from."""

    source: str
    kind: str
    date: str
    """Of its data; empty where nobody said."""
    attribution: str


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How much there is of one class; a tile counts as one that has it where it has any share of it."""

    name: str
    color: str
    share: float | None
    """Mean over the tiles in which it is known; None where it is known in none."""
    tiles: int
    known: int
    """Tiles in which it is known, present or not."""
    train: int | None
    """Tiles of the part that have it; None where the index is not split."""
    val: int | None
    test: int | None
    no_part: int | None
    """In a buffer between parts, or in no part at all."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the split."""

    part: str
    """Train, val, test; buffer for what is too near to another part; "none" for what belongs to none."""
    tiles: int
    share: float
    """Of all tiles."""


@dataclass(frozen=True, slots=True)
class TilesContent:
    """What a tile index holds."""

    tiles: int
    size_px: tuple[int, ...]
    """Width and height; empty where the index does not say."""
    stride_px: int | None
    sampling: str
    """Grid, chips, random, cluster."""
    crs: str
    extent_degrees: Degrees | None
    """West, south, east, north."""
    made_by: tuple[str, ...]
    """The commands that made it."""
    split_by: str
    """How it was split; empty where it is not."""
    unknown_share: float | None
    """Share of the tiles of which no label source speaks; None without labels."""
    imbalance: float | None
    """How many times more there is of the commonest class than of the rarest that there is."""
    columns: tuple[str, ...]
    """Beside those that every index has, and labels."""
    sources: tuple[SourceRow, ...]
    label_sources: tuple[LabelSourceRow, ...]
    parts: tuple[PartRow, ...]
    classes: tuple[ClassRow, ...]
    to_mind: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TilesReport:
    """A tile index."""

    kind: Literal["tile index"]
    path: Path
    megabytes: float
    content: TilesContent


@dataclass(frozen=True, slots=True)
class EmbeddingsReport:
    """A tile index with a vector in every row."""

    kind: Literal["embeddings"]
    path: Path
    megabytes: float
    numbers: int
    """Of a vector."""
    vector_dtype: str
    norm: bool
    """Whether vectors have length 1."""
    model: str
    """What made them."""
    model_fingerprint: str
    search_index: bool
    """Whether an index for searches (FAISS) lies beside it, of the file as it is now."""
    content: TilesContent
