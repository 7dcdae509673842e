"""An embedder's contract as a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel.steps.model_card import provenance

if TYPE_CHECKING:
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.model import ModelCard
    from geolabel.steps.embed.training.prepared import Prepared


def describe_embedder(card: ModelCard, recipe: EmbedRecipe, prepared: Prepared) -> str:
    """A model card in Markdown."""
    gsd = f"{card.gsd_m:.2f} m" if card.gsd_m else "not known"
    length = "of length 1" if recipe.norm_output else "of any length"
    if prepared.by_place:
        how = (
            f"tiles with the same {recipe.by} belong together"
            if recipe.by
            else f"tiles {recipe.min_pos_dist:g}–{recipe.max_pos_dist:g} sides apart belong together, those "
            f"{recipe.min_neg_dist:g}–{recipe.max_neg_dist:g} apart do not"
        )
    else:
        how = (
            "tiles of one class belong together" if recipe.targets == "class" else "tiles are as alike as their labels"
        )
    lines = [
        f"# An embedder: {card.architecture}, {recipe.loss}",
        "",
        f"Tiles of {card.tile_px[0]} × {card.tile_px[1]} px at {gsd} a pixel become vectors of {card.outputs} numbers, "
        f"{length}. Tiles that it takes for alike get vectors that lie near each other; what is alike it learned from "
        f"{'places' if prepared.by_place else 'labels'}: {how}.",
        "",
        "## What it needs",
        "",
        f"Bands {', '.join(band.name for band in card.bands)}, stored as {card.dtype}.",
        "",
        "## How well",
        "",
        *(f"- {part}, {name}: {value:.3f}" for part, found in card.scores.items() for name, value in found.items()),
        *(["", "Epochs were chosen by that number, so it flatters."] if card.scores else ["Nothing was kept apart."]),
        "`geolabel embed evaluate` compares the vectors with raw pixels, colours, PCA and an untrained network, on "
        "places that did not train.",
        "",
        *provenance(card),
    ]
    return "\n".join(lines)
