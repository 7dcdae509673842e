"""Clusters under the names that a person gave them: several of one name become one class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.embeddings.lattice import placed
from geolabel.errors import OptionError, SchemeError, TileIndexError, listed
from geolabel.labels.scheme import Scheme
from geolabel.labels.scheme_file import read_scheme
from geolabel.steps.embed.clustering.files import Place, labelled, write
from geolabel.steps.making import makes
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A class that clusters became."""

    name: str
    clusters: str
    """Those that it is made of."""
    tiles: int


@dataclass(frozen=True, slots=True)
class RenameReport:
    """What renaming made."""

    output: Path
    tiles: int
    unknown: int
    """Tiles that belong to no cluster."""
    classes: tuple[NamedRow, ...]
    maps: tuple[Path, ...]


@makes("embed cluster", "clusters", "names")
def rename(clusters: Path, names: Path, *, output: Path, overwrite: bool = False) -> RenameReport:
    """The index of clusters with the titles that the scheme file `names` gives them as names of its classes.

    Clusters of the same title become one class, with the first one's colour and group; one whose title is as it was
    keeps its name. The map is drawn anew. Raises InputError, SchemeError, TileIndexError (the file names other
    clusters), OptionError, OutputError.
    """
    if output.suffix.lower() != ".parquet":
        raise OptionError(f"{output}: is a tile index; give it a name that ends with .parquet")
    index, told = read_index(clusters), read_scheme(names)
    place = Place(output)
    place.check(len(placed(index)), scheme=False, overwrite=overwrite, inputs=(names, clusters))
    members = _members(index, clusters)
    own = index.class_names
    if set(told.names) != set(own):
        raise TileIndexError(
            f"{names}: names {listed(told.names, 4)}, but the clusters of {clusters} are {listed(own, 4)}; change the "
            "titles, and leave the names"
        )
    try:
        scheme, of_cluster = merged(told, Scheme.from_json(index.scheme))
    except SchemeError as error:
        raise SchemeError(f"{names}: {error}") from error
    found = np.where(members >= 0, of_cluster[members], -1).astype(np.int16)
    done = labelled(index, scheme, found, f"embed cluster --rename {names.name}").moved(clusters, output)
    pictures = write(place, done, scheme, found, toml=False, overwrite=overwrite)
    rows = tuple(
        NamedRow(
            name,
            ", ".join(one for one, to in zip(own, of_cluster, strict=True) if to == number),
            int((found == number).sum()),
        )
        for number, name in enumerate(scheme.names)
    )
    return RenameReport(output, len(done), int((found < 0).sum()), rows, pictures)


def merged(told: Scheme, clusters: Scheme) -> tuple[Scheme, NDArray[np.int64]]:
    """The scheme `told` with its titles as names, and which of its classes each of the `clusters` is: (clusters,)."""
    plain = {one.name: one.title for one in clusters.classes}
    called = {one.name: one.name if one.title == plain[one.name] else one.title.strip() for one in told.classes}
    first = {called[one.name]: one for one in reversed(told.classes)}
    names = list(dict.fromkeys(called[one.name] for one in told.classes))
    classes = tuple(replace(first[name], name=name) for name in names)
    return replace(told, classes=classes), np.array([names.index(called[name]) for name in clusters.names])


def _members(index: TileIndex, path: Path) -> NDArray[np.int64]:
    """Cluster of each tile (n,), −1 where it has none. Raises TileIndexError where labels are no clusters."""
    shares = index.shares
    known = np.isfinite(shares).all(axis=1)
    if not index.class_names or not (np.isin(shares[known], (0, 1)).all() and (shares[known].sum(axis=1) == 1).all()):
        raise TileIndexError(f"{path}: its labels are no clusters; make them with geolabel embed cluster")
    return np.where(known, np.nan_to_num(shares).argmax(axis=1), -1)
