"""Rasters of the zoo that lie in odd places, or in none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint

from tests.zoo_rooms.made_rasters import UTM, meets, pixels, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.zoo_rooms.animal import Animal, Den

_LOCAL = 'LOCAL_CS["site grid",UNIT["metre",1]]'
_UNKNOWN = (
    'PROJCS["made up",GEOGCS["made up",DATUM["made up",SPHEROID["made up",6378137,298]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["No_Such_Projection"],UNIT["metre",1]]'
)


def _at(transform: Affine, crs: str | None = "EPSG:32719", height: int = 64, width: int = 64) -> Callable[[Den], Any]:
    return lambda den: write(den, pixels(height, width), transform=transform, crs=crs)


def _degrees(west: float, north: float, step: float) -> Affine:
    return Affine(step, 0, west, 0, -step, north)


def _points(den: Den) -> None:
    """Ground control points in place of a transform."""
    points = [GroundControlPoint(row, col, 4e5 + col * 10, 8.6e6 - row * 10) for row in (0, 64) for col in (0, 64)]
    values = pixels()
    path = den.folder / "x.tif"
    whole = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint16"}
    with rasterio.open(path, "w", **whole, gcps=points, crs="EPSG:32719") as dataset:
        dataset.write(values)
        dataset.descriptions = ("red", "green", "blue")


def _rpcs(den: Den) -> None:
    """Rational polynomials in place of a transform."""
    path = den.folder / "x.tif"
    rpcs = rasterio.rpc.RPC(
        err_bias=0,
        err_rand=0,
        height_off=0,
        height_scale=1,
        lat_off=0,
        lat_scale=1,
        line_off=0,
        line_scale=1,
        long_off=0,
        long_scale=1,
        samp_off=0,
        samp_scale=1,
        line_num_coeff=[1.0] + [0.0] * 19,
        line_den_coeff=[1.0] + [0.0] * 19,
        samp_num_coeff=[1.0] + [0.0] * 19,
        samp_den_coeff=[1.0] + [0.0] * 19,
    )
    with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=3, dtype="uint16", rpcs=rpcs) as dataset:
        dataset.write(pixels())


def _south_up(folder: Path) -> bool:
    with rasterio.open(folder / "clear.tif") as dataset:
        return bool(dataset.transform.e > 0)


ANIMALS: tuple[Animal, ...] = (
    meets(
        "tile",
        "no CRS",
        _at(UTM, None),
        "x.tif: has no coordinate reference system; give it one: gdal_edit.py -a_srs EPSG:32721 x.tif",
    ),
    meets(
        "dehaze",
        "no CRS, to dehaze",
        _at(UTM, None),
        "x.tif: has no coordinate reference system; give it one: gdal_edit.py -a_srs EPSG:32721 x.tif",
    ),
    meets(
        "polygons",
        "no CRS, to outline",
        lambda den: write(den, pixels(bands=1, dtype="uint8"), crs=None),
        "x.tif: has no coordinate reference system; give it one: gdal_edit.py -a_srs EPSG:32721 x.tif",
    ),
    meets(
        "label",
        "no CRS, to label by",
        lambda den: write(den, pixels(bands=1, dtype="uint8"), crs=None),
        "x.tif: has no coordinate reference system; give it one: gdal_edit.py -a_srs EPSG:32721 x.tif",
    ),
    meets(
        "predict",
        "a CRS of its own site",
        _at(UTM, _LOCAL),
        "x.tif: a local coordinate system has no place on Earth; assign one: gdal_edit.py -a_srs EPSG:…",
    ),
    meets(
        "tile",
        "a CRS that PROJ does not know",
        _at(UTM, _UNKNOWN),
        "x.tif: the coordinate reference system is none that PROJ can work with; assign one: "
        "gdal_edit.py -a_srs EPSG:…",
    ),
    meets(
        "tile",
        "a vertical CRS",
        _at(UTM, "EPSG:5773"),
        "x.tif: a local coordinate system has no place on Earth; assign one: gdal_edit.py -a_srs EPSG:…",
    ),
    meets("tile", "a compound CRS", _at(UTM, "EPSG:32719+5773"), "tiles, the heights left out", "tiles.parquet"),
    meets(
        "tile",
        "a geocentric CRS",
        _at(UTM, "EPSG:4978"),
        "x.tif: a local coordinate system has no place on Earth; assign one: gdal_edit.py -a_srs EPSG:…",
    ),
    meets(
        "tile",
        "a CRS in feet",
        _at(Affine(30, 0, 1e6, 0, -30, 7e5), "EPSG:2263"),
        "tiles; pixels measured in metres on the globe",
        "tiles.parquet",
    ),
    meets(
        "tile",
        "rotated",
        _at(UTM @ Affine.rotation(10)),
        "x.tif: the transform is rotated; straighten it first: gdalwarp in.tif straight.tif",
    ),
    meets(
        "dehaze",
        "rotated, to dehaze",
        _at(UTM @ Affine.rotation(10)),
        "x.tif: the transform is rotated; straighten it first: gdalwarp in.tif straight.tif",
    ),
    meets("tile", "south-up", _at(Affine(10, 0, 4e5, 0, 10, 8.6e6)), "tiles in their places", "tiles.parquet"),
    meets(
        "dehaze",
        "south-up, to dehaze",
        _at(Affine(10, 0, 4e5, 0, 10, 8.6e6)),
        "the same, clearer",
        "clear.tif",
        shows=_south_up,
    ),
    meets(
        "tile", "from east to west", _at(Affine(-10, 0, 4e5, 0, -10, 8.6e6)), "tiles in their places", "tiles.parquet"
    ),
    meets(
        "tile",
        "pixels of no size",
        _at(Affine(0, 0, 4e5, 0, 0, 8.6e6)),
        "x.tif: the pixels have no size; give the raster a transform: gdal_edit.py -a_ullr …",
    ),
    meets(
        "tile",
        "a transform of NaN",
        _at(Affine(float("nan"), 0, 4e5, 0, -10, float("nan"))),
        "x.tif: the transform is not of finite numbers; give the raster one: gdal_edit.py -a_ullr …",
    ),
    meets(
        "tile",
        "a corner that lies at infinity",
        _at(Affine(10, 0, float("inf"), 0, -10, 8.6e6)),
        "x.tif: the transform is not of finite numbers; give the raster one: gdal_edit.py -a_ullr …",
    ),
    meets(
        "tile",
        "coordinates no place on Earth has",
        _at(Affine(10, 0, 1e12, 0, -10, 1e12)),
        "x.tif: coordinates lie outside the area in which EPSG:32719 is defined; check the file's CRS",
    ),
    meets(
        "inspect",
        "coordinates no place has, to look at",
        _at(Affine(10, 0, 1e12, 0, -10, 1e12)),
        "x.tif: raster has no picture; leave --picture away",
    ),
    meets(
        "tile",
        "pixels of a picometre",
        _at(Affine(1e-12, 0, 4e5, 0, -1e-12, 8.6e6)),
        "x.tif: its pixels measure 0 × 0 m; mend its transform (gdal_edit.py -a_ullr …) or its CRS (-a_srs EPSG:…)",
    ),
    meets(
        "tile",
        "over the antimeridian",
        _at(_degrees(179.99, -17, 0.001), "EPSG:4326"),
        "tiles that run on beyond 180°",
        "tiles.parquet",
    ),
    meets(
        "inspect",
        "over the antimeridian, to look at",
        _at(_degrees(179.99, -17, 0.001), "EPSG:4326"),
        "described and drawn",
        "look.png",
    ),
    meets(
        "tile",
        "longitudes of 0–360",
        _at(_degrees(0, 90, 5.625), "EPSG:4326", 32, 64),
        "tiles in its own longitudes",
        "tiles.parquet",
    ),
    meets(
        "tile",
        "over a pole",
        _at(_degrees(10, 90.02, 0.001), "EPSG:4326"),
        "x.tif: reaches over 10 to 10.064° of longitude and 89.956 to 90.02° of latitude, which "
        "is more than the Earth has; mend its transform (gdal_edit.py -a_ullr …) or its CRS "
        "(-a_srs EPSG:…)",
    ),
    meets(
        "tile",
        "a pole in its middle",
        _at(Affine(1000, 0, -32000, 0, -1000, 32000), "EPSG:3995"),
        "tiles around it",
        "tiles.parquet",
    ),
    meets(
        "inspect",
        "a pole in its middle, to look at",
        _at(Affine(1000, 0, -32000, 0, -1000, 32000), "EPSG:3995"),
        "described and drawn",
        "look.png",
    ),
    meets(
        "tile",
        "larger than the Earth, in degrees",
        _at(_degrees(-500, 300, 15), "EPSG:4326"),
        "x.tif: reaches over -500 to 460° of longitude and -660 to 300° of latitude, which is "
        "more than the Earth has; mend its transform (gdal_edit.py -a_ullr …) or its CRS (-a_srs "
        "EPSG:…)",
    ),
    meets(
        "predict",
        "larger than the Earth, to predict",
        lambda den: write(den, pixels(bands=4), transform=_degrees(-500, 300, 15), crs="EPSG:4326"),
        "x.tif: reaches over -500 to 460° of longitude and -660 to 300° of latitude, which is "
        "more than the Earth has; mend its transform (gdal_edit.py -a_ullr …) or its CRS (-a_srs "
        "EPSG:…)",
    ),
    meets(
        "tile",
        "ground control points and no transform",
        _points,
        "x.tif: has control points or polynomials (RPC) in place of a transform; lay it out on "
        "the ground first: gdalwarp in.tif straight.tif",
    ),
    meets(
        "tile",
        "rational polynomials and no transform",
        _rpcs,
        "x.tif: has control points or polynomials (RPC) in place of a transform; lay it out on "
        "the ground first: gdalwarp in.tif straight.tif",
    ),
    meets(
        "change",
        "a date that lies elsewhere",
        lambda den: write(den, pixels(320, 320, bands=4), transform=Affine(10, 0, 7e5, 0, -10, 8.6e6)),
        "x.tif: does not overlap the first date; give rasters of one place (gdalinfo shows where each lies)",
    ),
    meets(
        "change",
        "a date at another end of the Earth",
        lambda den: write(den, pixels(320, 320, bands=4), transform=_degrees(100, 50, 0.0001), crs="EPSG:4326"),
        "x.tif: does not overlap the first date; give rasters of one place (gdalinfo shows where each lies)",
    ),
)
