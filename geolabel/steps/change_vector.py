"""A model of change that needs no labels: a trained network, and what is usual between two dates of a region."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, raster
from geolabel.errors import BandError, listed
from geolabel.grid import Window
from geolabel.learn.change_vector import change_vector, chords, knowing, usual
from geolabel.learn.device import choose_device
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.learn.windows import cut_tiles
from geolabel.model import read_card
from geolabel.progress import log, track
from geolabel.steps import preflight
from geolabel.steps.models import built_in

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.forward import Classifier

_PLACES, _PLACE_TILES = 8, 5
"""Places along each axis that are looked at, and tiles along each side of one."""
_LEAST_VALID = 0.5
"""Share of a tile that both dates must see."""


def change_vector_model(
    base: Path | None,
    pair: raster.RasterInfo,
    output: Path,
    *,
    scale: float | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> Path:
    """Write a model whose class `change` says that what a trained network sees of a tile is not what it saw before.

    `base` is a geolabel network of one date (None: the built-in one whose bands both dates have), `pair` what
    `raster.pair` gives; `geolabel predict PAIR.vrt --model OUTPUT` then maps the change. What is usual is taken from up
    to 1,600 tiles of this pair, unsupervised, so that the model is for these two dates only, and clouds must be masked
    before. Raises ModelError, BandError, ContractError, EmptyError (too little is seen at both dates), OutputError.
    """
    base = base or _fitting(pair)
    files.check_new(output, overwrite=overwrite, inputs=(base, pair.path))
    plain = change_vector(load_predictor(base, choose_device(device)))
    fit = preflight.check(pair.path, plain.card, bands=pair.band_names, scale=scale)
    ready = plain.with_card(preflight.adapted(plain.card, fit))
    found = _sampled(ready, fit)
    centre, spread = usual(found)
    log.info("%d tiles of both dates: chords of %.3f, deviation %.3f", len(found), centre, spread)
    trained_on = {
        "base": {"name": base.name, "fingerprint": files.fingerprint(base)},
        "pair": {"name": pair.path.name, "fingerprint": raster.fingerprint(pair.path)},
        "tiles": len(found),
        "versions": files.versions(),
    }
    save_predictor(output, knowing(replace(plain, card=replace(plain.card, trained_on=trained_on)), centre, spread))
    return output


def _fitting(pair: raster.RasterInfo) -> Path:
    """The built-in model whose bands both dates have. Raises BandError."""
    plain = raster.pair_bands(pair.band_names) or ()
    wanted = {path: [band.name for band in read_card(path).bands] for path in built_in().values()}
    for path, bands in wanted.items():
        if set(bands) <= set(plain):
            return path
    needs = " or ".join(listed(bands) for bands in wanted.values())
    raise BandError(
        f"{pair.path}: the networks that come with geolabel need the bands {needs} at both dates, found "
        f"{listed(plain)}; give a network trained on these"
    )


def _sampled(predictor: Classifier, fit: preflight.Fit) -> NDArray[np.float32]:
    """Chords (n,) of tiles in places that are spread evenly over the region."""
    width, height = predictor.card.tile_px
    parts = []
    with raster.open_raster(fit.info, fit.grid, fit.resampling) as reader:
        info = reader.info
        rows, cols = _starts(info.height, height), _starts(info.width, width)
        places = [(int(row), int(col)) for row in rows for col in cols]
        for row, col in track(places, what="looking for what is usual", unit="places"):
            size = (min(_PLACE_TILES * width, info.width - col), min(_PLACE_TILES * height, info.height - row))
            pixels, valid = reader.read(Window(col, row, *size))
            inside = [np.arange(0, side - tile + 1, tile) for side, tile in zip(size, (width, height), strict=True)]
            down, across = (axis.ravel() for axis in np.meshgrid(inside[1], inside[0], indexing="ij"))
            if not len(down):
                continue
            tiles, seen = cut_tiles(pixels, valid, down, across, (width, height))
            kept = seen.mean(axis=(1, 2)) >= _LEAST_VALID
            parts.append(chords(predictor, tiles[kept], seen[kept]))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _starts(side: int, tile: int) -> NDArray[np.int64]:
    """Where places begin along an axis: evenly spread, side by side where there are few."""
    place = _PLACE_TILES * tile
    count = min(_PLACES, -(-side // place))
    spread = np.linspace(0, max(0, side - place), count).astype(np.int64)
    return spread if count * place < side else np.arange(count, dtype=np.int64) * place
