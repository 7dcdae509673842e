"""A raster and a network that fit each other, ready to be asked about pixels."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel import raster
from geolabel.learn.device import choose_device
from geolabel.learn.encoder import load_encoder
from geolabel.learn.pixelwise import TileMaps, pixelwise
from geolabel.steps.preflight import adapted, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from geolabel.learn.pixelwise import TrunkMaps
    from geolabel.raster import Reader


@dataclass(frozen=True, slots=True)
class Segmenter:
    """A raster open to be read as a network wants it."""

    reader: Reader
    way: TrunkMaps | TileMaps
    model: Path

    @property
    def tile_stride(self) -> int | None:
        """Pixels between tiles; None where the trunk's maps are read."""
        return self.way.stride if isinstance(self.way, TileMaps) else None

    @property
    def tile_m(self) -> float:
        """A tile's longer side, metres."""
        return max(self.way.encoder.card.tile_px) * max(self.reader.info.place.gsd_m)


@contextmanager
def open_segmenter(
    source: Path, model: Path, *, stride: int | None, bands: Sequence[str], scale: float | None, device: str
) -> Iterator[Segmenter]:
    """Raises InputError, CRSError, BandError, ContractError, ModelError, OptionError."""
    encoder = load_encoder(model, choose_device(device))
    fit = check(source, encoder.card, bands=bands, scale=scale)
    way = pixelwise(encoder.with_card(adapted(encoder.card, fit)), stride)
    with raster.open_raster(fit.info, fit.grid, fit.resampling) as reader:
        yield Segmenter(reader, way, model)
