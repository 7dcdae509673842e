"""How well probes tell pixels of places they have not seen, beside what colours alone tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from geolabel import geodesy
from geolabel.errors import EmptyError, OptionError, listed
from geolabel.learn.pixelwise import fit_pixel_probe
from geolabel.progress import log, track
from geolabel.scoring.iou import PixelScores, pixel_scores
from geolabel.tiling.split import buffer_out, draw_folds, draw_split, spatial_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.learn.pixelwise import ProbeKind
    from geolabel.steps.embed.segmentation.sample import PixelSample

    Round = tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """Which pixels train (n,), and which test."""

COLOURS, MAJORITY = "colours", "majority"
"""Ways beside the probes: a random forest on a pixel's own bands, and always the most frequent class."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Which pixels train and which test."""

    block_m: float = 5_000.0
    buffer_m: float | None = None
    """Kept between training and test pixels; None: a tile's side."""
    test: float = 0.3
    """Share of the pixels to test on, where there are no folds."""
    folds: int | None = None
    """Each block is tested once, by probes of the others."""

    def __post_init__(self) -> None:
        if not 0 < self.test < 1:
            raise OptionError(f"--test must lie between 0 and 1, got {self.test:g}")
        if self.folds is not None and self.folds < 2:  # noqa: PLR2004 - one fold is none
            raise OptionError(f"--folds must be at least 2, got {self.folds}")
        if self.buffer_m is not None and self.buffer_m < 0:
            raise OptionError(f"--buffer must not be negative, got {self.buffer_m:g}")
        if self.block_m <= 0:
            raise OptionError(f"--block must be more than 0 m, got {self.block_m:g}")


@dataclass(frozen=True, slots=True)
class WayScores:
    """How one way did."""

    way: str
    rounds: tuple[PixelScores, ...]

    @property
    def pooled(self) -> PixelScores:
        """Of all rounds together."""
        return PixelScores(np.sum([one.matrix for one in self.rounds], axis=0))

    @property
    def deviation(self) -> float | None:
        """Of the mean IoU over the rounds; None where there is one."""
        values = [one.mean_iou for one in self.rounds]
        return float(np.std(values, ddof=1)) if len(values) > 1 else None


def rounds_of(sample: PixelSample, grid: Grid, blocks: Blocks, buffer_m: float, seed: int) -> list[Round]:
    """Which pixels train (n,) and which test (n,), `buffer_m` apart, round by round. Raises EmptyError."""
    x, y = grid.xy(sample.col.astype(float) + 0.5, sample.row.astype(float) + 0.5)
    centres = geodesy.metric_points(x, y, grid.crs)
    groups = spatial_blocks(centres, blocks.block_m)
    count, needed = int(groups.max()) + 1, blocks.folds or 2
    if count < needed:
        raise EmptyError(
            f"the labelled pixels lie in {count} blocks of {blocks.block_m:g} m, and {needed} are needed; give a "
            "smaller --block" + (" or --folds" if blocks.folds else "")
        )
    if blocks.folds is None:
        presence = (sample.truth[:, None] == np.arange(len(sample.numbers))).astype(float)
        test = draw_split(groups, presence, {"train": 1 - blocks.test, "test": blocks.test}, seed) == "test"
        tests = [np.asarray(test)]
    else:
        fold = draw_folds(groups, blocks.folds, seed)
        tests = [fold == one for one in range(blocks.folds)]
    found: list[Round] = []
    for test in tests:
        parts = buffer_out(np.where(test, "test", "train"), centres, np.zeros(len(test)), buffer_m)
        train = np.asarray(parts == "train")
        if not train.any():
            raise EmptyError(
                f"no pixel to train on is left {buffer_m:g} m from the test blocks; give a larger --block, or a "
                "smaller --buffer"
            )
        found.append((train, test))
    return found


def inner_rounds(
    sample: PixelSample, grid: Grid, blocks: Blocks, buffer_m: float, rounds: Sequence[Round], seed: int
) -> list[Round]:
    """Training pixels of each round, divided once more: to train on (n,), and to choose a probe by (n,).

    Raises EmptyError where training pixels lie in too few blocks.
    """
    found = []
    for outer, _ in rounds:
        masks = np.zeros((2, len(outer)), bool)
        masks[:, outer] = rounds_of(sample.take(outer), grid, replace(blocks, folds=None), buffer_m, seed)[0]
        found.append((masks[0], masks[1]))
    return found


def score_probes(
    features: Mapping[str, tuple[ProbeKind, NDArray[np.float32]]],
    sample: PixelSample,
    names: Sequence[str],
    rounds: Sequence[Round],
    seed: int,
    *,
    what: str = "probes",
) -> list[WayScores]:
    """By name of a way the kind of its probe, and the features (n, f) that it reads."""
    found: dict[str, list[PixelScores]] = {way: [] for way in features}
    fits = list(product(rounds, features.items()))
    for (train, test), (way, (kind, seen)) in track(fits, total=len(fits), what=what, unit="fits"):
        probe = fit_pixel_probe(kind, seen[train], sample.truth[train], names, sample.weight[train], seed)
        found[way].append(pixel_scores(sample.truth[test], probe.choose(seen[test]), len(names), sample.weight[test]))
    return [WayScores(way, tuple(scores)) for way, scores in found.items()]


def score_ways(
    features: NDArray[np.float32],
    colours: NDArray[np.float32],
    sample: PixelSample,
    names: Sequence[str],
    rounds: Sequence[Round],
    kinds: Sequence[ProbeKind],
    seed: int,
) -> list[WayScores]:
    """Probes of `kinds` on features (n, f), a forest on colours (n, bands) of the same pixels, and the majority."""
    ways: dict[str, tuple[ProbeKind, NDArray[np.float32]]] = {kind: (kind, features) for kind in kinds}
    ways[COLOURS] = ("forest", colours)
    majority = []
    for train, test in rounds:
        most = np.bincount(sample.truth[train], sample.weight[train], minlength=len(names)).argmax()
        truth = sample.truth[test]
        majority.append(pixel_scores(truth, np.full(len(truth), most), len(names), sample.weight[test]))
    found = score_probes(ways, sample, names, rounds, seed)
    _warn(sample, names, rounds)
    return [*found, WayScores(MAJORITY, tuple(majority))]


def _warn(sample: PixelSample, names: Sequence[str], rounds: Sequence[Round]) -> None:
    everything = set(range(len(names)))
    tested = {int(one) for _, test in rounds for one in np.unique(sample.truth[test])}
    if everything - tested:
        log.warning("no test pixel is of %s: no score", listed(names[at] for at in sorted(everything - tested)))
    unlearnt = {at for train, _ in rounds for at in everything - set(np.unique(sample.truth[train]).tolist())}
    if unlearnt:
        log.warning("some probe saw no pixel of %s: it cannot find it", listed(names[at] for at in sorted(unlearnt)))
