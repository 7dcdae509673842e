"""A page on which a set of tiles is looked at: as points, on a map, as pictures, and what was found among them."""

from geolabel.views.explore_page.page import document
from geolabel.views.explore_page.shown import Colouring, ExplorePage, Finding, Group, Projected, TextColumn

__all__ = ["Colouring", "ExplorePage", "Finding", "Group", "Projected", "TextColumn", "document"]
