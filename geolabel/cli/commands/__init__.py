"""Every command's signature; what they do is in geolabel.steps. Importing this registers them, in the order of help."""

from geolabel.cli.commands import tiles, models, search, regions, about, schemes, builtin  # noqa: I001 - the order in which help lists them

__all__ = ["about", "builtin", "models", "regions", "schemes", "search", "tiles"]
