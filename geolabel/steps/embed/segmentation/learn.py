"""From labels to a probe that has been tested on places apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel import files, raster
from geolabel.errors import EmptyError, OptionError
from geolabel.learn.pixelwise import PIXEL_PROBES, fit_pixel_probe
from geolabel.maps import ClassStyle
from geolabel.progress import log
from geolabel.steps.embed.segmentation.blocks import features_at
from geolabel.steps.embed.segmentation.labels import LabelFile, open_labels
from geolabel.steps.embed.segmentation.map import none_style
from geolabel.steps.embed.segmentation.probe import KeptProbe
from geolabel.steps.embed.segmentation.sample import draw_pixels
from geolabel.steps.embed.segmentation.scores import COLOURS, Blocks, inner_rounds, rounds_of, score_probes, score_ways
from geolabel.steps.evaluation_page import image_fingerprints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.learn.pixelwise import ProbeKind
    from geolabel.steps.embed.segmentation.labels import PixelLabels
    from geolabel.steps.embed.segmentation.sample import PixelSample
    from geolabel.steps.embed.segmentation.scene import Segmenter
    from geolabel.steps.embed.segmentation.scores import Round, WayScores

LEARNED_HERE = "The network was trained on this image, so it may know test blocks: unseen places score lower."
ProbeChoice = Literal["better", "logistic", "forest"]
_CLEARLY = 0.01
"""Mean IoU by which a forest must be better to be taken: it draws a map ten times slower at the least."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How to learn."""

    probe: ProbeChoice = "better"
    """`better`: the forest where its mean IoU on training blocks held out is clearly larger; both are tested."""
    pixels: int = 50_000
    """Labelled pixels to draw."""
    blocks: Blocks = Blocks()  # noqa: RUF009 - it cannot be changed
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pixels < 1:
            raise OptionError(f"--pixels must be at least 1, got {self.pixels}")


@dataclass(frozen=True, slots=True)
class Learned:
    """A probe, and how it and other ways did on test blocks."""

    kept: KeptProbe
    """Fitted on all pixels of the sample."""
    sample: PixelSample
    tested: int
    """Pixels of the sample that were tested."""
    ways: tuple[WayScores, ...]
    split: Mapping[str, Any]
    """How training and test pixels were kept apart."""
    labels: Mapping[str, Any]
    """What the labels are, as seen from the output."""
    doubts: tuple[str, ...]
    """What a reader of the scores should know, a sentence each."""

    @property
    def names(self) -> tuple[str, ...]:
        """Classes, in order."""
        return tuple(style.name for style in self.kept.styles)

    def way(self, name: str) -> WayScores:
        """The scores of one way."""
        return next(one for one in self.ways if one.way == name)


def learn(opened: Segmenter, labels: LabelFile, choices: Choices, target: Path) -> Learned:
    """Draw labelled pixels, score probes on them by blocks, and fit one on all.

    Raises OptionError, InputError, CRSError, TableError, SchemeError, EmptyError.
    """
    reader, way = opened.reader, opened.way
    found = open_labels(labels)
    with found.lay(reader.info.place) as laid:
        sample = draw_pixels(laid, reader, choices.pixels, choices.seed)
    styles = _styles(found, sample)
    names = [style.name for style in styles]
    if len(names) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        raise EmptyError(
            f"{labels.path}: all labelled pixels of {reader.info.path.name} are {names[0]}; give labels of two classes"
        )
    buffer_m = opened.tile_m if choices.blocks.buffer_m is None else choices.blocks.buffer_m
    rounds = rounds_of(sample, reader.info.place, choices.blocks, buffer_m, choices.seed)
    features = features_at(reader, way, sample)
    colours = features[:, -len(way.encoder.card.bands) :]
    kinds = PIXEL_PROBES if choices.probe == "better" else (choices.probe,)
    kind = kinds[0]
    if len(kinds) > 1 and (inner := _inner(sample, reader.info.place, choices, buffer_m, rounds)):
        tried: dict[str, tuple[ProbeKind, NDArray[np.float32]]] = {one: (one, features) for one in kinds}
        kind = better(score_probes(tried, sample, names, inner, choices.seed, what="choice of the probe"), kinds)
    ways = score_ways(features, colours, sample, names, rounds, kinds, choices.seed)
    doubts = tuple(_doubts(opened, choices))
    _warn(ways, kind, doubts)
    described = found.source.describe(target)
    owed = [*way.encoder.card.attribution, found.scheme.attribution, described.get("attribution")]
    kept = KeptProbe(
        fit_pixel_probe(kind, features, sample.truth, names, sample.weight, choices.seed),
        kind,
        styles,
        opened.tile_stride,
        way.size,
        opened.model.name,
        files.fingerprint(opened.model),
        tuple(dict.fromkeys(str(one) for one in owed if one)),
    )
    tested = np.any([test for _, test in rounds], axis=0)
    split = {**files.to_json(choices.blocks), "buffer_m": buffer_m, "rounds": len(rounds)}
    return Learned(kept, sample, int(tested.sum()), tuple(ways), split, described, doubts)


def _inner(
    sample: PixelSample, grid: Grid, choices: Choices, buffer_m: float, rounds: Sequence[Round]
) -> Sequence[Round]:
    """By which pixels a probe is chosen: blocks that choose one cannot judge it. None, where there are too few."""
    try:
        return inner_rounds(sample, grid, choices.blocks, buffer_m, rounds, choices.seed)
    except EmptyError:
        log.warning("training pixels lie in too few blocks to choose a probe by; %s is taken", PIXEL_PROBES[0])
        return ()


def _doubts(opened: Segmenter, choices: Choices) -> Iterator[str]:
    """What a reader of the scores should know."""
    if raster.fingerprint(opened.reader.info.path) in image_fingerprints(opened.way.encoder.card):
        yield LEARNED_HERE
    if choices.probe == "better" and choices.blocks.folds:
        yield "The probe was chosen by blocks of all folds, each of which tests in one: its scores may flatter."


def better(ways: Sequence[WayScores], kinds: Sequence[ProbeKind]) -> ProbeKind:
    """The probe that did better: the first, but for one that is clearly better."""
    mean_iou = {one.way: one.pooled.mean_iou for one in ways}
    best = kinds[0]
    for kind in kinds[1:]:
        if mean_iou[kind] > mean_iou[best] + _CLEARLY:
            best = kind
    return best


def _warn(ways: Sequence[WayScores], kind: ProbeKind, doubts: Sequence[str]) -> None:
    for doubt in doubts:
        log.warning(doubt)
    mean_iou = {one.way: one.pooled.mean_iou for one in ways}
    if not mean_iou[kind] > mean_iou[COLOURS]:
        log.warning(
            "a pixel's own colours tell the classes as well as what the network sees around it: mean IoU %.3f and %.3f",
            mean_iou[COLOURS],
            mean_iou[kind],
        )


def _styles(found: PixelLabels, sample: PixelSample) -> tuple[ClassStyle, ...]:
    """How the classes look that were drawn, numbered anew from 1 on; what is none of them is 0."""
    entries = [found.scheme.classes[number - 1 : number] for number in sample.numbers.tolist()]
    return tuple(
        ClassStyle(at, entry[0].name, entry[0].title, entry[0].color) if entry else none_style()
        for at, entry in enumerate(entries, start=1)
    )
