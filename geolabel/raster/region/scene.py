"""A scene: one raster of a region, described, with its pieces for a VRT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geolabel.raster import remote
from geolabel.raster.describe import Band, examine
from geolabel.raster.read import alpha_index
from geolabel.raster.region.parts import opened
from geolabel.raster.region.vrt import VALID, Box, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geolabel.raster.describe import RasterInfo


@dataclass(frozen=True, slots=True)
class Scene:
    """A raster of a region."""

    source: str
    """What GDAL calls it."""
    name: str
    """What errors call it."""
    info: RasterInfo
    overviews: tuple[int, ...]
    """Factors of its overviews, from the finest on."""
    alpha: int | None = None
    """The band that says what is valid, from 1, where one does."""
    one_thread: bool = False
    """Whether its blocks are to be decoded one by one."""

    def piece(self, band: Band, src: Box, dst: Box, **how: Any) -> Piece:
        """A part of one of its bands, laid on a part of a VRT."""
        return Piece(
            self.source,
            str(band.index),
            (self.info.width, self.info.height),
            self.info.dtype,
            self.info.block,
            src,
            dst,
            one_thread=self.one_thread,
            **how,
        )

    def valid_pieces(self, src: Box, dst: Box) -> tuple[Piece, ...]:
        """What is valid of it, for a mask band: a pixel that is not nodata in all bands."""
        if self.alpha is not None:  # read as a band: GDAL takes it for a mask only where there are 2 or 4 bands
            alpha = Band(self.alpha, "alpha")
            return (self.piece(alpha, src, dst, nodata=0.0, ratio=0.0, offset=VALID),)
        if self.info.mask != "nodata":
            mask = f"mask,{self.info.bands[0].index}"
            piece = self.piece(self.info.bands[0], src, dst, nodata=0.0)
            return (replace(piece, band=mask, dtype="uint8"),)
        return tuple(
            self.piece(band, src, dst, nodata=self.info.nodata, ratio=0.0, offset=VALID) for band in self.info.bands
        )


def look(source: str, name: str = "", bands: Sequence[str] = ()) -> Scene:
    """Describe what GDAL calls `source`; errors call it `name`. Raises InputError, BandError, CRSError."""
    shown = name or remote.shown(source)
    with opened(source) as dataset:
        info = examine(dataset, shown, bands)
        return Scene(
            source,
            shown,
            info,
            tuple(dataset.overviews(info.bands[0].index)),
            alpha_index(dataset),
            # several threads keep a block of which a part did not arrive, and give it out when it is asked for again
            one_thread=dataset.driver == "GTiff" and remote.is_remote(source),
        )


def shared_overviews(scenes: Iterable[Scene]) -> tuple[int, ...]:
    """Factors that all scenes have: others would be made of a scene's own pixels, all of them."""
    factors = [set(scene.overviews) for scene in scenes]
    return tuple(sorted(set.intersection(*factors)))
