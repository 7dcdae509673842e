"""The inputs of a region, as one raster: what they are, how they lie on one grid, and what tells them apart."""

from geolabel.raster.region.fingerprint import fingerprint
from geolabel.raster.region.gather import gather
from geolabel.raster.region.laid import write_view
from geolabel.raster.region.members import files_of
from geolabel.raster.region.pair import AFTER, BEFORE, pair, pair_bands

__all__ = ["AFTER", "BEFORE", "files_of", "fingerprint", "gather", "pair", "pair_bands", "write_view"]
