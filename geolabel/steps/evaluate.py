"""`geolabel evaluate`: score a model on a part of a tile index."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geolabel import files
from geolabel.errors import ContractError, EmptyError, TileIndexError
from geolabel.inference import Decision
from geolabel.learn.chips import load_chips
from geolabel.learn.forward import choose_device, load_classifier
from geolabel.learn.heads import targets
from geolabel.model import rescaled
from geolabel.scoring.multilabel import Scores, score
from geolabel.tiling.index import read_index


@dataclass(frozen=True, slots=True)
class EvaluateReport:
    """How well a model does."""

    output: Path
    model: Path
    split: str
    tiles: int
    method: str
    """How the parts were drawn: blocks, column or random."""
    scores: Scores


def evaluate(
    model: Path,
    tiles: Path,
    *,
    split: str = "test",
    device: str = "auto",
    output: Path = Path("evaluation.json"),
    overwrite: bool = False,
) -> EvaluateReport:
    """Score a model on the tiles of a part, at the thresholds it carries.

    Raises ModelError, TileIndexError (no such part, no labels), ContractError (other bands or classes), EmptyError.
    """
    files.check_new(output, overwrite=overwrite, inputs=(model, tiles))
    index = read_index(tiles)
    classifier = load_classifier(model, choose_device(device))
    card = classifier.card
    if index.split is None:
        raise TileIndexError(f"{tiles}: is not split; run geolabel split first")
    lacking = [name for name in card.classes if name not in index.class_names]
    if lacking:
        raise ContractError(f"{tiles}: has no labels for {', '.join(lacking)}, which {model} predicts; label it so")
    bands = tuple(band.name for band in card.bands)
    if index.sources[0].bands != bands or index.sources[0].dtype != card.dtype:
        raise ContractError(
            f"{tiles}: {index.sources[0].dtype} bands {', '.join(index.sources[0].bands)}, but {model} wants "
            f"{card.dtype} {', '.join(bands)}; tile again with --bands {','.join(bands)}"
        )
    if tuple(index.tiling["size"]) != card.tile_px:
        raise ContractError(
            f"{tiles}: tiles of {index.tiling['size'][0]} px, but {model} wants {card.tile_px[0]}; tile again with "
            f"--size {card.tile_px[0]}"
        )
    shares = index.shares[:, [index.class_names.index(name) for name in card.classes]]
    chosen = (index.column("split").astype(str) == split) & np.isfinite(shares).any(axis=1)
    rows = np.flatnonzero(chosen)
    if not len(rows):
        raise EmptyError(
            f"{tiles}: no labelled tile in {split!r}; there are {', '.join(sorted(set(index.column('split'))))}"
        )
    with tempfile.TemporaryDirectory() as scratch:
        chips = load_chips(index, rows, tiles.parent, Path(scratch))
        source = index.sources[0]
        ready = classifier.with_card(rescaled(card, source.scale, source.offset))
        found = ready.predict(chips, np.arange(len(rows)))
    truth = targets(shares[rows], card.heads, card.presence)
    thresholds = [card.thresholds[name] for name in card.classes]
    scores = score(truth, found, card.classes, thresholds, Decision.of(card).on_tiles(found))
    report = EvaluateReport(output, model, split, len(rows), str(index.split["method"]), scores)
    files.write_json(output, report)
    return report
