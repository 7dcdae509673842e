"""The inputs of a region, as one raster: what they are, how they lie on one grid, and what tells them apart."""

from geolabel.raster.region.fingerprint import fingerprint
from geolabel.raster.region.gather import gather

__all__ = ["fingerprint", "gather"]
