"""Vectors of the zoo that are text: GeoJSON, KML, GML, tables with WKT; Parquet; and areas of interest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from tests.zoo_rooms.animal import Animal, Den
from tests.zoo_rooms.features import BOX, RING, collection, feature, label, layer, polygon, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_ROOM = "Vectors"


def _text(name: str, text: str | bytes, field: str = "landuse") -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        (den.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return label(den, name, field=field)

    return bring


def _json(content: object) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        whole(den.folder / "a.geojson", content)
        return label(den, "a.geojson")

    return bring


def _cut(name: str) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        path = layer(den.folder / name, *[BOX] * 3_000)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
        return label(den, name)

    return bring


def _parquet(*, told: bool) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        path = den.folder / "a.parquet"
        if told:
            geopandas.GeoDataFrame({"landuse": ["forest"]}, geometry=[BOX], crs="EPSG:4326").to_parquet(path)
        else:
            pq.write_table(pa.table({"landuse": ["forest"], "geometry": [shapely.to_wkb(BOX)]}), path)
        return label(den, "a.parquet")

    return bring


def _area(name: str, make: Callable[[Den], object]) -> Callable[[Den], Sequence[object]]:
    """An area of interest for `tile`."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        make(den)
        return ("tile", "region.tif", "--size", 16, "--aoi", name, "-o", "out.parquet")

    return bring


def _without_crs(den: Den) -> None:
    layer(den.folder / "a.shp", BOX).with_suffix(".prj").unlink()


_DEEP = b'{"type":"FeatureCollection","features":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
_TWICE = json.dumps(feature(polygon(RING))).replace('"type": "Feature"', '"type": "Feature", "type": "Feature"', 1)
_TOPOLOGY = {
    "type": "Topology",
    "objects": {"a": {"type": "Polygon", "arcs": [[0]], "properties": {"landuse": "forest"}}},
    "arcs": [RING],
}
_KML = (
    '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>forest</name><Polygon>'
    "<outerBoundaryIs><LinearRing><coordinates>"
    + " ".join(f"{x},{y}" for x, y in RING)
    + "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
)
_GML = (
    '<?xml version="1.0"?><ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" '
    'xmlns:gml="http://www.opengis.net/gml/3.2"><ogr:featureMember><ogr:a gml:id="a.0"><ogr:landuse>forest'
    '</ogr:landuse><ogr:geom><gml:Polygon srsName="urn:ogc:def:crs:EPSG::4326" gml:id="g"><gml:exterior>'
    "<gml:LinearRing><gml:posList>"
    + " ".join(f"{y} {x}" for x, y in RING)
    + "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></ogr:geom></ogr:a></ogr:featureMember>"
    "</ogr:FeatureCollection>"
)
_OUT = ("out.parquet",)

ANIMALS = (
    Animal(
        _ROOM,
        "a GeoJSON that breaks off",
        _cut("a.geojson"),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(_ROOM, "GeoJSON that is one feature", _json(feature(polygon(RING))), "is read", _OUT),
    Animal(
        _ROOM,
        "GeoJSON that is one geometry",
        _json(polygon(RING)),
        "a.geojson: no field 'landuse'; there are none. Choose with --field",
    ),
    Animal(
        _ROOM,
        "GeoJSON with a feature that is null",
        _json({"type": "FeatureCollection", "features": [None, feature(polygon(RING))]}),
        "it is left out",
        _OUT,
    ),
    Animal(
        _ROOM,
        "GeoJSON that names its CRS",
        _json(
            {
                "type": "FeatureCollection",
                "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32719"}},
                "features": [
                    feature(
                        polygon(
                            [[400_500, 8_597_000], [402_000, 8_597_000], [402_000, 8_599_000], [400_500, 8_597_000]]
                        )
                    )
                ],
            }
        ),
        "is believed",
        _OUT,
    ),
    Animal(
        _ROOM,
        "GeoJSON with a CRS that is none",
        _json(
            {
                "type": "FeatureCollection",
                "crs": {"type": "name", "properties": {"name": "moon"}},
                "features": [feature(polygon(RING))],
            }
        ),
        "longitudes and latitudes, as RFC 7946 has it",
        _OUT,
    ),
    Animal(
        _ROOM,
        "GeoJSON that links to its CRS",
        _json(
            {
                "type": "FeatureCollection",
                "crs": {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs"}},
                "features": [feature(polygon(RING))],
            }
        ),
        "nothing is asked of the address: longitudes and latitudes",
        _OUT,
    ),
    Animal(
        _ROOM,
        "GeoJSON nested 100,000 deep",
        _text("a.geojson", _DEEP),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(_ROOM, "GeoJSON with a key that stands twice", _text("a.geojson", _TWICE), "is read", _OUT),
    Animal(
        _ROOM,
        "GeoJSON without features",
        _json({"type": "FeatureCollection", "features": []}),
        "a.geojson: layer 'a' holds no features; choose another with --layer",
    ),
    Animal(
        _ROOM,
        "GeoJSON in UTF-16",
        _text("a.geojson", json.dumps(feature(polygon(RING))).encode("utf-16")),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(
        _ROOM,
        "GeoJSON with a BOM",
        _text("a.geojson", json.dumps(feature(polygon(RING))).encode("utf-8-sig")),
        "is read",
        _OUT,
    ),
    Animal(
        _ROOM,
        "an error message in JSON",
        _json({"error": "rate limited"}),
        "a.geojson: is not a vector file that GDAL can read, or it is truncated; check it with ogrinfo",
    ),
    Animal(_ROOM, "TopoJSON", _json(_TOPOLOGY), "a.geojson: has no coordinate reference system; assign one: …"),
    Animal(_ROOM, "KML", _text("a.kml", _KML, "Name"), "is read", _OUT),
    Animal(
        _ROOM,
        "GML",
        _text("a.gml", _GML),
        "a.gml: is not a vector file that geolabel reads …, convert it with ogr2ogr out.gpkg a.gml",
    ),
    Animal(
        _ROOM,
        "a table with WKT, and no CRS",
        _text("a.csv", f'landuse,WKT\nforest,"{BOX.wkt}"\n'),
        "a.csv: has no coordinate reference system; …",
    ),
    Animal(
        _ROOM,
        "a web page, called .geojson",
        _text("a.geojson", "<!DOCTYPE html><html><body>404</body></html>"),
        "a.geojson: is not a vector file that geolabel reads … (its root element is 'html'), …",
    ),
    Animal(
        _ROOM,
        "GeoParquet",
        _parquet(told=True),
        "a.parquet: is Parquet, which the GDAL in this installation does not read; save a GeoPackage",
    ),
    Animal(
        _ROOM,
        "Parquet that says nothing of geometries",
        _parquet(told=False),
        "a.parquet: is Parquet, which the GDAL in this installation does not read; save a GeoPackage",
    ),
    Animal(
        _ROOM,
        "an area of interest without a CRS",
        _area("a.shp", _without_crs),
        "a.shp: has no coordinate reference system; …",
    ),
    Animal(
        _ROOM,
        "an area of interest of points",
        _area("a.gpkg", lambda den: layer(den.folder / "a.gpkg", BOX.centroid)),
        "tiles that one lies on are kept",
        _OUT,
    ),
    Animal(
        _ROOM,
        "an area of interest of lines",
        _area("a.gpkg", lambda den: layer(den.folder / "a.gpkg", BOX.boundary)),
        "tiles that they cross are kept",
        _OUT,
    ),
    Animal(
        _ROOM,
        "an area of interest without any area",
        _area("a.geojson", lambda den: collection(den.folder / "a.geojson", polygon([RING[0]] * 4))),
        "no tile is left of 1 rasters: … 400 lie outside the area of interest (check --aoi)",
    ),
)
