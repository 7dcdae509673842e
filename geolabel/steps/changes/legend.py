"""How the raster of changes looks: one colour an interval, the later the darker."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from geolabel import raster
from geolabel.maps import ClassStyle
from geolabel.steps.changes.find import OUTSIDE, TOLD, UNTOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_SEEN = "Not seen twice"
_RAMP = np.array([[255, 237, 160], [254, 178, 76], [240, 59, 32], [128, 0, 38]], dtype=np.float64)
"""From pale yellow to dark red: as heat is drawn."""


def interval_styles(dates: Sequence[str]) -> list[ClassStyle]:
    """The classes of a raster of changes: none, one an interval between dates, and not seen."""
    intervals = len(dates) - 1
    at = np.linspace(0, 1, intervals) if intervals > 1 else np.array([0.67])
    ramp = np.stack([np.interp(at, np.linspace(0, 1, len(_RAMP)), channel) for channel in _RAMP.T], axis=1)
    return [
        ClassStyle(TOLD, "none", "No change", "#f0f0f0"),
        *(
            ClassStyle(
                number,
                f"{before} to {after}",
                f"{before} – {after}",
                "#{:02x}{:02x}{:02x}".format(*(int(value) for value in ramp[number - 1].round())),
            )
            for number, (before, after) in enumerate(pairwise(dates), start=1)
        ),
        ClassStyle(UNTOLD, "not seen", NOT_SEEN, "#9e9e9e"),
    ]


def interval_bands(what: str, styles: Sequence[ClassStyle], attribution: tuple[str, ...]) -> raster.BandStyle:
    """How the raster of changes is to be written."""
    return raster.BandStyle(
        (what,),
        nodata=OUTSIDE,
        palette={style.value: style.rgb for style in styles},
        categories={style.value: style.title for style in styles},
        overviews="mode",
        attribution=attribution,
    )
