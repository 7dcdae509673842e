"""Embeddings files: what goes in comes out, in any software."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.embeddings import blocks, read_header, tiles_of, vectors_of, writer
from geolabel.errors import InputError, OutputError, TileIndexError
from geolabel.tiling import read_index, write_index
from tests.embeddings import made

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_goes_in_comes_out(tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GROUP", 256)
    monkeypatch.setattr(writer, "_WAITING", 1000)
    index, vectors = made.tiles(1777), RNG.standard_normal((1777, 5)).astype(dtype)
    path = tmp_path / "e.parquet"
    made.write(path, index, vectors, norm=False)
    header = read_header(path)
    assert (header.size, header.dtype, header.norm, header.model) == (5, dtype, False, made.MODEL)
    for threads in (1, 3):
        found = list(blocks(path, threads))
        assert np.array_equal(np.concatenate([part for _, part in found]), vectors)
        assert found[0][1].dtype == dtype
    with pq.ParquetFile(path) as stored:
        assert [stored.metadata.row_group(at).num_rows for at in range(7)] == [256] * 6 + [241]
    again = read_index(path)
    assert again.sources == index.sources
    assert again.tiling == index.tiling
    assert "vector" not in again.table.column_names
    for name in index.table.column_names:
        assert np.array_equal(again.column(name), index.column(name)), name
    rows = RNG.permutation(1777)[:300]
    assert np.array_equal(vectors_of(path, rows), vectors[rows])
    assert np.array_equal(tiles_of(path, rows).column("tile"), rows)
    assert tiles_of(path, rows).sources == index.sources


def test_any_reader_opens_it(tmp_path: Path) -> None:
    index, vectors = made.tiles(50), made.unit(RNG, 50, 4).astype(np.float16)
    made.write(tmp_path / "e.parquet", index, vectors)
    frame = geopandas.read_parquet(tmp_path / "e.parquet")
    assert frame.crs.to_epsg() == 32719
    assert np.array_equal(np.stack(frame["vector"].to_numpy()), vectors)
    some = geopandas.read_parquet(tmp_path / "e.parquet", bbox=(made.LEFT, made.TOP - 100, made.LEFT + 100, made.TOP))
    assert some["tile"].tolist() == [0]
    with pq.ParquetFile(tmp_path / "e.parquet") as stored:
        geo = json.loads(stored.metadata.metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], column["geometry_types"]) == ("1.1.0", ["Polygon"])
    assert column["bbox"] == [made.LEFT, made.TOP - 5 * 320, made.LEFT + 10 * 320, made.TOP]


def test_the_same_rows_give_the_same_bytes_however_they_came(tmp_path: Path) -> None:
    index, vectors = made.tiles(900), made.unit(RNG, 900, 4).astype(np.float16)
    made.write(tmp_path / "a.parquet", index, vectors, step=900)
    made.write(tmp_path / "b.parquet", index, vectors, step=7)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_no_rows_are_a_file_too(tmp_path: Path) -> None:
    made.write(tmp_path / "e.parquet", made.tiles(0), np.zeros((0, 4), np.float16))
    assert len(read_index(tmp_path / "e.parquet")) == 0
    assert sum(len(part) for _, part in blocks(tmp_path / "e.parquet")) == 0
    assert len(tiles_of(tmp_path / "e.parquet", np.zeros(0, np.int64))) == 0


@given(st.lists(st.integers(0, 99), max_size=20))
def test_rows_come_in_the_order_asked_for(tmp_path_factory: pytest.TempPathFactory, rows: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.parquet"
    if not path.exists():
        made.write(path, made.tiles(100), np.arange(100, dtype=np.float32).reshape(-1, 1), norm=False)
    wanted = np.array(rows, np.int64)
    assert vectors_of(path, wanted)[:, 0].tolist() == rows


def test_what_is_no_embeddings_file_is_said_so(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", made.tiles(3))
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(TileIndexError, match=r"tiles.parquet: holds no vectors; make it with geolabel embed encode"):
        read_header(tmp_path / "tiles.parquet")
    with pytest.raises(TileIndexError, match="truncated"):
        read_header(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="no such file"):
        read_header(tmp_path / "none.parquet")
    made.write(tmp_path / "e.parquet", made.tiles(3), made.unit(RNG, 3, 4))
    with pytest.raises(InputError, match="rows 0 to 2 are there, not 0 to 3"):
        vectors_of(tmp_path / "e.parquet", np.array([0, 3]))
    for bad, words in ((np.full((3, 4), np.nan, np.float32), "no number"), (np.zeros((3, 5)), "were promised")):
        with (
            pytest.raises(TileIndexError, match=words),
            writer.EmbeddingsWriter(tmp_path / "bad", made.tiles(3), read_header(tmp_path / "e.parquet")) as opened,
        ):
            opened.write(made.tiles(3).table, bad)


def test_an_index_does_not_replace_vectors(tmp_path: Path) -> None:
    made.write(tmp_path / "e.parquet", made.tiles(3), made.unit(RNG, 3, 4))
    with pytest.raises(OutputError, match="holds vectors, which an index does not"):
        write_index(tmp_path / "e.parquet", made.tiles(3), overwrite=True)
    assert read_header(tmp_path / "e.parquet").size == 4
