"""`geolabel embed cluster`: classes proposed by how vectors lie together, as labels that a person can rename."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from geolabel.checked import MAX_CLASSES
from geolabel.embeddings import read_header, vectors_of
from geolabel.embeddings.clusters import Clusters, hdbscan, kmeans
from geolabel.embeddings.lattice import placed
from geolabel.embeddings.pieces import pieces
from geolabel.errors import OptionError
from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.progress import log
from geolabel.steps.embed.clustering.files import Place, labelled, write
from geolabel.steps.making import makes
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

Method = Literal["kmeans", "hdbscan"]
CLUSTERS = 8
GROUP = "cluster"
_JUDGED = 4_000
"""Tiles, at the most, by which clusters are judged: each is compared with each."""


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster."""

    name: str
    tiles: int
    share: float
    """Of all tiles, 0–1."""
    prototype: int
    """Tile that lies nearest its centre: one to look at."""
    silhouette: float
    """Mean over a sample of its tiles, −1 to 1: near 1 where they lie apart from other clusters. Rousseeuw 1987."""


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What clustering made."""

    output: Path
    scheme: Path
    """In which clusters can be given names."""
    tiles: int
    unknown: int
    """Tiles that belong to no cluster."""
    silhouette: float
    """Mean over a sample of tiles."""
    clusters: tuple[ClusterRow, ...]
    maps: tuple[Path, ...]
    command: str
    """That gives the clusters the names in the scheme."""


@makes("embed cluster", "embeddings")
def cluster(
    embeddings: Path,
    *,
    method: Method = "kmeans",
    clusters: int | None = None,
    output: Path = Path("clusters.parquet"),
    seed: int = 0,
    overwrite: bool = False,
) -> ClusterReport:
    """Label the tiles of an embeddings file by the cluster that they belong to, the largest first.

    Beside the index, a scheme (`.toml`) names the clusters, and a class map (`.tif`, with its style) shows them, one
    cell a stride. Tiles that HDBSCAN counts as noise are unknown. Raises InputError, TileIndexError, OptionError,
    EmptyError (no tiles, no clusters), OutputError.
    """
    if method == "hdbscan" and clusters is not None:
        raise OptionError("-k is for kmeans; hdbscan finds by itself how many clusters there are")
    wanted = CLUSTERS if clusters is None else clusters
    if not 2 <= wanted <= MAX_CLASSES:  # noqa: PLR2004 - one cluster would say nothing
        raise OptionError(f"-k must lie in 2–{MAX_CLASSES}, got {wanted}")
    if output.suffix.lower() != ".parquet":
        raise OptionError(f"{output}: is a tile index; give it a name that ends with .parquet")
    read_header(embeddings)
    index = read_index(embeddings)
    place = Place(output)
    place.check(len(placed(index)), scheme=True, overwrite=overwrite, inputs=(embeddings,))
    count = len(index)
    if count < wanted and method == "kmeans":
        raise OptionError(f"{embeddings}: has {count} tiles, too few for {wanted} clusters; give a lower -k")
    found = (
        kmeans(lambda: pieces(embeddings), count, wanted, seed)
        if method == "kmeans"
        else hdbscan(lambda: pieces(embeddings), count)
    )
    if method == "kmeans" and len(found.centres) < wanted:
        log.warning("%s: there are no more than %d different vectors", embeddings, len(found.centres))
    scheme = _scheme(len(found.centres), output.stem)
    how = f"embed cluster --method {method}" + (f" -k {wanted} --seed {seed}" if method == "kmeans" else "")
    done = labelled(index, scheme, found.members, how).moved(embeddings, output)
    pictures = write(place, done, scheme, found.members, toml=True, overwrite=overwrite)
    silhouettes, mean = _silhouettes(embeddings, found)
    tiles = index.column("tile")
    sizes = np.bincount(found.members[found.members >= 0], minlength=len(scheme.names))
    rows = tuple(
        ClusterRow(name, int(size), float(size / count), int(tiles[row]), float(value))
        for name, size, row, value in zip(scheme.names, sizes, found.prototypes, silhouettes, strict=True)
    )
    return ClusterReport(
        output=output,
        scheme=place.scheme,
        tiles=count,
        unknown=int((found.members < 0).sum()),
        silhouette=mean,
        clusters=rows,
        maps=pictures,
        command=f"geolabel embed cluster {output} --rename {place.scheme} -o {output.with_stem('named')}",
    )


def _scheme(count: int, name: str) -> Scheme:
    """Classes that exclude each other, in colours of a palette."""
    classes = tuple(LabelClass(f"cluster-{number}", f"Cluster {number}", group=GROUP) for number in range(1, count + 1))
    return complete(replace(Scheme(name, classes), title="Clusters"))


def _silhouettes(embeddings: Path, found: Clusters) -> tuple[NDArray[np.float64], float]:
    """Mean silhouette of each cluster (clusters,), NaN where the sample has none of it, and over all."""
    from sklearn.metrics import silhouette_samples

    rows = np.flatnonzero(found.members >= 0)
    rows = rows[:: -(-len(rows) // _JUDGED)]
    names = found.members[rows]
    values = np.full(len(found.centres), np.nan)
    if not 2 <= len(np.unique(names)) < len(rows):  # noqa: PLR2004 - there is nothing to lie apart from
        return values, float("nan")
    told = silhouette_samples(vectors_of(embeddings, rows).astype(np.float32), names)
    for name in np.unique(names).tolist():
        values[name] = told[names == name].mean()
    return values, float(told.mean())
