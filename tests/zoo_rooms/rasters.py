"""Rasters of the zoo, from all of their files, and the chips after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.zoo_rooms import rasters_broken, rasters_chips, rasters_place, rasters_stored, rasters_values

if TYPE_CHECKING:
    from tests.zoo_rooms.animal import Animal

ANIMALS: tuple[Animal, ...] = (
    *rasters_broken.ANIMALS,
    *rasters_stored.ANIMALS,
    *rasters_values.ANIMALS,
    *rasters_place.ANIMALS,
    *rasters_chips.ANIMALS,
)
