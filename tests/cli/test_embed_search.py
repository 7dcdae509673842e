"""`geolabel embed search` over a region of fields, bare ones and forest, a tile each."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from geolabel.embeddings import blocks
from geolabel.tiling import read_index
from tests.cli.conftest import BANDS, FIELD, LEFT, SIDE, TOP, fields, write_region
from tests.embeddings import made
from tests.steps.embed.encoders import save_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BARE = fields()[FIELD // 2 :: FIELD, FIELD // 2 :: FIELD].ravel()
"""Whether each tile is a bare field, row by row."""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Path:
    """An encoded region."""
    folder = tmp_path_factory.mktemp("search")
    write_region(folder / "region.tif")
    model = save_encoder(folder / "encoder.safetensors", BANDS, tile_px=(FIELD, FIELD))
    out = folder / "region.embeddings.parquet"
    done = cli("embed", "encode", folder / "region.tif", "--model", model, "-o", out)
    assert done.code == 0, done.err
    return out


@pytest.fixture
def found(cli: Callable[..., Done], region: Path, tmp_path: Path) -> Callable[..., tuple[Any, geopandas.GeoDataFrame]]:
    def run(*words: object) -> tuple[Any, geopandas.GeoDataFrame]:
        done = cli("embed", "search", region, *words, "-o", tmp_path / "similar.gpkg", "--overwrite", "--json")
        assert done.code == 0, done.err
        return done.json, geopandas.read_file(tmp_path / "similar.gpkg", layer="similar")

    return run


def test_what_is_found_is_like_the_example(found: Any, region: Path) -> None:
    bare, forest = int(np.flatnonzero(BARE)[0]), int(np.flatnonzero(~BARE)[0])
    said, layer = found("--like", bare, "--unlike", forest)
    assert sorted(layer["tile"]) == [tile for tile in np.flatnonzero(BARE).tolist() if tile != bare]
    assert layer["rank"].tolist() == list(range(1, BARE.sum()))
    vectors = np.concatenate([part for _, part in blocks(region)]).astype(np.float64)
    tiles = read_index(region)
    assert layer["similarity"].to_numpy() == pytest.approx((vectors @ vectors[bare])[layer["tile"]], abs=1e-3)
    assert (np.diff(layer["similarity"]) <= 0).all()
    shapes = shapely.from_wkb(tiles.column("geometry")[layer["tile"]])
    assert shapely.equals(layer.geometry.to_numpy(), shapes).all()
    assert said["method"] == "exact"
    assert (said["tiles"], said["found"], said["like"], said["unlike"]) == (len(tiles), BARE.sum() - 1, 1, 1)


def test_a_tile_by_number_place_shape_or_picture(found: Any, region: Path, tmp_path: Path) -> None:
    number = int(np.flatnonzero(BARE)[3])
    shape = shapely.from_wkb(read_index(region).column("geometry")[number])
    place = geopandas.GeoSeries([shape.centroid], crs="EPSG:32719").to_crs("EPSG:4326").iloc[0]
    drawn = geopandas.GeoDataFrame(geometry=[shape.buffer(-20)], crs="EPSG:32719").to_crs("EPSG:4326")
    drawn.to_file(tmp_path / "drawn.geojson")
    _, by_number = found("--like", number, "--top", 5)
    _, by_place = found("--like", f"{place.x},{place.y}", "--top", 5)
    _, by_shape = found("--like", tmp_path / "drawn.geojson", "--top", 5)
    assert by_number.equals(by_place)
    assert by_number.equals(by_shape)
    row, col = divmod(number, SIDE // FIELD)
    with rasterio.open(region.with_name("region.tif")) as source:
        window = Window(col * FIELD, row * FIELD, FIELD, FIELD)
        left, top = LEFT + col * FIELD * 10, TOP - row * FIELD * 10
        profile = source.profile | {"width": FIELD, "height": FIELD, "transform": Affine(10, 0, left, 0, -10, top)}
        with rasterio.open(tmp_path / "chip.tif", "w", **profile) as chip:
            chip.write(source.read(window=window))
            chip.descriptions = BANDS
    _, by_picture = found(
        "--like", tmp_path / "chip.tif", "--model", region.with_name("encoder.safetensors"), "--top", 6
    )
    assert by_picture["tile"].tolist() == [number, *by_number["tile"]]  # the tile it was cut from is like it, too


def test_a_probe_gives_a_heat_map(found: Any, region: Path, tmp_path: Path) -> None:
    bare, forest = np.flatnonzero(BARE), np.flatnonzero(~BARE)
    like = [word for tile in bare[:3] for word in ("--like", tile)]
    said, layer = found(*like, "--unlike", forest[0], "--fit", "--top", 15)
    assert set(layer["tile"]) <= set(bare[3:])  # though a third of the random tiles shows what is wanted
    assert list(layer.columns[:2]) == ["rank", "probability"]
    with rasterio.open(tmp_path / "similar.heat.tif") as heat:
        shown = heat.read(1).ravel() * heat.scales[0]
        assert (heat.shape, heat.nodata, heat.res) == ((8, 8), 255, (FIELD * 10.0, FIELD * 10.0))
    assert shown[bare[:3]].min() > 0.9
    assert shown[bare].mean() > 10 * shown[forest].mean()
    assert shown[layer["tile"]] == pytest.approx(layer["probability"].to_numpy(), abs=0.0021)
    assert (tmp_path / "similar.heat.qml").exists()
    assert "random tiles" in (tmp_path / "similar.html").read_text()
    assert said["method"] == "linear probe"


def test_an_index_finds_the_same(found: Any, region: Path) -> None:
    pytest.importorskip("faiss")
    _, exact = found("--like", 5, "--like", 9, "--top", 7)
    said, layer = found("--like", 5, "--like", 9, "--top", 7, "--index")
    assert said["method"] == "index"
    assert layer.equals(exact)
    before = json.loads((region.with_name("region.embeddings.index") / "run.json").read_text())
    assert before["command"] == "embed search"


def test_the_page_shows_every_answer_and_fetches_nothing(found: Any, tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt install chromium")
    found("--like", 1, "--unlike", 2, "--top", 9)
    address = (tmp_path / "similar.html").as_uri()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(address)
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        page.wait_for_function("[...document.images].every((image) => image.complete)")
        widths = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
        titles = page.eval_on_selector_all("section:last-of-type figcaption b", "all => all.map((b) => b.textContent)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    answers = geopandas.read_file(tmp_path / "similar.gpkg", layer="similar")
    assert titles == [str(rank) for rank in answers["rank"]]
    assert widths == [FIELD] * (2 + len(answers))
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]


def test_rasters_that_are_gone_are_said_so(cli: Callable[..., Done], region: Path, tmp_path: Path) -> None:
    shutil.copy(region, tmp_path / "away.parquet")
    done = cli("embed", "search", tmp_path / "away.parquet", "--like", 3, "-o", tmp_path / "away.gpkg")
    assert done.code == 0, done.err
    text = (tmp_path / "away.html").read_text()
    assert "Some tiles have no picture." in text
    assert "no such file" in text
    assert len(geopandas.read_file(tmp_path / "away.gpkg", layer="similar")) == len(BARE) - 1


def test_the_layer_opens_styled_by_rank(found: Any, tmp_path: Path) -> None:
    found("--like", 1, "--top", 20)
    style = pyogrio.read_dataframe(tmp_path / "similar.gpkg", layer="layer_styles")["styleQML"][0]
    assert 'attr="rank"' in style
    assert style.count("<range ") == 5


def test_chips_without_a_place_become_a_table(cli: Callable[..., Done], tmp_path: Path) -> None:
    index = made.tiles(30)
    bare = index.table.set_column(index.table.column_names.index("geometry"), "geometry", [[None] * 30])
    vectors = made.unit(np.random.default_rng(0), 30, 4)
    made.write(tmp_path / "e.parquet", replace(index, table=bare, crs=None), vectors)
    done = cli("embed", "search", tmp_path / "e.parquet", "--like", 3, "-o", tmp_path / "s.gpkg")
    assert done.err.strip().endswith("the tiles have no place, so there is no layer; write a table: -o similar.csv")
    done = cli("embed", "search", tmp_path / "e.parquet", "--like", 3, "-o", tmp_path / "s.csv", "--top", 4)
    assert done.code == 0, done.err
    with (tmp_path / "s.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    similarity = vectors @ vectors[3]
    similarity[3] = -2
    assert [int(row["tile"]) for row in rows] == np.argsort(-similarity)[:4].tolist()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--like", "999"], "--like 999: no such tile in"),
        (["--like", "10,50"], "--like 10,50: no tile of"),
        (["--like", "200,50"], "is no longitude, latitude in degrees"),
        (["--like", "gone.gpkg"], "gone.gpkg: no such file"),
        (["--like", "chip.png"], "a picture needs the model that made"),
        (["--like", "1", "--unlike", "1"], "tile 1 is an example of --like and of --unlike"),
        (["--like", "1", "--top", "0"], "--top must be 1 or more"),
        (["--like", "1", "--fit", "--index"], "--index and --fit do not go together"),
        (["--like", "1", "-o", "x.shp"], "answers are a layer or a table"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(
    cli: Callable[..., Done], region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("embed", "search", region, *words)
    assert done.code == 1
    assert told in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_pictures_keep_the_contract(cli: Callable[..., Done], region: Path, tmp_path: Path) -> None:
    model = region.with_name("encoder.safetensors")
    other = save_encoder(tmp_path / "other.safetensors", BANDS, tile_px=(FIELD, FIELD), mean=1.0)

    def told(count: int, side: int, dtype: str, used: Path) -> str:
        place = {"crs": "EPSG:32719", "transform": Affine(10, 0, 0, 0, -10, 0)}
        size = {"width": side, "height": side, "count": count, "dtype": dtype}
        with rasterio.open(tmp_path / "chip.tif", "w", driver="GTiff", **size, **place) as chip:
            chip.write(np.ones((count, side, side), dtype))
            chip.descriptions = ("red", "green", "blue", "nir")[:count]
        done = cli(
            "embed", "search", region, "--like", tmp_path / "chip.tif", "--model", used, "-o", tmp_path / "s.gpkg"
        )
        assert done.code == 1
        assert done.err.count("\n") == 1
        return done.err

    assert "wants uint16 red, green, blue, nir" in told(3, FIELD, "uint16", model)
    assert "chip.tif: uint8 bands" in told(4, FIELD, "uint8", model)
    assert f"32 × 32 px, but {model} sees 40 × 40 px" in told(4, 32, "uint16", model)
    assert "vectors of two models mean different things" in told(4, FIELD, "uint16", other)


def test_an_empty_file_is_told(cli: Callable[..., Done], tmp_path: Path) -> None:
    made.write(tmp_path / "e.parquet", made.tiles(0), np.zeros((0, 4), np.float16))
    done = cli("embed", "search", tmp_path / "e.parquet", "--like", 0, "-o", tmp_path / "s.gpkg")
    assert "e.parquet: has no tiles; encode a region first" in done.err
