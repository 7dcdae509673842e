"""Which alert of this run is which alert of the run before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NONE = -1
_SHARE = 0.1
"""Of the smaller of two alerts: outlines of neighbours overlap by a pixel's breadth, which makes them no one alert."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How n alerts now and m alerts before belong together; -1 = none."""

    same: NDArray[np.int64]
    """(n,) the alert before that it is."""
    part_of: NDArray[np.int64]
    """(n,) the alert before of which it is a part beside a larger one: it broke into several."""
    within: NDArray[np.int64]
    """(m,) the alert now in which it lies: as that one itself, or as one of several that grew together."""


def match(
    now: NDArray[np.int64],
    before: NDArray[np.int64],
    shared: NDArray[np.float64],
    area_now: NDArray[np.float64],
    area_before: NDArray[np.float64],
) -> Matches:
    """Match by area in common, the largest first: pair k is `now[k]`, `before[k]` with `shared[k]`, all in one unit.

    Each alert before goes on in one alert now. One that broke apart goes on in the part with which it has most in
    common; of several that grew together, the one with most in common goes on. Ties go to the first in the layers.
    """
    same = np.full(len(area_now), _NONE, dtype=np.int64)
    part_of, within = same.copy(), np.full(len(area_before), _NONE, dtype=np.int64)
    taken = np.zeros(len(area_before), dtype=bool)
    enough = shared >= _SHARE * np.minimum(area_now[now], area_before[before])
    order = np.lexsort((before, now, -shared))
    for pair in order[enough[order]].tolist():
        one, other = now[pair], before[pair]
        if same[one] == _NONE and not taken[other]:
            same[one], within[other], taken[other], part_of[one] = other, one, True, _NONE
        elif same[one] == _NONE and part_of[one] == _NONE:
            part_of[one] = other
        elif within[other] == _NONE:
            within[other] = one
    return Matches(same, part_of, within)
