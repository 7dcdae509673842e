"""The curves of a scored model as charts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from geolabel.views.charts import Chart, Line, line_colors, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.scoring.curves import ClassCurves
    from geolabel.scoring.multilabel import ClassScores
    from geolabel.views.words import Legend


def score_charts(curves: Sequence[ClassCurves], scores: Sequence[ClassScores], legend: Legend) -> dict[str, Chart]:
    """Precision-recall, ROC and reliability charts (keys pr, roc, reliability), marked where the model decides."""
    of_class = {one.name: one for one in scores}
    looks = line_colors([legend.colors.get(one.name) for one in curves])
    ranks, rates, bins = [], [], []
    for curve, (color, dash) in zip(curves, looks, strict=True):
        one, title = of_class[curve.name], legend.title(curve.name)
        recall, precision = curve.precision_recall.recall, curve.precision_recall.precision
        ranks.append(
            Line(
                title,
                color,
                *steps((0.0, *recall), (precision[0], *precision)),
                note=f"AP {one.average_precision:.3f}",
                mark=(one.recall, one.precision),
                dash=dash,
            )
        )
        rates.append(
            Line(
                title,
                color,
                curve.roc.false_positive_rate,
                curve.roc.true_positive_rate,
                note=f"AUC {one.auc:.3f}",
                mark=(1 - one.specificity, one.recall),
                dash=dash,
            )
        )
        found = curve.reliability
        bins.append(
            Line(
                title,
                color,
                found.probability,
                found.share,
                note=f"ECE {one.ece:.3f}",
                dots=_sizes(found.tiles),
                dash=dash,
            )
        )
    rising = ((0.0, 0.0), (1.0, 1.0))
    return {
        "pr": Chart("Precision and recall", "recall", "precision", tuple(ranks)),
        "roc": Chart("ROC", "false positive rate", "true positive rate", tuple(rates), guide=rising),
        "reliability": Chart("Reliability", "predicted probability", "share present", tuple(bins), guide=rising),
    }


def _sizes(tiles: Sequence[int]) -> tuple[float, ...]:
    """Radii whose areas are as the tiles of the bins, but so that each is seen."""
    return tuple(max(1.5, 7 * math.sqrt(count / sum(tiles))) for count in tiles)
