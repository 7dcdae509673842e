"""Encoding: each vector is that of its tile, read by itself; whatever the raster, its grid and its parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pytest
import rasterio
import shapely
import torch
from affine import Affine

from geolabel.embeddings import blocks, read_header, tiles_of
from geolabel.errors import ContractError, EmptyError, OptionError, OutputError
from geolabel.learn.chips import load_chips
from geolabel.learn.encoder import load_encoder
from geolabel.learn.predictor import predict_chips
from geolabel.model import for_source
from geolabel.steps.embed.encode import encode, encode_tiles
from geolabel.steps.tile import tile
from geolabel.tiling import read_index, write_index
from tests.steps.embed.encoders import save_encoder

BANDS = ("red", "green", "blue", "nir")
CPU = torch.device("cpu")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return save_encoder(tmp_path / "encoder.safetensors")


@pytest.fixture
def region(write_raster):
    """100 × 90 px: blobs, with nodata in a corner."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(500, 3_000, (4, 12, 13)).repeat(8, 1).repeat(8, 2)[:, :90, :100].astype("uint16")
    pixels[:, :40, :50] = 0
    tiled = {"tiled": True, "blockxsize": 32, "blockysize": 32}
    return write_raster("region.tif", pixels, nodata=0, descriptions=BANDS, **tiled)


def vectors_in(path: Path) -> np.ndarray:
    return np.concatenate([part for _, part in blocks(path)])


def cut_and_encoded(path: Path, model: Path, tmp_path: Path) -> np.ndarray:
    """Vectors of the tiles of a file, each cut out of the source that the file names."""
    index = read_index(path)
    chips = load_chips(index, np.arange(len(index)), path.parent, tmp_path)
    found = load_encoder(model, CPU)
    source = index.sources[0]
    ready = found.with_card(for_source(found.card, source.dtype, source.scale, source.offset))
    return predict_chips(ready, chips, np.arange(len(index)))


def test_each_vector_is_that_of_its_tile(region: Path, encoder: Path, tmp_path: Path):
    report = encode(region, model=encoder, output=tmp_path / "out" / "r.embeddings.parquet", stride=16)
    index = read_index(report.output)
    # starts 0, 16, 32, 48, 58 by 0 … 64, 68; at least half of each tile is seen
    col, row = index.column("col_off"), index.column("row_off")
    with rasterio.open(region) as source:
        seen = source.dataset_mask() > 0
    shares = np.array([seen[r : r + 32, c : c + 32].mean() for c, r in zip(col, row, strict=True)])
    assert np.allclose(index.column("valid"), shares)
    every = [(c, r) for c in (0, 16, 32, 48, 64, 68) for r in (0, 16, 32, 48, 58)]
    wanted = {(c, r) for c, r in every if seen[r : r + 32, c : c + 32].mean() >= 0.5}
    assert set(zip(col.tolist(), row.tolist(), strict=True)) == wanted
    assert report.tiles == len(index) == len(wanted)
    assert index.column("tile").tolist() == list(range(len(index)))
    header = read_header(report.output)
    assert (header.size, header.dtype, header.norm) == (report.size, "float16", True)
    assert header.model["name"] == "encoder.safetensors"
    found = vectors_in(report.output)
    assert np.allclose(np.linalg.norm(found.astype(float), axis=1), 1, atol=2e-3)
    assert np.abs(found - cut_and_encoded(report.output, encoder, tmp_path)).max() < 1e-3
    shapes = shapely.from_wkb(index.column("geometry"))
    west, _, _, north = shapely.bounds(shapes).T
    assert np.allclose(west, 500_000 + 10 * col)
    assert np.allclose(north, 5_500_000 - 10 * row)
    assert len(geopandas.read_parquet(report.output)) == len(index)
    assert not (tmp_path / "out" / "r.embeddings.region").exists(), "the raster is read as it is"


def test_the_picture_shows_where_tiles_are(region: Path, encoder: Path, tmp_path: Path):
    report = encode(region, model=encoder, output=tmp_path / "r.parquet", stride=16, dtype="float32")
    assert [path.name for path in report.pictures] == ["r.colours.tif"]
    assert 0.3 < sum(report.explained) <= 1
    index = read_index(report.output)
    with rasterio.open(report.pictures[0]) as picture:
        assert [color.name for color in picture.colorinterp] == ["red", "green", "blue"]
        assert picture.transform == Affine(160, 0, 500_080 + 0, 0, -160, 5_500_000 - 80)
        rgb, crs = picture.read(), picture.crs
    assert crs.to_epsg() == 32631
    where = np.zeros(rgb.shape[1:], bool)
    cells = -(-index.column("row_off") // 16), -(-index.column("col_off") // 16)
    where[cells] = True
    assert ((rgb > 0).all(axis=0) == where).all()
    assert ((rgb == 0).all(axis=0) == ~where).all()
    # red is the first component: recomputed with numpy's singular values
    vectors = vectors_in(report.output).astype(float)
    first = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][0]
    along = vectors @ first
    r = np.corrcoef(along, rgb[0][cells])[0, 1]
    assert abs(r) > 0.98


def test_the_same_input_gives_the_same_bytes(region: Path, encoder: Path, tmp_path: Path):
    made = [encode(region, model=encoder, output=tmp_path / name / "r.parquet", stride=8) for name in ("one", "two")]
    for one, other in zip(*([each.output, *each.pictures] for each in made), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_parts_of_a_region_give_the_vectors_of_the_whole(region: Path, encoder: Path, tmp_path: Path, write_raster):
    with rasterio.open(region) as source:
        pixels, transform = source.read(), source.transform
    left = write_raster("parts/1.tif", pixels[:, :, :44], nodata=0, descriptions=BANDS)
    right = write_raster(
        "parts/2.tif", pixels[:, :, 44:], nodata=0, descriptions=BANDS, transform=transform @ Affine.translation(44, 0)
    )
    whole = encode(region, model=encoder, output=tmp_path / "whole.parquet")
    parts = encode([left, right], model=encoder, output=tmp_path / "parts.parquet")
    one, other = read_index(whole.output), read_index(parts.output)
    for name in ("tile", "col_off", "row_off", "width", "height", "valid", "geometry"):
        assert (one.column(name) == other.column(name)).all()
    assert (vectors_in(whole.output) == vectors_in(parts.output)).all()
    room = tmp_path / "parts.region"
    assert {path.name for path in room.iterdir()} == {"region.vrt", "run.json"}
    assert other.sources[0].path == "parts.region/region.vrt"
    assert np.abs(vectors_in(parts.output) - cut_and_encoded(parts.output, encoder, tmp_path)).max() < 1e-3
    again = encode([left, right], model=encoder, output=tmp_path / "parts.parquet", overwrite=True)
    assert again.tiles == parts.tiles
    encode(region, model=encoder, output=tmp_path / "parts.parquet", overwrite=True)
    assert not room.exists(), "what a file that is gone was cut from goes with it"


@pytest.mark.parametrize("gsd_m", [4.0, 25.0])
def test_a_region_that_is_resampled_can_be_cut_again(region: Path, tmp_path: Path, gsd_m: float):
    model = save_encoder(tmp_path / "other.safetensors", gsd_m=gsd_m, tile_px=(16, 16))
    report = encode(region, model=model, output=tmp_path / "r.parquet", dtype="float32")
    assert report.resampled
    source = read_index(report.output).sources[0]
    assert source.path == "r.region/resampled.vrt"
    assert source.bands == BANDS
    assert source.gsd_m == pytest.approx(gsd_m, rel=1e-6)
    again = cut_and_encoded(report.output, model, tmp_path)
    assert np.abs(vectors_in(report.output) - again).max() < 1e-5


def test_scales_are_kept_by_a_resampled_view(tmp_path: Path, write_raster):
    rng = np.random.default_rng(0)
    pixels = rng.integers(5_000, 9_000, (4, 40, 40)).astype("uint16")
    path = write_raster("scaled.tif", pixels, nodata=0, descriptions=BANDS, scales=(0.5,) * 4, offsets=(-1_000.0,) * 4)
    model = save_encoder(tmp_path / "e.safetensors", gsd_m=20.0, tile_px=(8, 8), mean=2_500)
    report = encode(path, model=model, output=tmp_path / "r.parquet", dtype="float32")
    source = read_index(report.output).sources[0]
    assert (source.scale, source.offset) == ((0.5,) * 4, (-1_000.0,) * 4)
    assert np.abs(vectors_in(report.output) - cut_and_encoded(report.output, model, tmp_path)).max() < 1e-5


def test_dense_windows_are_near_the_tiles_alone(region: Path, encoder: Path, tmp_path: Path):
    alone, dense = (
        encode(region, model=encoder, output=tmp_path / f"{how}.parquet", stride=16, dense=how, min_valid=0.9)
        for how in ("off", "on")
    )
    assert dense.dense
    assert not alone.dense
    one, other = (vectors_in(each.output).astype(float) for each in (alone, dense))
    assert one.shape == other.shape
    assert (one * other).sum(axis=1).min() > 0.9


def test_an_area_of_interest(region: Path, encoder: Path, tmp_path: Path):
    area = geopandas.GeoDataFrame(geometry=[shapely.box(500_650, 5_499_110, 500_750, 5_499_300)], crs="EPSG:32631")
    area.to_crs("EPSG:4326").to_file(tmp_path / "area.gpkg")
    report = encode(region, model=encoder, output=tmp_path / "r.parquet", aoi=tmp_path / "area.gpkg")
    found = read_index(report.output)
    shapes = shapely.from_wkb(found.column("geometry"))
    assert shapely.intersects(shapes, shapely.box(500_650, 5_499_110, 500_750, 5_499_300)).all()
    assert 0 < len(found) <= 4
    assert np.abs(vectors_in(report.output) - cut_and_encoded(report.output, encoder, tmp_path)).max() < 1e-3


def test_a_raster_smaller_than_a_tile(tmp_path: Path, encoder: Path, write_raster):
    pixels = np.random.default_rng(0).integers(500, 2_000, (4, 20, 25)).astype("uint16")
    path = write_raster("small.tif", pixels, nodata=0, descriptions=BANDS)
    report = encode(path, model=encoder, output=tmp_path / "r.parquet")
    index = read_index(report.output)
    assert (index.column("width").tolist(), index.column("height").tolist()) == ([25], [20])
    assert np.abs(vectors_in(report.output) - cut_and_encoded(report.output, encoder, tmp_path)).max() < 1e-3


def test_tiles_of_an_index_keep_their_columns(region: Path, encoder: Path, tmp_path: Path):
    tiles = tmp_path / "there" / "tiles.parquet"
    tile([region], size=32, output=tiles, min_valid=0.2)
    index = read_index(tiles)
    rng = np.random.default_rng(0)
    index = index.with_columns(
        {"label.mine": pa.array(rng.random(len(index)), pa.float32()), "note": pa.array(["a"] * len(index))}
    )
    shuffled = replace(index, table=index.table.take(rng.permutation(len(index))))
    write_index(tiles, shuffled, overwrite=True)
    report = encode_tiles(tiles, model=encoder, output=tmp_path / "here.parquet")
    found = read_index(report.output)
    assert found.column("tile").tolist() == shuffled.column("tile").tolist()
    assert (found.share("mine") == shuffled.share("mine")).all()
    assert found.column("note").tolist() == ["a"] * len(index)
    assert found.sources[0].path == "region.tif"
    assert np.abs(vectors_in(report.output) - cut_and_encoded(report.output, encoder, tmp_path)).max() < 1e-3
    assert len(report.pictures) == 1
    assert tiles_of(report.output, np.array([2])).column("tile")[0] == shuffled.column("tile")[2]


def test_several_rasters_of_an_index_have_a_picture_each(region: Path, encoder: Path, tmp_path: Path, write_raster):
    with rasterio.open(region) as source:
        other = write_raster("other.tif", source.read()[:, ::-1], nodata=0, descriptions=BANDS, crs="EPSG:32632")
    tile([region, other], size=32, output=tmp_path / "tiles.parquet")
    report = encode_tiles(tmp_path / "tiles.parquet", model=encoder, output=tmp_path / "v.parquet")
    assert [path.name for path in report.pictures] == ["v.colours.1.tif", "v.colours.2.tif"]
    with rasterio.open(report.pictures[0]) as one, rasterio.open(report.pictures[1]) as two:
        assert {one.crs.to_epsg(), two.crs.to_epsg()} == {32631, 32632}
        # two rasters that are each other's mirror image, but for the tiles that the lower edge cuts
        assert one.shape == two.shape
    for path in (report.output, report.pictures[0]):
        path.unlink()
    empty = tmp_path / "empty.safetensors"
    empty.touch()  # it is not even looked at
    with pytest.raises(OutputError, match=r"v\.colours\.2\.tif: exists already"):
        encode_tiles(tmp_path / "tiles.parquet", model=empty, output=tmp_path / "v.parquet")
    assert not report.output.exists()


def test_naip(shared_data: Path, tmp_path: Path):
    raster = shared_data / "naip" / "m_4709963_se_14_1_20200831.tif"
    if not raster.exists():
        pytest.skip("NAIP is not here")
    model = save_encoder(tmp_path / "e.safetensors", dtype="uint8", gsd_m=5.0, mean=110, std=45)
    report = encode(raster, model=model, bands=BANDS, output=tmp_path / "naip.parquet")
    assert report.tiles == 690  # 30 columns by 23 rows of 32 px in 934 × 723 px
    assert np.abs(vectors_in(report.output) - cut_and_encoded(report.output, model, tmp_path)).max() < 1e-3


def test_refused_before_any_work(region: Path, encoder: Path, tmp_path: Path, write_raster):
    out = tmp_path / "out"
    for given, error, words in (
        ({"stride": 64}, OptionError, "--stride must lie in 1–32 px"),
        ({"min_valid": 2.0}, OptionError, "--min-valid must lie in 0–1"),
        ({"output": out / "r.gpkg"}, OptionError, "a name that ends with .parquet"),
        ({"dense": "on", "stride": 5}, OptionError, "leave it away"),
    ):
        with pytest.raises(error, match=words):
            encode(region, model=encoder, **{"output": out / "r.parquet", **given})
        assert not out.exists() or not any(out.iterdir()), given
    (tmp_path / "r.colours.tif").touch()
    with pytest.raises(OutputError, match="exists already"):
        encode(region, model=encoder, output=tmp_path / "r.parquet")
    empty = write_raster("empty.tif", np.zeros((4, 64, 64), "uint16"), nodata=0, descriptions=BANDS)
    with pytest.raises(EmptyError, match="lower --min-valid"):
        encode(empty, model=encoder, output=out / "r.parquet")
    with pytest.raises(ContractError, match="uint8"):
        plain = np.full((4, 64, 64), 9, "uint8")
        encode(write_raster("b.tif", plain, descriptions=BANDS), model=encoder, output=out / "r.parquet")
    assert not any(out.iterdir())
