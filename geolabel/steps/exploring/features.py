"""What tiles are compared by: a model's vectors, a pretrained trunk's, those in the file, or colour and texture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import ModelError, OptionError
from geolabel.learn.baselines.features import StatisticsFeatures
from geolabel.learn.device import choose_device
from geolabel.learn.encoder import features_of, load_encoder, start_encoder
from geolabel.learn.store import load_predictor
from geolabel.learn.transforms import band_contracts
from geolabel.model import OUTPUT_SIZE, BandContract, ModelCard, for_source, read_card
from geolabel.progress import log
from geolabel.steps.models import find_model
from geolabel.steps.tile_contract import check_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.learn.forward import Classifier
    from geolabel.learn.predictor import Predictor
    from geolabel.steps.exploring.tiles import Explored
    from geolabel.tiling import Source

    Measure = Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.float32]]
    """Numbers (n, m) of tiles in stored values (n, bands, h, w), valid where (n, h, w) says so."""

STATISTICS = "colour and texture"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What tiles are to be compared by, as it was asked for."""

    model: str | None
    """A file, or the name of one that comes with geolabel."""
    trunk: str | None
    """A network."""
    weights: str | None
    """Where the trunk starts: default, none or a file."""
    device: str
    seed: int

    def __post_init__(self) -> None:
        if self.model and self.trunk:
            raise OptionError("--model and --trunk are two ways to compare tiles; give one of them")
        if self.weights and not self.trunk:
            raise OptionError("--weights is for --trunk; name a network with --trunk, resnet18 for one")

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that are read, which no output may replace."""
        return tuple(Path(name) for name in (self.model, self.weights) if name and Path(name).suffix)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What is calculated from each tile's pixels, beside its picture."""

    told: str
    """Which features tiles are compared by."""
    encoder: Classifier | None = None
    """Makes the features."""
    by_statistics: bool = False
    """Whether features are colour and texture; else, and without an encoder, they are in the file."""
    predictor: Predictor | None = None
    """Gives probabilities, where there is a classifier."""

    def features(self, source: Source, scale: Sequence[float], offset: Sequence[float]) -> Measure | None:
        """What makes features of tiles stored so; None where they are in the file."""
        if self.encoder is not None:
            return self.encoder.with_card(for_source(self.encoder.card, source.dtype, scale, offset))
        if not self.by_statistics:
            return None
        told = zip(source.bands, scale, offset, strict=True)
        return StatisticsFeatures(tuple(BandContract(name, factor, shift, 0.0, 1.0) for name, factor, shift in told))

    def answers(self, source: Source, scale: Sequence[float], offset: Sequence[float]) -> Predictor | None:
        """What gives probabilities of tiles stored so."""
        if self.predictor is None:
            return None
        return self.predictor.with_card(for_source(self.predictor.card, source.dtype, scale, offset))


def open_model(name: str, tiles: Explored, device: str) -> Eyes:
    """The eyes of a model, held to its contract. Raises ModelError, ContractError, OptionError.

    A classifier without a network of its own (a forest, an ensemble) has no features: tiles are compared by colour and
    texture, and only its answers are shown.
    """
    path = find_model(name)
    card = read_card(path)
    check_tiles(tiles.index, tiles.path, card, path)
    called = path.stem if path.stem != "model" else path.resolve().parent.name
    if card.kind == "embedder":
        return Eyes(
            f"vectors of {called}", load_encoder(path, choose_device(device)), by_statistics=False, predictor=None
        )
    predictor = load_predictor(path, choose_device(device))
    try:
        encoder = features_of(predictor)
    except ModelError:
        log.warning("%s: %s has no features of its own; tiles are compared by %s", path, card.architecture, STATISTICS)
        return Eyes(STATISTICS, by_statistics=True, predictor=predictor)
    return Eyes(
        f"what {called}, a {card.architecture}, sees before its last layer",
        encoder,
        by_statistics=False,
        predictor=predictor,
    )


def open_trunk(wanted: Wanted, tiles: Explored, chips: Chips, source: Source) -> Eyes:
    """The eyes of a network that did not learn the place; bands are normalised as the `chips` are spread.

    Raises OptionError, ModelError, InstallError, InputError.
    """
    architecture, weights = wanted.trunk or "", wanted.weights or "default"
    width, height = tiles.index.size_px
    card = ModelCard(
        architecture=architecture,
        heads=(),
        scheme={},
        bands=band_contracts(chips, np.arange(len(chips)), source.bands, source.scale, source.offset),
        dtype=source.dtype,
        gsd_m=source.gsd_m,
        tile_px=(int(width), int(height)),
        presence={},
        thresholds={},
        settings={OUTPUT_SIZE: 1},
        kind="embedder",
    )
    encoder = start_encoder(card, weights, wanted.seed, choose_device(wanted.device))
    origin = {"default": "pretrained", "none": "with weights drawn at random"}.get(
        weights, f"with weights of {weights}"
    )
    return Eyes(
        f"what {architecture}, {origin}, sees before its last layer", encoder, by_statistics=False, predictor=None
    )
