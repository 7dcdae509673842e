"""Every command's signature; what they do is in geolabel.steps. Importing this registers them, in the order of help."""

from geolabel.cli.commands import tiles, models, search, regions, polygons, alerts, area, embed, about, schemes, builtin  # noqa: I001 - the order in which help lists them

__all__ = ["about", "alerts", "area", "builtin", "embed", "models", "polygons", "regions", "schemes", "search", "tiles"]
