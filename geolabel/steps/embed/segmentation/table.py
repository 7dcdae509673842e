"""The scores of a segmentation on disk: metrics.json for programs, scores.csv for tables."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.steps.embed.segmentation.learn import Learned
    from geolabel.steps.embed.segmentation.scores import WayScores


def write_scores(folder: Path, learned: Learned) -> None:
    """Write both. Scores count pixels as often as they are in the labels, not as often as they were drawn."""
    names, ways, sample = learned.names, learned.ways, learned.sample
    drawn = np.bincount(sample.truth, minlength=len(names))
    pixels = {
        name: {"labelled": labelled, "sampled": sampled}
        for name, labelled, sampled in zip(names, sample.labelled.tolist(), drawn.tolist(), strict=True)
    }
    told = {"format": 1, "probe": learned.kept.kind, "split": learned.split, "pixels": pixels}
    files.write_json(
        folder / "metrics.json",
        {**told, "doubts": learned.doubts, "ways": {one.way: _scores(one, names) for one in ways}},
    )
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["way", "mean_iou", "mean_iou_deviation", "accuracy", *(f"iou.{name}" for name in names)])
        for one in ways:
            scores = one.pooled
            cells = [scores.mean_iou, one.deviation, scores.accuracy, *scores.iou.tolist()]
            table.writerow([one.way, *("" if cell is None or np.isnan(cell) else f"{cell:.6f}" for cell in cells)])


def _scores(one: WayScores, names: Sequence[str]) -> dict[str, Any]:
    scores = one.pooled
    return {
        "mean_iou": scores.mean_iou,
        "mean_iou_deviation": one.deviation,
        "mean_iou_by_round": [found.mean_iou for found in one.rounds],
        "accuracy": scores.accuracy,
        "classes": {
            name: {"iou": iou, "recall": recall}
            for name, iou, recall in zip(names, scores.iou.tolist(), scores.recall.tolist(), strict=True)
        },
        "confusion": scores.matrix.round(3).tolist(),
    }
