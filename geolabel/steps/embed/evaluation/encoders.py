"""The model and what it is compared with, one after the other, as vectors of the same chips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import ModelError, OptionError, listed
from geolabel.learn.device import choose_device
from geolabel.learn.encoder import load_encoder, start_encoder
from geolabel.learn.predictor import predict_chips
from geolabel.model import for_source, read_card
from geolabel.steps.embed.evaluation.features import colour_features, pixel_features, principal_features
from geolabel.steps.tile_contract import check_tiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.learn.forward import Classifier
    from geolabel.tiling.index import TileIndex

MODEL, CHANCE = "model", "chance"
PIXELS, PCA, COLOUR, UNTRAINED, SUPERVISED = "pixels", "pca", "colour", "untrained", "classifier"
BASELINES = (PIXELS, PCA, COLOUR, UNTRAINED, SUPERVISED)


def baselines_of(names: Sequence[str], supervised: Path | None) -> tuple[str, ...]:
    """Baselines by name, in the order of the table; `all`: those that can be had, `none`: none. Raises OptionError."""
    unknown = [name for name in names if name not in (*BASELINES, "all", "none")]
    if unknown:
        raise OptionError(f"--baselines {listed(unknown)}: there are {', '.join(BASELINES)}, all and none")
    if len(names) > 1 and {"all", "none"} & set(names):
        raise OptionError(f"--baselines {','.join(names)}: all and none stand alone")
    if SUPERVISED in names and supervised is None:
        raise OptionError("--baselines classifier: give the model whose features it is with --supervised MODEL")
    wanted = {*names, *(BASELINES[:-1] if "all" in names else ()), *([SUPERVISED] if supervised else [])}
    return tuple(name for name in BASELINES if name in wanted)


def ready_encoder(path: Path, index: TileIndex, tiles: Path, device: str) -> Classifier:
    """A model as an encoder of these tiles. Raises ModelError, ContractError."""
    encoder = load_encoder(path, choose_device(device))
    check_tiles(index, tiles, encoder.card, path)
    source = index.sources[0]
    return encoder.with_card(for_source(encoder.card, source.dtype, source.scale, source.offset))


def supervised_encoder(path: Path, index: TileIndex, tiles: Path, device: str) -> Classifier:
    """The features of a classifier. Raises ModelError where it is none, ContractError."""
    if read_card(path).kind != "classifier":
        raise ModelError(f"{path}: --supervised wants a classifier of geolabel train, this is an embedder")
    return ready_encoder(path, index, tiles, device)


def vectors_of_all(
    encoder: Classifier,
    supervised: Classifier | None,
    baselines: Sequence[str],
    chips: Chips,
    train: NDArray[np.int64],
    seed: int,
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names and vectors (n, d) of the chips: the model, the baselines, and chance, whose vectors are drawn at random.

    What is fitted is fitted on the chips `train` (m,). One after the other: only what is looked at is in memory.
    """
    every, bands, size = np.arange(len(chips)), encoder.card.bands, encoder.card.outputs
    yield MODEL, predict_chips(encoder, chips, every)
    if {PIXELS, PCA} & set(baselines):
        pixels = pixel_features(chips, bands, train)
        if PIXELS in baselines:
            yield PIXELS, pixels
        if PCA in baselines:
            yield PCA, principal_features(pixels, size, train, seed)
        del pixels
    if COLOUR in baselines:
        yield COLOUR, colour_features(chips, bands, train)
    if UNTRAINED in baselines:
        yield UNTRAINED, predict_chips(start_encoder(encoder.card, "none", seed, encoder.device), chips, every)
    if supervised is not None:
        yield SUPERVISED, predict_chips(supervised, chips, every)
    yield CHANCE, np.random.default_rng(seed).normal(size=(len(chips), size)).astype(np.float32)
