"""The zoo: inputs that are odd, broken or hostile. Each is made in code, and each works or is refused in one line."""

from __future__ import annotations

from tests.zoo_rooms import (
    folders,
    legends,
    lures,
    models,
    names,
    options,
    outside,
    rasters,
    settings,
    shapes,
    tables,
    texts,
    vectors,
)

ZOO = (
    *rasters.ANIMALS,
    *outside.ANIMALS,
    *vectors.ANIMALS,
    *texts.ANIMALS,
    *shapes.ANIMALS,
    *lures.ANIMALS,
    *tables.ANIMALS,
    *legends.ANIMALS,
    *models.ANIMALS,
    *settings.ANIMALS,
    *folders.ANIMALS,
    *names.ANIMALS,
    *options.ANIMALS,
)
"""All animals, room by room, as docs/robustness.md shows them."""
