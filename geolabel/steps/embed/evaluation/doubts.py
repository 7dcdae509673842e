"""What a reader of an embedding's scores should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import listed
from geolabel.steps.embed.evaluation.draws import BALANCED, LEAST_OF_A_CLASS, NATURAL, usual_classes
from geolabel.steps.embed.evaluation.features import SIDE_PX
from geolabel.steps.embed.evaluation.tiles import PARTS
from geolabel.steps.evaluation_page import LEAKED, leaked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geolabel.model import ModelCard
    from geolabel.steps.embed.evaluation.draws import Draw
    from geolabel.steps.embed.evaluation.tiles import JudgedTiles
    from geolabel.tiling.index import TileIndex


LEAKED_SUPERVISED = (
    "The supervised classifier was trained on these images under another split: it may know the labels of tiles scored "
    "here."
)


def leaks(index: TileIndex, card: ModelCard, supervised: ModelCard | None) -> Iterator[str]:
    """What model and classifier may have seen of the tiles that judge them, a sentence each."""
    if leaked(card, index):
        yield LEAKED
    if supervised is not None and leaked(supervised, index):
        yield LEAKED_SUPERVISED


def doubts_of(
    index: TileIndex, tiles: JudgedTiles, draws: Sequence[Draw], card: ModelCard, supervised: ModelCard | None
) -> Iterator[str]:
    """Doubts, a sentence each; `supervised` is the classifier beside the model."""
    yield from leaks(index, card, supervised)
    if (index.split or {}).get("method") == "random":
        yield "Parts were drawn at random: probes learned the neighbours of these tiles, and unseen places score lower."
    if max(card.tile_px) > SIDE_PX:
        yield f"As raw pixels and for PCA, tiles were reduced to {SIDE_PX} × {SIDE_PX} px at the most, by area mean."
    if any(source.get("kind") == "clusters" for source in index.label_sources):
        yield "Labels are clusters of some model's vectors: that model is judged by its own answers here."
    yield from _of_labels(tiles)
    yield from _of_draws(tiles, draws)
    yield "Labels are taken for the truth; where they are wrong, so are the scores."


def _of_labels(tiles: JudgedTiles) -> Iterator[str]:
    if tiles.unlabelled:
        yield f"{tiles.unlabelled:,} tiles are left out: no class of them is known."
    without = int((tiles.labels < 0).sum())
    if without:
        yield f"{without:,} tiles have no label: no class has the share asked for, or an unknown one may be larger."
    in_part = len(tiles.whole) - int(tiles.whole.sum())
    if in_part and all(tiles.whole[tiles.of_part(part)].any() for part in PARTS):
        yield f"{in_part:,} tiles count by their label only, not by their shares: some of their classes are unknown."
    elif in_part:
        yield "Shares are not judged: no tile of train, or of test, has all its classes known."
    if tiles.tied:
        yield f"In {tiles.tied:,} tiles two classes have the same largest share; the first of them is the label."
    train, test = (set(tiles.labels[tiles.of_part(part)].tolist()) - {-1} for part in PARTS)
    missing = [tiles.classes[at] for at in sorted(test - train)]
    if missing:
        yield f"No training tile is {listed(missing)}: what is, can only be judged wrongly."


def _of_draws(tiles: JudgedTiles, draws: Sequence[Draw]) -> Iterator[str]:
    usual = usual_classes(tiles)
    rare = [tiles.classes[at] for at in sorted(set(tiles.labels.tolist()) - {-1} - set(usual.tolist()))]
    told = f"the label of fewer than {LEAST_OF_A_CLASS} tiles of train or test"
    mixes = {draw.mix for draw in draws}
    if BALANCED not in mixes and len(usual) < 2:  # noqa: PLR2004 - nothing to balance
        yield f"Classes were not balanced: {listed(rare)} are {told}."
    elif BALANCED in mixes and rare:
        yield f"The balanced mix is without {listed(rare)}: {told}."
    whole = [
        part
        for part, rows in (("train", [one.train for one in draws]), ("test", [one.test for one in draws]))
        if any(len(found) == len(tiles.of_part(part)) for found in rows)
    ]
    if NATURAL in mixes and whole:
        yield (
            f"Each repeat of the natural mix has all tiles of {' and of '.join(whole)}: deviations tell less than "
            "other places would."
        )
    fewest = min(len(np.unique(tiles.labels[draw.test][tiles.labels[draw.test] >= 0])) for draw in draws)
    if fewest < 2:  # noqa: PLR2004 - nothing to tell apart
        yield "In some repeat all test tiles are of one class; give more --validation-tiles."
