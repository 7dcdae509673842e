"""The model card as a page for people: what the model is for, what it was trained on, how well it does where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geolabel.labels.scheme import Scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geolabel.model import ModelCard
    from geolabel.tiling.index import TileIndex


def describe_model(card: ModelCard, index: TileIndex) -> str:
    """A model card in Markdown."""
    scheme = Scheme.from_json(card.scheme)
    split = index.split or {}
    gsd = f"{card.gsd_m:.2f} m" if card.gsd_m else "not known"
    lines = [
        f"# {scheme.name}: {card.architecture}",
        "",
        f"A {card.kind} of tiles of {card.tile_px[0]} × {card.tile_px[1]} px at {gsd} a pixel.",
        "",
        "## What it needs",
        "",
        f"Bands {', '.join(band.name for band in card.bands)}, stored as {card.dtype}. `geolabel predict` refuses a "
        "raster that breaks this, with the remedy; another GSD is resampled.",
        "",
        "## What it tells apart",
        "",
        *(
            f"- {head.name}, {'one of' if head.kind == 'softmax' else 'each by itself'}: {', '.join(head.classes)}"
            for head in card.heads
        ),
        "",
        "A class counted as present from this share of a tile on: "
        + ", ".join(f"{name} {cut:g}" for name, cut in card.presence.items())
        + ".",
        "",
        "## How well",
        "",
        *(_table(part, scores) for part, scores in card.scores.items()),
        f"The parts were drawn by: {split.get('method', 'unknown')}. Thresholds were chosen on `val`, so its F1 "
        "flatters; `geolabel evaluate` scores the test tiles.",
        "",
        *_decides(card),
        *provenance(card),
    ]
    return "\n".join(lines)


def _decides(card: ModelCard) -> list[str]:
    """How probabilities become decisions, where it is more than a threshold."""
    lines = []
    if card.calibration:
        lines.append(f"Probabilities were made true on `val`, by {card.calibration.get('method')}.")
    if card.abstain:
        bands = ", ".join(f"{name} {low:.3f} to {high:.3f}" for name, (low, high) in card.abstain.items())
        lines.append(f"It does not decide at probabilities between: {bands}.")
    return [*lines, ""] if lines else []


def provenance(card: ModelCard) -> list[str]:
    """What a model was trained on, and whose that is: lines of Markdown."""
    return [
        "## What it was trained on",
        "",
        *(f"- {entry['path']} ({entry['fingerprint'][:12]})" for entry in card.trained_on.get("sources", [])[:20]),
        *(f"- labels: {entry.get('kind')} {entry.get('path')}" for entry in card.trained_on.get("labels", [])),
        "",
        "## Licence and attribution",
        "",
        card.licence or "Not stated: the licence of the training data and labels applies.",
        *card.attribution,
        "",
    ]


def _table(part: str, scores: Mapping[str, Any]) -> str:
    rows = [
        f"| {row['name']} | {row['tiles']} | {row['positives']} | {_number(row['average_precision'])} | "
        f"{_number(row['threshold'])} | {_number(row['precision'])} | {_number(row['recall'])} | {_number(row['f1'])} |"
        for row in scores["classes"]
    ]
    head = [
        f"On `{part}`:",
        "",
        "| class | tiles | present | average precision | threshold | precision | recall | F1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
