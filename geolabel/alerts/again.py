"""An alert that a later image shows again, although the change itself lies before that run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.alerts import schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.vector import Layer

_MOST = 0.5


def seen_again(layer: Layer, shown: NDArray[np.float64], date: np.datetime64) -> Layer:
    """Count one more sighting, on `date`, of each alert that an image later than its last shows still changed.

    `shown` (n,): share of it where the image does, half of it or more to count. Withdrawn alerts stay so.
    """
    columns = dict(layer.columns)
    again = schema.stands(layer) & (shown >= _MOST) & (columns["date_last"] < date)
    columns["n_obs"] = columns["n_obs"] + again
    columns["date_last"] = np.where(again, date, columns["date_last"])
    status = schema.status(columns["n_obs"], np.ones(len(again), dtype=bool))
    columns["status"] = np.where(again, status, columns["status"])
    columns["level"] = np.where(again, schema.level(columns["confidence"], columns["n_obs"]), columns["level"])
    return replace(layer, columns=columns)
