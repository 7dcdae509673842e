"""From labels to a probe that has been tested on places apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from geolabel import files
from geolabel.errors import EmptyError, OptionError
from geolabel.learn.pixelwise import PROBES, fit_probe
from geolabel.maps import ClassStyle
from geolabel.progress import log
from geolabel.steps.embed.segment_blocks import features_at
from geolabel.steps.embed.segment_labels import LabelFile, open_labels
from geolabel.steps.embed.segment_map import none_style
from geolabel.steps.embed.segment_probe import KeptProbe
from geolabel.steps.embed.segment_sample import draw_pixels
from geolabel.steps.embed.segment_scores import COLOURS, Blocks, rounds_of, score_ways

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geolabel.learn.pixelwise import ProbeKind
    from geolabel.steps.embed.segment_labels import PixelLabels
    from geolabel.steps.embed.segment_sample import PixelSample
    from geolabel.steps.embed.segment_scene import Segmenter
    from geolabel.steps.embed.segment_scores import WayScores

ProbeChoice = Literal["better", "logistic", "forest"]
_CLEARLY = 0.01
"""Mean IoU by which a forest must be better to be taken: it draws a map ten times slower at the least."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How to learn."""

    probe: ProbeChoice = "better"
    """`better`: the forest where its mean IoU on the test blocks is clearly larger; the scores of both are told."""
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
    kinds = PROBES if choices.probe == "better" else (choices.probe,)
    ways = score_ways(features, colours, sample, names, rounds, kinds, choices.seed)
    kind = better(ways, kinds)
    described = found.source.describe(target)
    owed = [*way.encoder.card.attribution, found.scheme.attribution, described.get("attribution")]
    kept = KeptProbe(
        fit_probe(kind, features, sample.truth, names, sample.weight, choices.seed),
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
    return Learned(kept, sample, int(tested.sum()), tuple(ways), split, described)


def better(ways: Sequence[WayScores], kinds: Sequence[ProbeKind]) -> ProbeKind:
    """The probe that did better; a warning where colours alone do as well."""
    found = {one.way: one for one in ways}
    best = found[kinds[0]]
    for kind in kinds[1:]:
        if found[kind].pooled.mean_iou > best.pooled.mean_iou + _CLEARLY:
            best = found[kind]
    colours = found[COLOURS]
    if not best.pooled.mean_iou > colours.pooled.mean_iou:
        log.warning(
            "a pixel's own colours tell the classes as well as what the network sees around it: mean IoU %.3f and %.3f",
            colours.pooled.mean_iou,
            best.pooled.mean_iou,
        )
    return cast("ProbeKind", best.way)


def _styles(found: PixelLabels, sample: PixelSample) -> tuple[ClassStyle, ...]:
    """How the classes look that were drawn, numbered anew from 1 on; what is none of them is 0."""
    entries = [found.scheme.classes[number - 1 : number] for number in sample.numbers.tolist()]
    return tuple(
        ClassStyle(at, entry[0].name, entry[0].title, entry[0].color) if entry else none_style()
        for at, entry in enumerate(entries, start=1)
    )
