"""Every command's signature; what they do is in geolabel.steps. Importing this registers them, in the order of help."""

from geolabel.cli.commands import tiles, models, search, regions, polygons, alerts, area, about, schemes, builtin  # noqa: I001 - the order in which help lists them

__all__ = ["about", "alerts", "area", "builtin", "models", "polygons", "regions", "schemes", "search", "tiles"]
