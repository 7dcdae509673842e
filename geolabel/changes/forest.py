"""Forest by its own colour: dense forest is the darkest green of a scene, and all of it looks alike.

No labels are needed: the scene's own forest is the measure (the "forest peak" and the integrated forest z-score of
Huang et al. 2008, Automated masking of cloud and cloud shadow …, RSE 113, and 2010, the Vegetation Change Tracker, RSE
114: 183–198). A pixel's score is its distance from that forest in standard deviations; below 3 it is taken for forest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.changes.indices import available, ratio
from geolabel.errors import EmptyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_VISIBLE = ("red", "green", "swir1", "swir16", "swir2", "swir22")
"""Bands in which forest is darker than what replaces it, where they are there."""
_LEAST = 0.02
"""Share of a scene below which its forest has no peak to be found by."""
_FEW = 500
_SOFT = 0.6
"""Scores over which the probability falls from .73 to .27."""
_LIMIT = 3.0
_GREENNESS = 0.01
"""Least deviation of greenness that is believed."""
_STEADY = 1.3
"""How far the forest's deviations may differ from those of the first date, as a factor."""


@dataclass(frozen=True, slots=True)
class Forest:
    """What the forest of a scene looks like."""

    bands: tuple[int, ...]
    """Places of the bands that are compared."""
    green: tuple[int, int] | None
    """Places of near infrared and red, where there are such."""
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    greenness: tuple[float, float]
    """Mean and deviation of the greenness of the forest."""
    share: float
    """Share of the sample that is core forest."""


def learn_forest(sample: NDArray[np.generic], names: Sequence[str]) -> Forest:
    """Find the forest of a scene from a sample of its valid pixels (bands, n).

    Raises EmptyError where there is no forest to be found, or no band of red.
    """
    bands = tuple(names.index(name) for name in _VISIBLE if name in names)
    if "red" not in names or "green" not in names:
        raise EmptyError(
            f"forest is told by red and green, and near infrared where there is one; the bands are {', '.join(names)}"
        )
    green = available(names).get("ndvi")
    values, greenness = sample.astype(np.float32), _greenness(sample, names, green)
    if np.median(values[names.index("green")]) <= 0:
        raise EmptyError(
            "most of the first image is negative or nought in green: reflectances are not; check its scale"
        )
    least = _least(sample)
    core = _core(values[list(bands)], greenness, least)
    if core.sum() < max(_FEW, _LEAST * sample.shape[1]):
        raise EmptyError(
            "no forest stands out in the first image; give a --model that knows it, or images with forest in them"
        )
    return _measure(values, greenness, core, bands, green, least)


def follow_forest(sample: NDArray[np.generic], was: NDArray[np.bool_], forest: Forest, names: Sequence[str]) -> Forest:
    """The forest of the first date in the light of another: `was` (n,) says which of the sample (bands, n) was forest.

    Most of them are forest still, so that its colour is their middle. Where few are in the sample, nothing changes.
    """
    values, greenness = sample.astype(np.float32), _greenness(sample, names, forest.green)
    if was.sum() < _FEW:
        return forest
    seen = np.concatenate([values[list(forest.bands)], greenness[None]])
    middle = np.median(seen[:, was], axis=1, keepdims=True)
    width = 1.4826 * np.median(np.abs(seen[:, was] - middle), axis=1, keepdims=True)
    floor = np.array([[_least(sample)]] * len(forest.bands) + [[_GREENNESS]])
    near = was & (np.abs(seen - middle) <= 2 * np.maximum(width, floor)).all(axis=0)
    if near.sum() < _FEW:
        return forest
    found = _measure(values, greenness, near, forest.bands, forest.green, _least(sample))
    # Where forest was lost, what stands there widens the colours: they are kept from growing from date to date.
    return replace(
        found,
        deviation=tuple(map(_bounded, found.deviation, forest.deviation)),
        greenness=(found.greenness[0], _bounded(found.greenness[1], forest.greenness[1])),
    )


def _bounded(now: float, first: float) -> float:
    return min(max(now, first / _STEADY), first * _STEADY)


def _measure(
    values: NDArray[np.float32],
    greenness: NDArray[np.float32],
    core: NDArray[np.bool_],
    bands: tuple[int, ...],
    green: tuple[int, int] | None,
    least: float,
) -> Forest:
    inside = values[:, core]
    return Forest(
        bands,
        green,
        tuple(float(inside[band].mean()) for band in bands),
        tuple(float(max(inside[band].std(), least)) for band in bands),
        (float(greenness[core].mean()), float(max(greenness[core].std(), _GREENNESS))),
        float(core.mean()),
    )


def _least(sample: NDArray[np.generic]) -> float:
    """The least deviation that is believed: half a step of whole numbers; of others, a sliver of their size."""
    if np.issubdtype(sample.dtype, np.integer):
        return 0.5
    return 1e-4 * float(np.abs(sample).max(initial=0.0)) or 1e-9


def _core(visible: NDArray[np.float32], greenness: NDArray[np.float32], least: float) -> NDArray[np.bool_]:
    """The core of the forest: green, and about the peak of the darkness of what is green."""
    from skimage.filters import threshold_otsu as otsu

    green = np.asarray(greenness > max(float(otsu(greenness)), 0.0))  # type: ignore[no-untyped-call]
    if not green.any():
        return green
    red = visible[0]
    low, high = np.percentile(red[green], (0.5, 99.0))
    if high <= low:
        return green
    counts, edges = np.histogram(red[green], bins=64, range=(float(low), float(high)))
    smooth = np.convolve(counts, np.ones(5) / 5, mode="same")
    # The first peak from the dark side that is worth the name: pastures are lighter, and may be more.
    peaks = np.flatnonzero(
        (smooth >= np.roll(smooth, 1)) & (smooth >= np.roll(smooth, -1)) & (smooth > smooth.max() / 4)
    )
    peak = int(peaks[0]) if len(peaks) else int(smooth.argmax())
    centre = (edges[peak] + edges[peak + 1]) / 2
    dark = red[green & (red <= centre)]
    spread = float(np.sqrt(((dark - centre) ** 2).mean())) if dark.size else 1.0  # its dark side is forest alone
    core = green & (np.abs(red - centre) <= max(spread, least))
    for _ in range(3):  # the other bands: what lies off the peak in one of them is no forest
        middle = np.median(visible[:, core], axis=1, keepdims=True)
        width = 1.4826 * np.median(np.abs(visible[:, core] - middle), axis=1, keepdims=True)
        core = green & (np.abs(visible - middle) <= 2 * np.maximum(width, least)).all(axis=0)
    return np.asarray(core)


def score(pixels: NDArray[np.generic], forest: Forest, names: Sequence[str]) -> NDArray[np.float32]:
    """How unlike forest pixels (bands, …) are: root mean square of their distances, in standard deviations.

    What is darker than forest is not unlike it by that, but by being less green: water, burnt ground.
    """
    total = np.zeros(pixels.shape[1:], np.float32)
    for band, mean, deviation in zip(forest.bands, forest.mean, forest.deviation, strict=True):
        total += np.maximum((pixels[band].astype(np.float32) - mean) / deviation, 0) ** 2
    mean, deviation = forest.greenness
    less = np.maximum((mean - _greenness(pixels, names, forest.green)) / deviation, 0)
    return np.asarray(np.sqrt((total + less**2) / (len(forest.bands) + 1)), dtype=np.float32)


def probability(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Chance of forest, 0–1, by the score: one half at 3."""
    return np.asarray(1 / (1 + np.exp(np.clip((scores - _LIMIT) / _SOFT, -30, 30))), dtype=np.float32)


def _greenness(pixels: NDArray[np.generic], names: Sequence[str], green: tuple[int, int] | None) -> NDArray[np.float32]:
    """NDVI, or without near infrared the share by which green exceeds red."""
    return ratio(pixels, green or (names.index("green"), names.index("red")))
