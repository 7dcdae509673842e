"""Do the tiles of an index keep a model's contract? Each refusal names both values, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel.errors import ContractError
from geolabel.steps.preflight import GSD_TOLERANCE

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.model import ModelCard
    from geolabel.tiling.index import TileIndex


def check_tiles(index: TileIndex, tiles: Path, card: ModelCard, model: Path) -> None:
    """Compare bands, stored type, tile size and GSD. Raises ContractError."""
    bands = tuple(band.name for band in card.bands)
    for source in index.sources:
        if source.bands != bands or source.dtype != card.dtype:
            raise ContractError(
                f"{tiles}: {source.dtype} bands {', '.join(source.bands)}, but {model} wants {card.dtype} "
                f"{', '.join(bands)}; tile again with --bands {','.join(bands)}"
            )
        if source.gsd_m and card.gsd_m and not _alike(source.gsd_m, card.gsd_m):
            raise ContractError(
                f"{tiles}: pixels of {source.gsd_m:.2f} m, but {model} wants {card.gsd_m:.2f} m; resample "
                f"{source.path} (gdalwarp -tr), or predict it as a raster, which resamples"
            )
    if index.size_px != card.tile_px:
        raise ContractError(
            f"{tiles}: tiles of {' × '.join(map(str, index.tiling['size']))} px, but {model} wants "
            f"{' × '.join(map(str, card.tile_px))} px; tile again with --size {card.tile_px[0]}"
        )


def _alike(one: float, other: float) -> bool:
    return 1 / (1 + GSD_TOLERANCE) <= one / other <= 1 + GSD_TOLERANCE
