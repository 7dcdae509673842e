"""Change without labels: how far what a trained network sees of a place moves from one date to the next.

A tile's embedding at either date is made a unit vector; the chord between both is 0 where the network sees the same,
and √2 where it sees nothing in common. How long chords usually are, light and season included, the region itself tells,
by median and median absolute deviation; a chord longer than one of a hundred would be, were they normal, is a change:
of real ones, which scatter more, several of a hundred are. That holds where most of the region did not change. It tells
that something changed, not what, and a cloud is a change too.

Source: change vector analysis (Malila 1980) on a network's features, as in Saha, Bovolo and Bruzzone, Unsupervised deep
change vector analysis (IEEE TGRS 2019, doi 10.1109/TGRS.2018.2886643).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel.errors import EmptyError, ModelError
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.learn.apart import Apart
from geolabel.learn.chord import ChangeVector
from geolabel.learn.forward import Classifier, batch_of, make_classifier
from geolabel.learn.predictor import Calibrated
from geolabel.learn.transforms import to_tensor
from geolabel.model import PAIRS, Head
from geolabel.raster import AFTER, BEFORE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.model import ModelCard

CHANGE = "change"
_NORMAL = 1.4826
"""A normal distribution's deviation, in median absolute deviations on one side of its median."""
_LEAST_TILES = 32
_LEAST_SPREAD = 1e-6
_PRESENCE = 0.1


def change_vector(base: Predictor) -> Classifier:
    """A network of one date, made to compare two; it does not know yet how much change is usual.

    Raises ModelError for models without a trunk that could see each date by itself.
    """
    inner = base.inner if isinstance(base, Calibrated) else base
    card = base.card
    why = ""
    if not isinstance(inner, Classifier) or isinstance(inner.network, Apart):
        why = "is no single network"
    elif card.is_of_pairs:
        why = "compares two dates already"
    elif card.settings.get("dehaze"):
        why = "takes haze from each tile"
    if why or not isinstance(inner, Classifier):
        raise ModelError(f"{card.architecture} {why}; name a network of one date, trained by geolabel train")
    return make_classifier(_of_pairs(card), ChangeVector(inner.network), inner.device)


def chords(predictor: Classifier, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far tiles moved (n,), 0 to 2, in stored values (n, 2 × bands, h, w), valid where (n, h, w) says so."""
    assert isinstance(predictor.network, ChangeVector)
    network, device = predictor.network, predictor.device
    step = batch_of(device, *pixels.shape[-2:])
    found = []
    with torch.inference_mode():
        for part in (slice(start, start + step) for start in range(0, len(pixels), step)):
            chips = predictor.normalise(to_tensor(pixels[part], device), to_tensor(valid[part], device))
            features = network.forward_features(chips.contiguous(memory_format=torch.channels_last))
            found.append(network.forward_head(features, pre_logits=True)[:, 0].float().cpu().numpy())
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def usual(found: NDArray[np.float32]) -> tuple[float, float]:
    """Median of chords (n,), and the deviation of those above it. Raises EmptyError for too few tiles.

    Chords are never negative, so that they scatter farther upward than downward; only upward counts as change.
    """
    if len(found) < _LEAST_TILES:
        raise EmptyError(
            f"only {len(found)} tiles are seen at both dates, {_LEAST_TILES} at least tell what change is usual; give "
            "rasters of a larger region, or with fewer clouds"
        )
    centre = float(np.median(found))
    return centre, max(_NORMAL * float(np.median(found[found >= centre] - centre)), _LEAST_SPREAD)


def knowing(predictor: Classifier, centre: float, spread: float) -> Classifier:
    """The same network, which knows how much change is usual."""
    assert isinstance(predictor.network, ChangeVector)
    network = ChangeVector(predictor.network.trunk, centre, spread)
    return make_classifier(predictor.card, network, predictor.device)


def _of_pairs(card: ModelCard) -> ModelCard:
    """The contract of one date for two; what classes were told, and how, is of no use any more."""
    kept = {name: value for name, value in card.settings.items() if name in ("clip", "encodings")}
    return replace(
        card,
        heads=(Head("classes", "sigmoid", (CHANGE,)),),
        scheme=Scheme(CHANGE, (LabelClass(CHANGE, "Change", "#d7301f"),)).to_json(),
        bands=tuple(replace(band, name=date + band.name) for date in (BEFORE, AFTER) for band in card.bands),
        presence={CHANGE: _PRESENCE},
        thresholds={CHANGE: 0.5},
        calibration=None,
        abstain={},
        settings={**kept, PAIRS: "change-vector"},
        scores={},
    )
