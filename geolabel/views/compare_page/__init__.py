"""A page that shows a raster before and after: `geolabel dehaze --compare`."""

from geolabel.views.compare_page.page import ComparePage, document

__all__ = ["ComparePage", "document"]
