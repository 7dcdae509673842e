"""Settings of the zoo: schemes, configurations, tile indexes and records of runs that are not what they should be."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOM = "Schemes, configurations, indexes and records"
_CLASS = '[[class]]\nname = "bare"\n'


def _label(den: Den, scheme: str | bytes) -> Sequence[object]:
    """Label tiles by a scheme."""
    for name in ("tiles.parquet", "places.gpkg", "region.tif"):
        den.take(name)
    (den.folder / "s.toml").write_bytes(scheme.encode() if isinstance(scheme, str) else scheme)
    words = ("--vector", "places.gpkg", "--field", "landuse", "--scheme", "s.toml", "-o", "labelled.parquet")
    return ("label", "tiles.parquet", *words)


def _tile(den: Den, config: str | bytes) -> Sequence[object]:
    """Tile a region as a configuration says."""
    den.take("region.tif")
    (den.folder / "c.toml").write_bytes(config.encode() if isinstance(config, str) else config)
    return ("tile", "region.tif", "--config", "c.toml", "-o", "t.parquet")


def _split(den: Den, change: Callable[[pa.Table, dict[str, Any]], pa.Table | None]) -> Sequence[object]:
    """Split an index of which the table, or what it says of itself, is changed."""
    path = den.take("tiles.parquet")
    with pq.ParquetFile(path) as stored:
        table, kept = stored.read(), stored.metadata.metadata
    metadata = {key: value for key, value in kept.items() if key != b"ARROW:schema"}
    described = json.loads(metadata[b"geolabel"])
    changed = change(table, described)
    metadata[b"geolabel"] = json.dumps(described).encode()
    pq.write_table((table if changed is None else changed).replace_schema_metadata(metadata), path)
    return ("split", "tiles.parquet", "--val", ".2", "--test", ".2", "-o", "parted.parquet")


def _column(den: Den, name: str, values: Callable[[int], pa.Array]) -> Sequence[object]:
    """The same, of which a column is another."""
    return _split(den, lambda table, _: table.set_column(table.column_names.index(name), name, values(table.num_rows)))


def _described(den: Den, *path: Any, value: Any) -> Sequence[object]:
    """The same, which says something else of itself."""

    def change(_: pa.Table, described: dict[str, Any]) -> None:
        inside: Any = described
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value

    return _split(den, change)


def _plain(den: Den) -> Sequence[object]:
    pq.write_table(pa.table({"a": [1, 2]}), den.folder / "tiles.parquet")
    return ("split", "tiles.parquet", "-o", "parted.parquet")


def _text_metadata(den: Den) -> Sequence[object]:
    path = den.take("tiles.parquet")
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"geolabel": b"{never closed"}), path)
    return ("split", "tiles.parquet", "-o", "parted.parquet")


def _no_rows(den: Den) -> Sequence[object]:
    return _split(den, lambda table, _: table.slice(0, 0))


def _train(den: Den, change: Callable[[pa.Table, dict[str, Any]], pa.Table | None]) -> Sequence[object]:
    """Train on such an index."""
    den.take("region.tif")
    _split(den, change)
    return ("train", "tiles.parquet", "--epochs", 1, "-o", "run")


def _outside(table: pa.Table, _: dict[str, Any]) -> pa.Table:
    """All tiles lie to the right of the raster."""
    far = np.full(table.num_rows, 5_000, np.int32)
    return table.set_column(table.column_names.index("col_off"), "col_off", pa.array(far))


def _huge_count(den: Den) -> Sequence[object]:
    """The file's end says that far more follows than there is."""
    path = den.take("tiles.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:-8] + struct.pack("<I", 1 << 31) + b"PAR1")
    return ("split", "tiles.parquet", "-o", "parted.parquet")


def _record(den: Den, folder: str, words: Sequence[object], *path: Any, value: Any) -> Sequence[object]:
    """Meet a folder whose run.json has another value at a place; None takes it away."""
    den.take(folder)
    record = den.folder / folder / "run.json"
    told = json.loads(record.read_text(encoding="utf-8"))
    inside = told
    for key in path[:-1]:
        inside = inside[key]
    if value is None:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    record.write_text(json.dumps(told), encoding="utf-8")
    return words


def _prediction(den: Den, verb: str, *path: Any, value: Any) -> Sequence[object]:
    more = ("-o", f"{verb}.gpkg") if verb != "inspect" else ()
    return _record(den, "region.geolabel", (verb, "region.geolabel", *more), *path, value=value)


def _resumed(den: Den, *path: Any, value: Any) -> Sequence[object]:
    for name in ("tiles.parquet", "region.tif"):
        den.take(name)
    return _record(den, "run", ("train", "tiles.parquet", "--resume", "-o", "run"), *path, value=value)


def _written(den: Den, folder: str, text: bytes, words: Sequence[object]) -> Sequence[object]:
    """Meet a folder whose run.json is of some bytes."""
    den.take(folder)
    (den.folder / folder / "run.json").write_bytes(text)
    return words


def _job(den: Den, change: Callable[[dict[str, Any]], Any]) -> Sequence[object]:
    """Merge the shards of a job that is changed; there are none, so a good job is refused, too."""
    record = json.loads((den.good / "region.geolabel" / "run.json").read_text(encoding="utf-8"))
    content = (den.good / "run" / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["geolabel"])
    card.pop("made", None)
    told = {
        "format": 1,
        "key": "a",
        "inputs": record["inputs"],
        "options": record["options"],
        "card": card,
        "grid": {"crs": "EPSG:32719", "transform": [10, 0, 4e5, 0, -10, 8.6e6], "width": 320, "height": 320},
        "stride": 8,
        "block": [512, 512],
        "resampled": False,
        "device": "cpu",
        "engine": record["engine"],
        "dense": None,
        "places": None,
        "rasters": [],
    }
    change(told)
    work = den.folder / "w.shards"
    work.mkdir()
    (work / "job.json").write_text(json.dumps(told), encoding="utf-8")
    return ("merge", "w.shards", "-o", "out")


def _shard(den: Den, make: Callable[[], bytes]) -> Sequence[object]:
    """Merge a job with a shard of some bytes; what is no shard counts as missing."""
    words = _job(den, lambda told: None)
    (den.folder / "w.shards" / "00000.npz").write_bytes(make())
    return words


def _index(says: str) -> str:
    return f"tiles.parquet: its description is damaged ({says}); make it again with geolabel tile"


def _rows(says: str) -> str:
    return f"tiles.parquet: its tiles are damaged ({says}); make it again with geolabel tile"


def _run(says: str) -> str:
    return f"region.geolabel/run.json: is damaged ({says}); make the folder again"


def _work(says: str) -> str:
    return f"w.shards/job.json: is damaged ({says}); delete the folder, and predict again"


_NO_TOML = "s.toml: is not TOML (…); mend it, docs/formats.md shows a scheme"
_NO_CONFIG = "--config c.toml: cannot be read as TOML (…)…"

SCHEMES = (
    Animal(
        _ROOM,
        "a scheme with a byte order mark",
        lambda den: _label(den, f"\ufeff{_CLASS}"),
        "it is read",
        ("labelled.parquet",),
    ),
    Animal(_ROOM, "a scheme that is not TOML", lambda den: _label(den, "[[class]\nname"), _NO_TOML),
    Animal(_ROOM, "a scheme in Latin-1", lambda den: _label(den, _CLASS.encode() + b'title = "for\xeat"'), _NO_TOML),
    Animal(_ROOM, "a scheme nested 100,000 deep", lambda den: _label(den, f"class = {'[' * 100_000}"), _NO_TOML),
    Animal(
        _ROOM,
        "a scheme without classes",
        lambda den: _label(den, 'title = "none"'),
        "s.toml: has no classes; write one [[class]] table a class, with name, title and color",
    ),
    Animal(
        _ROOM,
        "a scheme with an unknown key",
        lambda den: _label(den, f"{_CLASS}colour = 3"),
        "s.toml: unknown keys colour; a class has …",
    ),
    Animal(
        _ROOM,
        "a scheme with two classes of one name",
        lambda den: _label(den, _CLASS * 2),
        "s.toml: scheme 's': two classes are named bare; rename one",
    ),
    Animal(
        _ROOM,
        "a scheme of 300 classes",
        lambda den: _label(den, "".join(f'[[class]]\nname = "c{number}"\n' for number in range(300))),
        "s.toml: 300 classes; 1 to 253 fit; merge some, or write two schemes",
    ),
    Animal(
        _ROOM,
        "a scheme whose rule would keep a slow search for patterns busy for years",
        lambda den: _label(den, f'{_CLASS}osm = ["k={"a|" * 50_000}"]'),
        "s.toml: 'k=a|…' is no condition on a tag; write key=value, key=a|b, key=* or key!=value",
    ),
    Animal(
        _ROOM,
        "a scheme with a version without end",
        lambda den: _label(den, f"version = inf\n{_CLASS}"),
        "s.toml: the description of the classes is damaged ('version' must be a number, got inf)",
    ),
    Animal(
        _ROOM,
        "a scheme that wants a river a light year wide",
        lambda den: _label(den, f'{_CLASS}osm = [{{tags = "waterway=river", width_m = 1e16}}]'),
        "s.toml: the OSM rule 'waterway=river': width_m must be 100,000 at the most",
    ),
)
CONFIGS = (
    Animal(
        _ROOM,
        "a configuration with a byte order mark",
        lambda den: _tile(den, "\ufeff[tile]\nsize = 32"),
        "it is read",
        ("t.parquet",),
    ),
    Animal(_ROOM, "a configuration that is not TOML", lambda den: _tile(den, "[tile\nsize = 3"), _NO_CONFIG),
    Animal(_ROOM, "a configuration in UTF-16", lambda den: _tile(den, "[tile]".encode("utf-16")), _NO_CONFIG),
    Animal(
        _ROOM,
        "a configuration nested 100,000 deep",
        lambda den: _tile(den, f"[tile]\nsize = {'[' * 100_000}"),
        _NO_CONFIG,
    ),
    Animal(
        _ROOM,
        "a configuration with an unknown option",
        lambda den: _tile(den, "[tile]\nsizes = 3"),
        "--config c.toml: [tile] has unknown options: sizes",
    ),
    Animal(
        _ROOM,
        "a configuration for a command that does not exist",
        lambda den: _tile(den, "[tiles]\nsize = 3"),
        "--config c.toml: tiles is no command of geolabel's; write one of …",
    ),
    Animal(
        _ROOM,
        "a configuration for a slip in a command's second word",
        lambda den: _tile(den, "[embed.serach]\ntop = 3"),
        "--config c.toml: serach is no command of geolabel's; write one of …",
    ),
    Animal(
        _ROOM,
        "a configuration that names itself",
        lambda den: _tile(den, '[tile]\nconfig = "c.toml"'),
        "--config c.toml: [tile] has unknown options: config",
    ),
    Animal(
        _ROOM,
        "a configuration with a word for a number",
        lambda den: _tile(den, '[tile]\nsize = "large"'),
        "--config c.toml: [tile] size: …",
    ),
    Animal(
        _ROOM,
        "a configuration with half a pixel",
        lambda den: _tile(den, "[tile]\nsize = 32.5"),
        "--config c.toml: [tile] size: …",
    ),
    Animal(
        _ROOM,
        "a configuration with a day for a number",
        lambda den: _tile(den, "[tile]\nsize = 2020-01-01"),
        "--config c.toml: [tile] size: no option takes '2020-01-01'; write a text in quotes, a number, true or false",
    ),
    Animal(
        _ROOM,
        "a configuration with a table for a number",
        lambda den: _tile(den, "[tile]\nsize = {width = 3}"),
        "--config c.toml: [tile] size: no option takes …; write a text in quotes, a number, true or false",
    ),
    Animal(
        _ROOM,
        "a configuration whose command is no table",
        lambda den: _tile(den, "tile = 3"),
        "--config c.toml: [tile] is no table of options",
    ),
)
INDEXES = (
    Animal(
        _ROOM,
        "a plain Parquet file",
        _plain,
        "tiles.parquet: a Parquet file, but no tile index; make one with geolabel tile",
    ),
    Animal(_ROOM, "an index whose description is not JSON", _text_metadata, _index("it is not JSON (…)")),
    Animal(
        _ROOM,
        "an index that says it is 2 GB long",
        _huge_count,
        "tiles.parquet: is no tile index, or it is truncated; make one with geolabel tile",
    ),
    Animal(
        _ROOM,
        "an index of a later geolabel",
        lambda den: _described(den, "format", value=9),
        "tiles.parquet: format 9, this geolabel reads 1; upgrade geolabel",
    ),
    Animal(
        _ROOM,
        "an index of a source with a number for a name",
        lambda den: _described(den, "sources", 0, "path", value=7),
        _index("'sources[0].path' must be a text, got 7"),
    ),
    Animal(
        _ROOM,
        "an index of a source on a network",
        lambda den: _described(den, "sources", 0, "path", value="/vsicurl/http://localhost/a.tif"),
        _index("'sources[0].path' must be a file, got '/vsicurl/http://localhost/a.tif'"),
    ),
    Animal(
        _ROOM,
        "an index of a source with fewer scales than bands",
        lambda den: _described(den, "sources", 0, "scale", value=[1.0]),
        _index("'sources[0].scale' must be a list of 4, got a list of 1"),
    ),
    Animal(
        _ROOM,
        "an index of complex pixels",
        lambda den: _described(den, "sources", 0, "dtype", value="complex64"),
        _index("'sources[0].dtype' must be one of …, got 'complex64'"),
    ),
    Animal(
        _ROOM,
        "an index whose sources are not told",
        lambda den: _described(den, "sources", value=None),
        _index("'sources' is missing"),
    ),
    Animal(
        _ROOM,
        "an index with tiles of no pixels",
        lambda den: _described(den, "tiling", "size", value=[0, 0]),
        _index("'tiling.size[0]' must be a whole number at least 1, 65536 at the most, got 0"),
    ),
    Animal(
        _ROOM,
        "an index whose history is one text",
        lambda den: _described(den, "history", value="tile"),
        _index("'history' must be a list, got 'tile'"),
    ),
    Animal(
        _ROOM,
        "an index with windows left of the raster",
        lambda den: _column(den, "col_off", lambda rows: pa.array(np.full(rows, -16, np.int32))),
        _rows("column 'col_off' must lie from 0 to 2147483647, goes from -16 to -16"),
    ),
    Animal(
        _ROOM,
        "an index with windows right of the raster",
        lambda den: _train(den, _outside),
        "region.tif: …; tile it again",
    ),
    Animal(
        _ROOM,
        "an index with windows that are texts",
        lambda den: _column(den, "width", lambda rows: pa.array(["16"] * rows)),
        _rows("column 'width' must hold whole numbers, has string"),
    ),
    Animal(
        _ROOM,
        "an index with lists in a column",
        lambda den: _column(den, "valid", lambda rows: pa.array([[1.0]] * rows)),
        _rows("column 'valid' must hold numbers, has list<…>"),
    ),
    Animal(
        _ROOM,
        "an index of tiles that are valid twice over",
        lambda den: _column(den, "valid", lambda rows: pa.array(np.full(rows, 2, np.float32))),
        _rows("column 'valid' must lie from 0 to 1, goes from 2 to 2"),
    ),
    Animal(
        _ROOM,
        "an index of tiles without a source",
        lambda den: _column(den, "source", lambda rows: pa.array([None, *["region.tif"] * (rows - 1)])),
        _rows("column 'source' has 1 gaps"),
    ),
    Animal(
        _ROOM,
        "an index of tiles of a raster that it does not describe",
        lambda den: _train(
            den,
            lambda table, _: table.set_column(
                table.column_names.index("source"), "source", pa.array(["../other.tif"] * table.num_rows)
            ),
        ),
        "…the index does not describe its source ../other.tif; make it again with geolabel tile",
    ),
    Animal(
        _ROOM,
        "an index whose outlines are no outlines",
        lambda den: _column(den, "geometry", lambda rows: pa.array([b"\1\3\0\0\0\xff\xff\xff\xff"] * rows)),
        "…the outlines of the index's tiles cannot be read (…); make it again with geolabel tile",
    ),
    Animal(_ROOM, "an index without tiles", _no_rows, "…"),
)
RECORDS = (
    Animal(
        _ROOM,
        "the record of a prediction that is a list",
        lambda den: _written(den, "region.geolabel", b"[]", ("export", "region.geolabel", "-o", "a.geojson")),
        _run("it must be a table, got a list of 0"),
    ),
    Animal(
        _ROOM,
        "the record of a prediction nested 100,000 deep",
        lambda den: _written(den, "region.geolabel", b"[" * 100_000, ("export", "region.geolabel", "-o", "a.geojson")),
        "region.geolabel/run.json: is not JSON (…); the run.json of a folder that geolabel made was expected",
    ),
    Animal(
        _ROOM,
        "the record of a prediction without its command",
        lambda den: _prediction(den, "polygons", "command", value=None),
        _run("'command' is missing"),
    ),
    Animal(
        _ROOM,
        "the record of a prediction that counts words",
        lambda den: _prediction(den, "inspect", "counts", "detections", "bare", value="many"),
        _run("'counts.detections.bare' must be a number at least 0, got 'many'"),
    ),
    Animal(
        _ROOM,
        "the record of a prediction with a threshold of 7",
        lambda den: _prediction(den, "polygons", "decision", "thresholds", "bare", value=7),
        _run("'decision.thresholds.bare' must be a number at least 0, 1 at the most, got 7"),
    ),
    Animal(
        _ROOM,
        "the record of a prediction of classes that its map does not have",
        lambda den: _prediction(den, "polygons", "counts", "detections", value={"a": 1, "b": 1, "c": 1}),
        "region.geolabel…",
    ),
    Animal(
        _ROOM,
        "the record of a prediction whose attribution is a number",
        lambda den: _prediction(den, "inspect", "attribution", value=3),
        _run("'attribution' must be a list, got 3"),
    ),
    Animal(
        _ROOM,
        "the record of a training, to resume, without options",
        lambda den: _resumed(den, "options", value=None),
        "run/run.json: is damaged ('options' is missing); train or tune anew with --overwrite",
    ),
    Animal(
        _ROOM,
        "the record of a training, to resume, with a word for a number",
        lambda den: _resumed(den, "options", "lr", value="fast"),
        "run/run.json: is damaged ('options.lr' must be a number, got 'fast'); train or tune anew with --overwrite",
    ),
    Animal(
        _ROOM,
        "the record of a training, to resume, of other tiles",
        lambda den: _resumed(den, "tiles_fingerprint", value="0"),
        "tiles.parquet: is not the index that run was trained on; train anew with --overwrite",
    ),
    Animal(
        _ROOM,
        "a prediction at work on 10¹² pixels a side",
        lambda den: _job(den, lambda told: told["grid"].update(width=10**12)),
        _work("'grid.width' must be a whole number at least 1, 1.67772e+07 at the most, got 1000000000000"),
    ),
    Animal(
        _ROOM,
        "a prediction at work in steps of no pixels",
        lambda den: _job(den, lambda told: told.update(stride=0)),
        _work("'stride' must be a whole number at least 1, 16 at the most, got 0"),
    ),
    Animal(
        _ROOM,
        "a prediction at work with a model that is none",
        lambda den: _job(den, lambda told: told["card"].update(bands=[])),
        _work("the contract needs bands with a spread, and tiles of at least one pixel"),
    ),
    Animal(
        _ROOM,
        "a prediction at work on pixels without a size",
        lambda den: _job(den, lambda told: told["grid"].update(transform=[0, 0, 0, 0, 0, 0])),
        _work("the pixels have no size; give the raster a transform: gdal_edit.py -a_ullr …"),
    ),
    Animal(
        _ROOM,
        "a shard that is none",
        lambda den: _shard(den, lambda: b"PK\3\4" + b"\0" * 99),
        "w.shards: 1 of 1 shards are missing (the first is 0); predict them with the command that made the others, or "
        "without --shard",
    ),
)
ANIMALS = (*SCHEMES, *CONFIGS, *INDEXES, *RECORDS)
