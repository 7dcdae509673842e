"""A page to look at: outlines over images, a table, cards with pictures before and after, plots."""

from geolabel.views.map_page.bars import Bars, Stack
from geolabel.views.map_page.columns import Column, shown_columns
from geolabel.views.map_page.page import Backdrop, Frame, MapPage, document

__all__ = ["Backdrop", "Bars", "Column", "Frame", "MapPage", "Stack", "document", "shown_columns"]
