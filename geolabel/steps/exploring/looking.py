"""Features and pictures of the tiles, from wherever they are: the rasters, a model, or the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.embeddings import vectors_of
from geolabel.errors import InputError
from geolabel.progress import log
from geolabel.steps.embed.evaluation.features import standardised
from geolabel.steps.exploring.features import STATISTICS, Eyes, open_model, open_trunk
from geolabel.steps.exploring.seeing import sample_tiles, see

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.model import ModelCard
    from geolabel.steps.exploring.features import Wanted
    from geolabel.steps.exploring.seeing import Seen
    from geolabel.steps.exploring.tiles import Explored


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of n tiles from their pixels."""

    told: str
    """Which features they are compared by."""
    features: NDArray[np.float32]
    """(n, f)."""
    seen: Seen | None
    """None where vectors are in the file, and the rasters are not there any more."""
    card: ModelCard | None
    """Of the classifier, where there is one."""
    by_model: bool
    """Whether features are those of a model, which may have learned from some of the tiles."""
    note: str
    """Why there are no pictures; empty where there are."""

    @property
    def probabilities(self) -> NDArray[np.float32] | None:
        """(n, classes) of the classifier."""
        return self.seen.probabilities if self.seen else None


def look(tiles: Explored, wanted: Wanted, cache: Path | None) -> Looked:
    """Look at all tiles once.

    Raises InputError, BandError, TileIndexError, ModelError, ContractError, OptionError, InstallError.
    """
    in_file = tiles.encoder is not None and not wanted.model and not wanted.trunk
    try:
        eyes, seen = _seen(tiles, wanted, cache, in_file=in_file)
    except InputError as error:
        if not in_file:
            raise
        log.warning("%s: its vectors are explored without pictures (%s)", tiles.path, error)
        note = f"There are no pictures, and copies and artefacts were not looked for: {error}"
        return Looked(_of_file(tiles), _vectors(tiles), None, None, by_model=True, note=note)
    features = _vectors(tiles) if seen.features is None else seen.features
    if eyes.by_statistics:
        features = standardised(features, np.arange(len(features)))
    card = eyes.predictor.card if eyes.predictor else None
    return Looked(eyes.told, features, seen, card, by_model=not eyes.by_statistics and not wanted.trunk, note="")


def _seen(tiles: Explored, wanted: Wanted, cache: Path | None, *, in_file: bool) -> tuple[Eyes, Seen]:
    base = tiles.path.parent
    # before anything is read: a model that does not fit is told of at once
    eyes = open_model(wanted.model, tiles, wanted.device) if wanted.model else None
    sample = sample_tiles(tiles.index, base, wanted.seed)
    if wanted.trunk:
        eyes = open_trunk(wanted, tiles, sample.chips, sample.source)
    if eyes is None:
        eyes = Eyes(_of_file(tiles)) if in_file else Eyes(STATISTICS, by_statistics=True)
    return eyes, see(tiles.index, base, eyes, sample.painter, cache)


def _of_file(tiles: Explored) -> str:
    return f"vectors of {tiles.encoder}"


def _vectors(tiles: Explored) -> NDArray[np.float32]:
    return np.asarray(vectors_of(tiles.path, tiles.rows), np.float32)
