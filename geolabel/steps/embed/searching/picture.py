"""Pictures as examples: chips through the encoder that made the file, held to its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, raster
from geolabel.errors import ContractError, InputError, OptionError
from geolabel.grid import Window
from geolabel.learn.device import choose_device
from geolabel.learn.encoder import load_encoder
from geolabel.model import for_source
from geolabel.steps.preflight import GSD_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.embeddings import EmbeddingsHeader
    from geolabel.learn.forward import Classifier
    from geolabel.raster import RasterInfo

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def encode_pictures(
    pictures: Sequence[Path],
    path: Path,
    header: EmbeddingsHeader,
    option: str,
    model: Path | None,
    device: str,
) -> NDArray[np.float32]:
    """Vectors (n, size) of chips, by the model that made the embeddings of `path`.

    Raises OptionError (no model), InputError, BandError, ModelError, ContractError (another model, bands, size).
    """
    if not pictures:
        return np.zeros((0, header.size), np.float32)
    if model is None:
        raise OptionError(f"{option} {pictures[0]}: a picture needs the model that made {path}; give it with --model")
    encoder = load_encoder(model, choose_device(device))
    made = header.model.get("fingerprint")
    if made != files.fingerprint(model) or encoder.card.outputs != header.size:
        raise ContractError(
            f"{model}: did not make {path}, that was {header.model.get('name', 'another model')} (fingerprint {made}); "
            "vectors of two models mean different things: give that one, or encode the region again with this one"
        )
    return np.concatenate([_encode(picture, encoder, model) for picture in pictures])


def _encode(picture: Path, encoder: Classifier, model: Path) -> NDArray[np.float32]:
    card = encoder.card
    info = _checked(picture, encoder, model)
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
    if not valid.any():
        raise InputError(f"{picture}: has no valid pixel, so it shows nothing; give another chip")
    scale, offset = ([getattr(band, what) for band in info.bands] for what in ("scale", "offset"))
    return encoder.with_card(for_source(card, info.dtype, scale, offset))(pixels[None], valid[None])


def _checked(picture: Path, encoder: Classifier, model: Path) -> RasterInfo:
    """The picture with the bands that the model wants, where it keeps the contract."""
    card = encoder.card
    info = raster.describe(picture)
    bands = tuple(band.name for band in card.bands)
    if set(bands) <= set(info.band_names):
        info = info.choose(bands)
    elif len(info.bands) == len(bands) and all(band.name == f"band_{band.index}" for band in info.bands):
        info = raster.describe(picture, bands)
    if info.band_names != bands or info.dtype != card.dtype:
        raise ContractError(
            f"{picture}: {info.dtype} bands {', '.join(info.band_names)}, but {model} wants {card.dtype} "
            f"{', '.join(bands)}; give a chip of these"
        )
    if (info.width, info.height) != tuple(card.tile_px):
        raise ContractError(
            f"{picture}: {info.width} × {info.height} px, but {model} sees {card.tile_px[0]} × {card.tile_px[1]} px; "
            "cut or resample it to that size"
        )
    gsd_m = info.grid.gsd_m[0] if info.grid else None
    if gsd_m and card.gsd_m and not 1 / (1 + GSD_TOLERANCE) <= gsd_m / card.gsd_m <= 1 + GSD_TOLERANCE:
        raise ContractError(
            f"{picture}: pixels of {gsd_m:.2f} m, but {model} wants {card.gsd_m:.2f} m; resample it (gdalwarp -tr)"
        )
    return info
