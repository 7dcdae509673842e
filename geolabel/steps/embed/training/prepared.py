"""What an embedder is to learn from, ready to be trained on: pools, and the contract of the model to be."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import OptionError
from geolabel.learn.metric.recipe import OFFLINE
from geolabel.learn.transforms import band_contracts
from geolabel.model import NORM_OUTPUT, OUTPUT_SIZE, ModelCard
from geolabel.steps.embed.training.tile_supply import TileSupply, make_task
from geolabel.steps.task import open_chips
from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from geolabel.learn.metric.loop import Supply
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.model import BandContract
    from geolabel.tiling import Source


@dataclass(frozen=True, slots=True)
class Prepared:
    """A lesson for an embedder."""

    supply: Supply
    card: ModelCard
    by_place: bool
    """Whether places are learned from; else classes."""
    tiles: int | None
    """That train; None where they are drawn anew."""
    score: str
    """What epochs are judged by."""


MAP_AT_R, IN_ORDER = "MAP@R", "tuples in order"


@contextmanager
def prepare_tiles(path: Path, recipe: EmbedRecipe, cache: Path | None, scratch_in: Path) -> Iterator[Prepared]:
    """The tiles of an index. Raises TileIndexError, EmptyError, OptionError, InputError, BandError."""
    index = read_index(path)
    task = make_task(index, path, recipe)
    offline = [name for name in recipe.mining_names if name in OFFLINE]
    if offline and not task.by_distance:
        raise OptionError(f"--mining {offline[0]} looks over the map for near and far; it goes with --no-supervised")
    with open_chips(index, task.rows, path, cache, scratch_in) as chips:
        train = np.flatnonzero(task.parts == "train")
        source = index.sources[0]
        bands = band_contracts(chips, train, source.bands, source.scale, source.offset)
        width, height = index.size_px
        attribution = [str(entry["attribution"]) for entry in index.label_sources if entry.get("attribution")]
        by_place = task.by_distance or bool(recipe.by)
        card = make_card(
            recipe,
            bands,
            index.sources,
            (int(width), int(height)),
            {"labels": [] if by_place else list(index.label_sources), "split": index.split},
            () if by_place else tuple(attribution),
        )
        judged = IN_ORDER if task.by_distance else MAP_AT_R
        yield Prepared(TileSupply(task, chips, recipe), card, by_place, len(train), judged)


def make_card(
    recipe: EmbedRecipe,
    bands: tuple[BandContract, ...],
    sources: Sequence[Source],
    tile_px: tuple[int, int],
    told: dict[str, Any],
    attribution: tuple[str, ...] = (),
) -> ModelCard:
    """The contract of an embedder, before anything was learned; `told` says what it learns from."""
    known_gsd = [found.gsd_m for found in sources if found.gsd_m]
    return ModelCard(
        architecture=recipe.model,
        heads=(),
        scheme={},
        bands=bands,
        dtype=sources[0].dtype,
        nodata=sources[0].nodata,
        gsd_m=float(np.median(known_gsd)) if known_gsd else None,
        tile_px=tile_px,
        presence={},
        thresholds={},
        settings={OUTPUT_SIZE: recipe.output_size, NORM_OUTPUT: recipe.norm_output},
        trained_on={
            "sources": [{"path": found.path, "fingerprint": found.fingerprint} for found in sources],
            **told,
            "options": files.to_json(recipe),
            "versions": files.versions(),
        },
        attribution=attribution,
        kind="embedder",
    )
