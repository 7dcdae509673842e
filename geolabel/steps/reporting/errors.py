"""The errors of a model on some tiles, and a table of all of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.inference import Decision
from geolabel.model import exclusive
from geolabel.scoring.mistaken import Confusion, Judged, confusions, judged

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.model import ModelCard
    from geolabel.tiling import TileIndex


@dataclass(frozen=True, slots=True)
class Errors:
    """What a model gets wrong on n tiles."""

    card: ModelCard
    index: TileIndex
    rows: NDArray[np.int64]
    """(n,): of the index."""
    shares: NDArray[np.float32]
    """(n, classes): what the labels say, NaN unknown."""
    truth: NDArray[np.float32]
    """(n, classes): 1 present, 0 absent, NaN unknown."""
    probabilities: NDArray[np.float32]
    """(n, classes)."""
    classes: tuple[Judged, ...]
    confusions: tuple[Confusion, ...]

    @property
    def count(self) -> int:
        """False alarms and misses, of all classes together."""
        return sum(len(one.false_alarms) + len(one.misses) for one in self.classes)

    @property
    def thresholds(self) -> list[float | None]:
        """Threshold of each class; None for those of exclusive groups, of which the likeliest is found."""
        card = self.card
        grouped = {name for columns in exclusive(card.heads) for name in card.classes[columns]}
        return [None if name in grouped else float(card.thresholds[name]) for name in card.classes]

    def labels(self, number: int) -> tuple[str, ...]:
        """Classes that the labels of a tile say are present."""
        return tuple(name for name, there in zip(self.card.classes, self.truth[number] == 1, strict=True) if there)

    def lonlat(self) -> NDArray[np.float64]:
        """Longitude and latitude of the tiles' centres: (n, 2), NaN where one has no place."""
        return self.index.lonlat()[self.rows]


def find_errors(
    card: ModelCard,
    index: TileIndex,
    rows: NDArray[np.int64],
    shares: NDArray[np.float32],
    truth: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    groups: NDArray[np.int64] | None,
) -> Errors:
    """Errors at the model's thresholds; fields as in `Errors`, `groups` (n,) as `steps.places` gives them."""
    detected = Decision.of(card).on_tiles(probabilities)
    return Errors(
        card=card,
        index=index,
        rows=rows,
        shares=shares,
        truth=truth,
        probabilities=probabilities,
        classes=judged(truth, probabilities, detected, card.classes),
        confusions=confusions(truth, detected, card.classes, exclusive=exclusive(card.heads), groups=groups),
    )


def write_errors(path: Path, errors: Errors) -> None:
    """Write all errors as a CSV, class by class, the surest first."""
    tile, source = (errors.index.column(name)[errors.rows] for name in ("tile", "source"))
    places = [["" if np.isnan(value) else f"{value:.6f}" for value in place] for place in errors.lonlat().tolist()]
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["tile", "source", "class", "kind", "probability", "threshold", "share", "labels", "lon", "lat"])
        for at, (one, threshold) in enumerate(zip(errors.classes, errors.thresholds, strict=True)):
            for kind, numbers in (("false alarm", one.false_alarms), ("miss", one.misses)):
                for number in numbers.tolist():
                    told = [f"{errors.probabilities[number, at]:.4f}", threshold, f"{errors.shares[number, at]:.4f}"]
                    labels = ";".join(errors.labels(number))
                    table.writerow([tile[number], source[number], one.name, kind, *told, labels, *places[number]])
