"""tiles.parquet: written, read back, and read by others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geolabel import files
from geolabel.errors import InputError, OutputError, TileIndexError
from geolabel.tiling import Source, TileIndex, read_index, write_index
from geolabel.tiling.index import dictionary

BOXES = shapely.box([500_000, 500_320, 500_640], 0, [500_320, 500_640, 500_960], 320)
SOURCE = Source(
    "a.tif", "raster", ("red", "nir"), "uint16", (1e-4, 1e-4), (0.0, -0.1), None, "EPSG:32631",
    (10.0, 0.0, 500_000.0, 0.0, -10.0, 320.0), 10.004, "abc",
)  # fmt: skip


def make(places=BOXES, crs: str | None = "EPSG:32631") -> TileIndex:
    zeros = np.zeros(3, dtype=np.int32)
    table = pa.table(
        {
            "tile": pa.array([0, 1, 2], pa.int64()),
            "source": dictionary(["a.tif"] * 3),
            "col_off": np.array([0, 32, 64], dtype=np.int32),
            "row_off": zeros,
            "width": zeros + 32,
            "height": zeros + 32,
            "valid": np.array([1, 0.5, 0], dtype=np.float32),
            "geometry": pa.array(shapely.to_wkb(places), pa.binary()),
        }
    )
    return TileIndex(
        table,
        (SOURCE,),
        crs,
        {"size": [32, 32], "seed": 1},
        {"name": "s", "classes": []},
        ({"kind": "clc"},),
        None,
        ("tile",),
    )


def same(first: pa.Table, second: pa.Table) -> bool:
    """Equal in columns, types and values, NaN being NaN."""
    fields = [(field.name, str(field.type)) for field in first.schema]
    assert fields == [(field.name, str(field.type)) for field in second.schema]
    return repr(first.to_pylist()) == repr(second.to_pylist())


def labelled() -> TileIndex:
    return make().with_columns(
        {
            "label.forest": pa.array(np.array([0.25, np.nan, 1.0], dtype=np.float32)),
            "label.mine": pa.array(np.array([0.0, np.nan, 0.5], dtype=np.float32)),
            "split": dictionary(["train", "test", None]),
        }
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path, index = tmp_path / "tiles.parquet", labelled()
    write_index(path, index)
    read = read_index(path)
    assert same(read.table, index.table)
    assert replace(read, table=index.table) == index
    assert read.class_names == ("forest", "mine")
    np.testing.assert_array_equal(read.shares, np.array([[0.25, 0], [np.nan, np.nan], [1, 0.5]], dtype=np.float32))
    assert read.column("split").tolist() == ["train", "test", None]
    write_index(path, read, overwrite=True)
    assert same(read_index(path).table, index.table)


def test_geopandas_reads_it_with_its_crs(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", labelled())
    frame = geopandas.read_parquet(tmp_path / "tiles.parquet")
    assert frame.crs == "EPSG:32631"
    assert frame["tile"].tolist() == [0, 1, 2]
    np.testing.assert_array_equal(shapely.bounds(frame.geometry.values), shapely.bounds(BOXES))
    some = geopandas.read_parquet(tmp_path / "tiles.parquet", bbox=(500_700, 10, 500_800, 20))
    assert some["tile"].tolist() == [2], "the covering lets readers skip rows"


def test_geoparquet_metadata(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", make())
    metadata = pq.read_schema(tmp_path / "tiles.parquet").metadata
    geo, own = json.loads(metadata[b"geo"]), json.loads(metadata[b"geolabel"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Polygon"])
    assert column["crs"]["id"]["code"] == 32631
    assert column["bbox"] == [500_000, 0, 500_960, 320]
    assert column["covering"] == {"bbox": {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}}
    boxes = pq.read_table(tmp_path / "tiles.parquet")["bbox"].to_pylist()
    assert boxes[1] == {"xmin": 500_320, "ymin": 0, "xmax": 500_640, "ymax": 320}
    assert own["format"] == 1
    assert own["sources"][0]["bands"] == ["red", "nir"]


def test_tiles_without_a_place(tmp_path: Path) -> None:
    index = make(np.array([None, None, None]), crs=None)
    write_index(tmp_path / "tiles.parquet", index)
    read = read_index(tmp_path / "tiles.parquet")
    assert not read.has_place().any()
    assert np.isnan(read.centres_m()).all()
    assert geopandas.read_parquet(tmp_path / "tiles.parquet").geometry.isna().all()


def test_some_tiles_without_a_place(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", make(np.array([BOXES[0], None, BOXES[2]])))
    read = read_index(tmp_path / "tiles.parquet")
    assert read.has_place().tolist() == [True, False, True]
    centres = read.centres_m()
    assert np.isnan(centres).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert np.hypot(*(centres[2] - centres[0])) == pytest.approx(640 / 0.9996, rel=1e-5)


def test_points_are_places(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", make(shapely.points([3.0, 4.0, 5.0], [0, 0, 0]), "EPSG:4326"))
    assert geopandas.read_parquet(tmp_path / "tiles.parquet").geom_type.tolist() == ["Point"] * 3


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "year=2020").mkdir()
    path = tmp_path / "year=2020" / "tiles.parquet"
    write_index(path, make())
    assert read_index(path).table.column_names == make().table.column_names


def test_columns_that_are_missing_are_named() -> None:
    with pytest.raises(TileIndexError, match=r"no column 'fold'; it has tile, source"):
        make().column("fold")


def test_columns_are_replaced_and_taken_away() -> None:
    index = labelled()
    again = index.with_columns({"label.mine": pa.array([1.0, 1.0, 1.0], pa.float32())}, history=("x",))
    assert again.table.column_names == index.table.column_names
    assert (again.column("label.mine") == 1).all()
    assert again.history == ("x",)
    assert again.without(["label.mine", "not there"]).class_names == ("forest",)


def test_a_row_s_source() -> None:
    chips = replace(SOURCE, path="chips", kind="chips")
    index = replace(make(), sources=(SOURCE, chips))
    assert index.source_of("a.tif") is SOURCE
    assert index.source_of("chips/mine/1.png") is chips
    with pytest.raises(TileIndexError, match=r"does not describe its source chipsy/1\.png; make it again"):
        index.source_of("chipsy/1.png")


def test_sources_are_named_relative_to_the_index(tmp_path: Path) -> None:
    assert files.relative_to(tmp_path / "data" / "a.tif", tmp_path / "out" / "tiles.parquet") == "../data/a.tif"


def with_metadata(path: Path, change) -> Path:
    write_index(path, make(), overwrite=True)
    table = pq.read_table(path)
    described = json.loads(table.schema.metadata[b"geolabel"])
    change(described)
    pq.write_table(table.replace_schema_metadata({b"geolabel": json.dumps(described).encode()}), path)
    return path


def test_what_is_no_tile_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(TileIndexError, match=r"a\.parquet: a Parquet file, but no tile index; .*geolabel tile"):
        read_index(path)
    write_index(path, make(), overwrite=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TileIndexError, match=r"a\.parquet: is no tile index, or it is truncated; .*geolabel tile"):
        read_index(path)
    path.write_bytes(b"col,row\n")
    with pytest.raises(TileIndexError, match=r"a\.parquet: is no tile index"):
        read_index(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.parquet: the file is empty"):
        read_index(path)


def test_a_damaged_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_index(path, make())
    content = bytearray(path.read_bytes())
    content[8:200] = bytes(192)
    path.write_bytes(bytes(content))
    with pytest.raises(TileIndexError, match=r"a\.parquet: "):
        read_index(path)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = with_metadata(tmp_path / "a.parquet", lambda described: described.update(format=2))
    with pytest.raises(TileIndexError, match=r"a\.parquet: format 2, this geolabel reads 1; upgrade geolabel"):
        read_index(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda described: described.pop("sources"),
        lambda described: described["sources"][0].pop("bands"),
        lambda described: described["sources"][0].update(surprise=1),
        lambda described: described.update(sources=7),
    ],
)
def test_a_damaged_description_is_refused(tmp_path: Path, change) -> None:
    with pytest.raises(TileIndexError, match=r"a\.parquet: its description is damaged .*; make it again"):
        read_index(with_metadata(tmp_path / "a.parquet", change))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_index(path, make())
    pq.write_table(pq.read_table(path).drop_columns(["row_off"]), path)
    with pytest.raises(TileIndexError, match=r"a\.parquet: lacks the columns row_off; make it again"):
        read_index(path)


def test_an_index_is_not_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_index(path, make())
    with pytest.raises(OutputError, match=r"a\.parquet: .*exists already; give --overwrite"):
        write_index(path, make())


def test_a_full_disk_is_named(small_disk: Path) -> None:
    index = make()
    noise = np.random.default_rng(0).random(300_000)
    many = replace(index, table=pa.concat_tables([index.table] * 100_000).append_column("noise", pa.array(noise)))
    with pytest.raises(OutputError, match=r"a\.parquet: the disk is full; free some space"):
        write_index(small_disk / "a.parquet", many)
    assert list(small_disk.iterdir()) == []
