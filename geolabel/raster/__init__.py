"""The only importer of rasterio: describe, read windows and masks, warp, burn, polygonise, write COGs."""

from geolabel.raster.describe import Band, RasterInfo, describe, is_raster
from geolabel.raster.like import every_band
from geolabel.raster.overview import codes, corners, count_codes, sample, valid_overview
from geolabel.raster.read import Reader, Resampling, align, mirror, open_raster
from geolabel.raster.region import AFTER, BEFORE, files_of, fingerprint, gather, pair, pair_bands, write_view
from geolabel.raster.scattered import ScatteredReader, open_scattered
from geolabel.raster.shapes import burn, polygonise
from geolabel.raster.trust import allow_remote, named
from geolabel.raster.write import BLOCK_PX, BandStyle, StripWriter, write_cog, write_sparse

__all__ = [
    "AFTER",
    "BEFORE",
    "BLOCK_PX",
    "Band",
    "BandStyle",
    "RasterInfo",
    "Reader",
    "Resampling",
    "ScatteredReader",
    "StripWriter",
    "align",
    "allow_remote",
    "burn",
    "codes",
    "corners",
    "count_codes",
    "describe",
    "every_band",
    "files_of",
    "fingerprint",
    "gather",
    "is_raster",
    "mirror",
    "named",
    "open_raster",
    "open_scattered",
    "pair",
    "pair_bands",
    "polygonise",
    "sample",
    "valid_overview",
    "write_cog",
    "write_sparse",
    "write_view",
]
