"""Names of the zoo: of files that are read, of files and folders that are written."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

from tests.zoo_rooms.animal import Animal, Den
from tests.zoo_rooms.features import BOX, layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOM = "Names"


def _through(name: str) -> Callable[[Den], Sequence[object]]:
    """Polygons, raster and index of this name; labels are made of them, under this name again."""

    def bring(den: Den) -> Sequence[object]:
        folder = den.folder / name
        folder.mkdir()
        den.take("region.tif", f"{name}/region.tif")
        den.take("tiles.parquet", f"{name}/{name}.parquet")
        layer(folder / f"{name}.gpkg", BOX, layer="places")
        paths = [os.path.join(".", name, f"{name}{end}") for end in (".parquet", ".gpkg", " out.parquet")]  # noqa: PTH118 - keeps the point
        return ("label", paths[0], "--vector", paths[1], "--field", "landuse", "-o", paths[2])

    return bring


def _copied(name: str) -> Callable[[Den], Sequence[object]]:
    """Polygons under this name."""

    def bring(den: Den) -> Sequence[object]:
        den.take("tiles.parquet")
        den.take("places.gpkg", f"{name}.gpkg")
        return ("label", "tiles.parquet", "--vector", f"./{name}.gpkg", "--field", "landuse", "-o", "out.parquet")

    return bring


def _raster(name: str) -> Callable[[Den], Sequence[object]]:
    """A raster of this name, which is tiled."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif", name)
        return ("tile", f"./{name}", "--size", 16, "-o", "out.parquet")

    return bring


def _several(*names: str) -> Callable[[Den], Sequence[object]]:
    def bring(den: Den) -> Sequence[object]:
        for name in names:
            den.take("region.tif", name)
        return ("tile", *(f"./{name}" for name in names), "--size", 16, "-o", "out.parquet")

    return bring


def _output(name: str, command: str = "tile") -> Callable[[Den], Sequence[object]]:
    """What a command is to write under this name."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif")
        if command == "tile":
            return ("tile", "region.tif", "--size", 16, "-o", name)
        if command == "export":
            den.take("region.geolabel")
            return ("export", "region.geolabel", "--to", "gpkg", "-o", name)
        den.take("run")
        return ("predict", "region.tif", "--model", "run/model.safetensors", "-o", name)

    return bring


def _quoted(den: Den) -> Sequence[object]:
    """A folder whose name is hard to put into the address of a project, a catalogue and a layer."""
    name = "a b&c=d #1 100% 'e' \"f\" <g> ação 🌳"
    den.take("run")
    den.take("region.tif", f"{name}.tif")
    return ("predict", f"{name}.tif", "--model", "run/model.safetensors", "-o", f"{name}.geolabel")


def _unreadable_bytes(den: Den) -> Sequence[object]:
    den.take("region.tif", os.fsdecode(b"a\xff.tif"))
    return ("tile", os.fsdecode(b"a\xff.tif"), "--size", 16, "-o", "out.parquet")


_ODD = {
    "blanks": "a b  c",
    "letters beyond ASCII": "ação 北京 Ω",
    "letters put together of parts (NFD)": unicodedata.normalize("NFD", "ação"),
    "an emoji": "🌳🔥",
    "letters that run from right to left": "شجرة",
    "an apostrophe": "it's",
    "quotation marks": 'a "b" c',
    "a percent sign": "100% %s %d",
    "what looks like an encoded blank": "a%20b",
    "a hash": "a#b",
    "a question mark": "a?b=c",
    "an ampersand and angle brackets": "a&b<c>",
    "a dollar and backticks": "$(id)`id`",
    "a backslash": "a\\b",
    "a leading dash": "-rf",
    "a leading point": ".hidden",
    "a trailing point": "a.",
    "a star and brackets": "a*[b]?",
    "braces": "{a}{0}",
    "a bar": "a|layername=b",
    "a comma": "1,2,3,4",
    "an equals sign": "a=b",
    "the name of a device on Windows": "CON",
    "100 characters": "x" * 100,
}
_MISLEADING = {"an exclamation mark": "a!b", "a semicolon": "a;b"}
_BROKEN = {"a line break": "a\nb", "a tabulator": "a\tb"}

ANIMALS = (
    *(
        Animal(_ROOM, f"{what}, in all names", _through(name), "is read and written", (f"{name}/{name} out.parquet",))
        for what, name in _ODD.items()
    ),
    *(
        Animal(
            _ROOM,
            f"{what}, in the name of polygons",
            _copied(name),
            "…: a ':', a '!', a ';' or a line break in its name would mislead GDAL; rename it",
        )
        for what, name in (_MISLEADING | _BROKEN).items()
    ),
    *(
        Animal(_ROOM, f"{what}, in the name of a raster", _raster(f"{name}.tif"), "is read", ("out.parquet",))
        for what, name in (_ODD | _MISLEADING | _BROKEN).items()
    ),
    Animal(
        _ROOM,
        "bytes that are not UTF-8, in the name of a raster",
        _unreadable_bytes,
        "…: its name is no valid UTF-8, which GDAL needs; rename the file",
    ),
    Animal(_ROOM, "two rasters that differ in case", _several("a.tif", "A.tif"), "are two", ("out.parquet",)),
    Animal(
        _ROOM,
        "two rasters that differ in how letters are put together",
        _several("ção.tif", unicodedata.normalize("NFD", "ção.tif")),
        "are two",
        ("out.parquet",),
    ),
    Animal(
        _ROOM,
        "a folder with nearly everything",
        _quoted,
        "opens in QGIS, pictures and polygons",
        ("a b&c=d #1 100% 'e' \"f\" <g> ação 🌳.geolabel/project.qgz",),
        slow=True,
    ),
    Animal(
        _ROOM,
        "an exclamation mark, in a folder of predictions",
        _output("a!b", "predict"),
        "is written, polygons and all",
        ("a!b/project.qgz",),
        slow=True,
    ),
    *(
        Animal(
            _ROOM, f"{what}, to be written by {command}", _output(name, command), "is written under this name", (name,)
        )
        for what, name in (
            ("an exclamation mark", "a!b.gpkg"),
            ("a semicolon", "a;b.gpkg"),
            ("a bar", "a|layername=b.gpkg"),
            ("what looks like an encoded blank", "a%20b.gpkg"),
        )
        for command in ("tile", "export")
    ),
    *(
        Animal(
            _ROOM,
            f"{what}, to be written",
            _output(name),
            "…: a name with a line break or the like; give another with -o",
        )
        for what, name in (("a line break", "a\nb"), ("a bell", "a\x07b"), ("a line separator", "a\u2028b"))
    ),
    Animal(
        _ROOM,
        "300 characters, to be written",
        _output("x" * 300),
        "…: cannot be written (File name too long); give another name with -o",
    ),
    Animal(
        _ROOM, "300 characters, to be read", lambda den: ("tile", "x" * 300, "-o", "out.parquet"), "…: no such file…"
    ),
    Animal(
        _ROOM,
        "bytes that are not UTF-8, to be written",
        _output(os.fsdecode(b"a\xff")),
        "…: a name with a line break or the like; give another with -o",
    ),
)
