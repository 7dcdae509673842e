"""Write the vectors of a region, or of an index, into an embeddings file."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from geolabel import files
from geolabel.embeddings import EmbeddingsHeader, EmbeddingsWriter
from geolabel.learn.device import choose_device
from geolabel.learn.encoder import load_encoder
from geolabel.model import NORM_OUTPUT
from geolabel.steps.embed.encoding.region import described, encoded
from geolabel.steps.embed.encoding.tiles import encoded_tiles
from geolabel.steps.region.job import named
from geolabel.steps.region.scene import open_scene
from geolabel.steps.region.trial import find
from geolabel.steps.tile_contract import check_tiles

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.steps.region.choices import Choices
    from geolabel.tiling import TileIndex

DType = Literal["float16", "float32"]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a region, or an index."""

    tiles: int
    size: int
    """Numbers a vector."""
    seconds: float
    """For reading, encoding and writing."""
    engine: str
    dense: bool = False
    resampled: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where vectors go."""

    path: Path
    """The finished file: sources are named from there."""
    draft: Path
    dtype: DType


def write_region(
    names: Sequence[str], model: Path, choices: Choices, device: str, min_valid: float, room: Path, to: Target
) -> Written:
    """Encode a region; VRTs that show it as it was read are written into the folder `room`, if any are needed."""
    with open_scene(names, model, choices, device, load=load_encoder, folder=room) as opened:
        found = find(opened, choices)
        scene = opened.planned(found.stride)
        index = described(scene, room, to.path, min_valid)
        header = _header(scene.predictor, model, to.dtype)
        began = time.perf_counter()
        with closing(encoded(scene, found, index, min_valid)) as parts:
            tiles = _write(to.draft, index, header, parts)
        return Written(
            tiles,
            header.size,
            time.perf_counter() - began,
            named(found.engine.to_json()),
            dense=found.dense is not None,
            resampled=scene.fit.resampled,
        )


def write_tiles(index: TileIndex, tiles: Path, model: Path, device: str, to: Target) -> Written:
    """Encode the tiles of an index, which lies at `tiles`; all of its columns are kept."""
    encoder = load_encoder(model, choose_device(device))
    check_tiles(index, tiles, encoder.card, model)
    moved = replace(index, history=(*index.history, "embed encode")).moved(tiles, to.path)
    header = _header(encoder, model, to.dtype)
    began = time.perf_counter()
    with closing(encoded_tiles(encoder, index, tiles.parent, moved.table)) as parts:
        count = _write(to.draft, moved, header, parts)
    return Written(count, header.size, time.perf_counter() - began, "torch")


def _write(
    draft: Path,
    index: TileIndex,
    header: EmbeddingsHeader,
    parts: Generator[tuple[pa.Table, NDArray[np.float32]]],
) -> int:
    count = 0
    with EmbeddingsWriter(draft, index, header) as writer:
        for table, vectors in parts:
            writer.write(table, vectors)
            count += len(vectors)
    return count


def _header(encoder: Predictor, model: Path, dtype: DType) -> EmbeddingsHeader:
    card = encoder.card
    told = {"architecture": card.architecture, "fingerprint": files.fingerprint(model), "name": model.name}
    return EmbeddingsHeader(card.outputs, dtype, bool(card.settings.get(NORM_OUTPUT)), told)
