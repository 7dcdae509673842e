"""Patches inside holes that were filled become part of what is around them."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import shapely

from geolabel.maps.patches import Closed


def absorb(closed: Closed) -> Closed:
    """Without the patches that lie in a filled hole; one of the same value adds its pixels to the patch around it."""
    if not len(closed.holes):
        return closed
    # a patch is within a hole, or beyond it, with all of its pixels: the first tells
    points = shapely.points(closed.first + 0.5, closed.top + 0.5)
    inner, hole = shapely.STRtree(closed.holes).query(points, predicate="within")
    # of holes within holes, the largest: its patch stays
    order = np.argsort(shapely.area(closed.holes)[hole], kind="stable")
    inner, around = inner[order], closed.holed[hole[order]]
    into = np.full(len(closed.pixels), -1)
    into[inner] = around
    inside = into >= 0
    same = inside & (closed.value == closed.value[into])
    pixels, total, highest = closed.pixels.copy(), closed.total.copy(), closed.highest.copy()
    np.add.at(pixels, into[same], closed.pixels[same])
    np.add.at(total, into[same], closed.total[same])
    np.maximum.at(highest, into[same], closed.highest[same])
    summed = replace(closed, pixels=pixels, total=total, highest=highest)
    columns = {one.name: getattr(summed, one.name) for one in fields(Closed)}
    kept = {name: column[~inside] for name, column in columns.items() if name not in ("holes", "holed")}
    return Closed(**kept, holes=closed.holes[:0], holed=closed.holed[:0])
