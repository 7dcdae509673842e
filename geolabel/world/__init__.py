"""A synthetic piece of Amazonia, at two dates and with known truth, for ``geolabel demo``."""

from geolabel.world.classes import BANDS, CLASSES, WorldClass
from geolabel.world.make import make_world
from geolabel.world.scene import Scene, World

__all__ = ["BANDS", "CLASSES", "Scene", "World", "WorldClass", "make_world"]
