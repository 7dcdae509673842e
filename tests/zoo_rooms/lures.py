"""Vector files that lead elsewhere or swell: virtual layers, pipelines, services, entities, blobs and archives."""

from __future__ import annotations

import json
import zipfile
import zlib
from typing import TYPE_CHECKING

from tests.zoo_rooms.animal import Animal, Den
from tests.zoo_rooms.features import BOX, RING, feature, label, layer, polygon

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOM = "Vectors that lead elsewhere, or swell"
_ELSEWHERE = (
    "…: says where other data are (a virtual layer, a pipeline or a service) and is not opened; if you trust it, …"
)
_ENTITIES = "…: defines XML entities, which no file of features needs, and is not opened; if you trust it, …"


def _content(name: str, content: str | bytes) -> Callable[[Den], Sequence[object]]:
    """A file beside good polygons, given as --vector."""

    def bring(den: Den) -> Sequence[object]:
        den.take("places.gpkg")
        path = den.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return label(den, name)

    return bring


def _osm(name: str, content: str | bytes) -> Callable[[Den], Sequence[object]]:
    """An extract, given as --osm."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        den.take("tiles.parquet")
        (den.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return ("label", "tiles.parquet", "--osm", name, "-o", "out.parquet")

    return bring


def _area(den: Den) -> Sequence[object]:
    """A virtual layer as the area of interest of `tile`."""
    den.take("region.tif")
    den.take("places.gpkg")
    (den.folder / "a.vrt").write_text(_VIRTUAL.format("places.gpkg"))
    return ("tile", "region.tif", "--aoi", "a.vrt", "-o", "out.parquet")


def _inspected(den: Den) -> Sequence[object]:
    den.take("places.gpkg")
    (den.folder / "a.geojson").write_text(_BOTH)
    return ("inspect", "a.geojson")


def _archive(**members: bytes) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        with zipfile.ZipFile(den.folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name.replace("_", "."), content)
        return label(den, "a.zip")

    return bring


def _shapefile_in_archive(den: Den) -> Sequence[object]:
    (den.folder / "part").mkdir()
    path = layer(den.folder / "part" / "a.shp", BOX)
    with zipfile.ZipFile(den.folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(path.parent.iterdir()):
            archive.write(one, one.name)
            one.unlink()
    path.parent.rmdir()
    return label(den, "a.zip")


def _swollen(den: Den) -> Sequence[object]:
    """An archive that says of its file that it is of 2 GiB."""
    words = _archive(a_dbf=b"a")(den)
    content = bytearray((den.folder / "a.zip").read_bytes())
    at = content.index(b"PK\1\2") + 24
    content[at : at + 4] = (2 << 30).to_bytes(4, "little")
    (den.folder / "a.zip").write_bytes(content)
    return words


def _field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    content = b""
    while value > 127:
        content += bytes([value & 127 | 128])
        value >>= 7
    return content + bytes([value])


def _pbf(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    """A blob of an OSM extract; `size`: what it says of itself."""
    header = _field(1, kind) + _field(3, len(body) if size is None else size)
    return len(header).to_bytes(4, "big") + header + body


def _packed(data: bytes, size: int | None = None) -> bytes:
    return _field(2, len(data) if size is None else size) + _field(3, zlib.compress(data, 9))


_HEAD = _pbf(b"OSMHeader", _packed(_field(4, b"OsmSchema-V0.6")))
_FULL = bytes(64 << 20)
_VIRTUAL = (
    '<OGRVRTDataSource><OGRVRTLayer name="places"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
)
_LAUGHS = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 12))
_LAUGHING = (
    f'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY l0 "ha">{_LAUGHS}]><osm version="0.6"><note>&l11;</note></osm>'
)
_OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY x SYSTEM "{}">]>'
    "<kml><Document><Placemark><name>&x;</name></Placemark></Document></kml>"
)
_SERVICE = "<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>"
_CAPABILITIES = '<?xml version="1.0"?><wfs:WFS_Capabilities xmlns:wfs="http://www.opengis.net/wfs" version="1.1.0"/>'
_PIPELINE = json.dumps({"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read places.gpkg"})
_BOTH = json.dumps({**feature(polygon(RING)), "description": _VIRTUAL.format("places.gpkg")})
_GPX = '<?xml version="1.0"?><!DOCTYPE gpx SYSTEM "http://127.0.0.1:9/gpx.dtd"><gpx version="1.1"/>'

ANIMALS = (
    Animal(_ROOM, "a virtual layer as the area of interest", _area, _ELSEWHERE),
    Animal(_ROOM, "a virtual layer that is inspected", _inspected, _ELSEWHERE),
    Animal(_ROOM, "a virtual layer of a file beside it", _content("a.vrt", _VIRTUAL.format("places.gpkg")), _ELSEWHERE),
    Animal(
        _ROOM,
        "a virtual layer of an address",
        _content("a.vrt", _VIRTUAL.format("/vsicurl/http://127.0.0.1:9/a.gpkg")),
        _ELSEWHERE,
    ),
    Animal(
        _ROOM,
        "a virtual layer of a database, called .gpkg",
        _content("a.gpkg", _VIRTUAL.format("PG:host=127.0.0.1 port=9")),
        _ELSEWHERE,
    ),
    Animal(_ROOM, "GeoJSON that GDAL would take for a virtual layer", _content("a.geojson", _BOTH), _ELSEWHERE),
    Animal(
        _ROOM,
        "a table that GDAL would take for a virtual layer",
        _content("a.csv", "landuse,WKT\n" + _VIRTUAL.format("x")),
        _ELSEWHERE,
    ),
    Animal(_ROOM, "a pipeline of GDAL's", _content("a.gdalg.json", _PIPELINE), _ELSEWHERE),
    Animal(_ROOM, "a pipeline of GDAL's, called .geojson", _content("a.geojson", _PIPELINE), _ELSEWHERE),
    Animal(_ROOM, "the description of a service", _content("a.xml", _SERVICE), _ELSEWHERE),
    Animal(_ROOM, "the capabilities of a service", _content("a.xml", _CAPABILITIES), _ELSEWHERE),
    Animal(
        _ROOM,
        "an address in place of a file",
        lambda den: label(den, "https://127.0.0.1:9/a.gpkg"),
        "https:/127.0.0.1:9/a.gpkg: no such file; …",
    ),
    Animal(
        _ROOM,
        "GDAL's words for an address",
        lambda den: label(den, "/vsicurl/http://127.0.0.1:9/a.gpkg"),
        "/vsicurl/http:/127.0.0.1:9/a.gpkg: no such file; …",
    ),
    Animal(
        _ROOM,
        "GDAL's words for a database",
        lambda den: label(den, "PG:host=127.0.0.1 port=9"),
        "PG:host=127.0.0.1 port=9: no such file; …",
    ),
    Animal(
        _ROOM,
        "a file named as GDAL's words for a database",
        _content("PG:host=127.0.0.1 port=9", json.dumps(feature(polygon(RING)))),
        "PG:host=127.0.0.1 port=9: a ':', a '!', a ';' or a line break in its name would mislead GDAL; rename it",
    ),
    Animal(
        _ROOM,
        "a folder named as GDAL's words for a service",
        _content("WFS:http:/a.geojson", json.dumps(feature(polygon(RING)))),
        "WFS:http:/a.geojson: a ':', …; rename it",
    ),
    Animal(
        _ROOM, "KML with the words of another file", _content("a.kml", _OUTSIDE.format("file:///etc/passwd")), _ENTITIES
    ),
    Animal(
        _ROOM, "KML with the words of an address", _content("a.kml", _OUTSIDE.format("http://127.0.0.1:9/")), _ENTITIES
    ),
    Animal(
        _ROOM,
        "GPX with a DTD at an address",
        _content("a.gpx", _GPX),
        "a.gpx: layer 'waypoints' holds no features; choose another with --layer",
    ),
    Animal(_ROOM, "OSM XML that laughs a billion times", _osm("a.osm", _LAUGHING), _ENTITIES),
    Animal(
        _ROOM,
        "OSM XML with the words of another file",
        _osm("a.osm", _OUTSIDE.replace("kml", "osm").format("file:///etc/passwd")),
        _ENTITIES,
    ),
    Animal(
        _ROOM,
        "OSM XML that breaks off",
        _osm("a.osm", '<osm version="0.6"><node id="1" lat="1" lon="1"/>'),
        "a.osm: breaks off, or is damaged, in line 1; get it again",
    ),
    Animal(
        _ROOM, "OSM XML nested 100,000 deep", _osm("a.osm", "<osm>" * 100_000), "a.osm: breaks off, or is damaged, …"
    ),
    Animal(
        _ROOM,
        "an extract with another beginning",
        _osm("a.osm.pbf", b"\x89PNG\r\n\x1a\n" + bytes(99)),
        "a.osm.pbf: breaks off, or is damaged, at byte 0 of 107; get it again",
    ),
    Animal(
        _ROOM,
        "an extract that breaks off",
        _osm("a.osm.pbf", _HEAD[:-5]),
        "a.osm.pbf: breaks off, or is damaged, at byte 0 …",
    ),
    Animal(
        _ROOM,
        "an extract without data",
        _osm("a.osm.pbf", _HEAD),
        "a.osm.pbf: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(
        _ROOM,
        "an extract whose header is of 2 GiB",
        _osm("a.osm.pbf", (2 << 30).to_bytes(4, "big") + _HEAD[4:]),
        "a.osm.pbf: breaks off, or is damaged, at byte 0 …",
    ),
    Animal(
        _ROOM,
        "an extract with a blob of 2 GiB",
        _osm("a.osm.pbf", _HEAD + _pbf(b"OSMData", b"", 2 << 30)),
        "a.osm.pbf: breaks off, or is damaged, at byte …",
    ),
    Animal(
        _ROOM,
        "an extract with a blob that unpacks to 64 MiB",
        _osm("a.osm.pbf", _HEAD + _pbf(b"OSMData", _packed(_FULL))),
        "a.osm.pbf: breaks off, or is damaged, at byte …",
    ),
    Animal(
        _ROOM,
        "an extract with a blob that unpacks to more than it says",
        _osm("a.osm.pbf", _HEAD + _pbf(b"OSMData", _packed(_FULL[: 1 << 20], 10))),
        "a.osm.pbf: nothing in it with a class of the scheme lies on the tiles; check its CRS …",
    ),
    Animal(
        _ROOM,
        "an extract with a blob that is given as polygons",
        _content("a.osm.pbf", _HEAD + _pbf(b"OSMData", _packed(_FULL))),
        "a.osm.pbf: cannot be read (…); the file is truncated or damaged",
    ),
    Animal(_ROOM, "an archive of a shapefile", _shapefile_in_archive, "is read", ("out.parquet",)),
    Animal(_ROOM, "an archive of a virtual layer", _archive(a_vrt=_VIRTUAL.format("/etc/passwd").encode()), _ELSEWHERE),
    Animal(
        _ROOM,
        "an archive that unpacks to 2 GiB",
        _swollen,
        "a.zip: unpacks to 1 files of 2,147,483,648 bytes and is not opened; unpack it yourself",
    ),
    Animal(
        _ROOM,
        "an archive that breaks off",
        _content("a.zip", b"PK\x03\x04" + bytes(99)),
        "a.zip: is an archive that cannot be unpacked (…); get it again",
    ),
)
