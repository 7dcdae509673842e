"""Rows that are looks: what is alike, what stands out, without haze, and why a model answers as it does."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from scipy import ndimage
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier

from geolabel.learn.explain import superpixels
from geolabel.model import read_card
from geolabel.steps.train import train
from tests.learn.explain.planted import card_of
from tests.rows.checkered import typed
from tests.rows.gallery import (
    EMPTY,
    FULL,
    KINDS,
    ODD,
    SIZE,
    STRIPED,
    TILES,
    Gallery,
    write_gallery,
    write_tiles,
)
from tests.steps.explaining.planted import COLS as SQUARE_COLS
from tests.steps.explaining.planted import SIZE as SQUARE_TILE
from tests.steps.explaining.planted import plant
from tests.views.chromium import launched, opened, settled
from tests.views.explore_page_seen import data_of, decoded, drag, mean_color, unpacked, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import WriteRaster


@dataclass(frozen=True)
class Explored:
    """What `geolabel explore` said and wrote."""

    page: Path
    said: dict[str, Any]
    data: dict[str, Any]
    rows: list[dict[str, str]]

    def points(self, title: str) -> np.ndarray:
        """(tiles, 2 or 3): of a projection, as the page shows it."""
        one = next(one for one in self.data["projections"] if one["title"] == title)
        return unpacked(one["points"]).reshape(-1, one["dimensions"]).astype(float)

    def finding(self, title: str) -> dict[str, list[int]]:
        """Tiles of a finding by what stands above them."""
        one = next(one for one in self.data["findings"] if one["title"] == title)
        return {group["title"]: group["rows"] for group in one["groups"]}


def explore(*words: object, page: Path) -> Explored:
    said = typed("explore", *words, "-o", page)
    with page.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
        return Explored(page, said, data_of(page.read_text("utf-8")), list(csv.DictReader(stream)))


def agreement(points: np.ndarray, kinds: np.ndarray, train: np.ndarray) -> float:
    """Share of the other tiles whose kind that of most of their five nearest of the tiles `train` (n,) is."""
    return float(KNeighborsClassifier(5).fit(points[train], kinds[train]).score(points[~train], kinds[~train]))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return write_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def explored(gallery: Gallery) -> Explored:
    page = gallery.tiles.parent / "explore.html"
    return explore(gallery.tiles, "--method", "umap", "--dims", "2,3", "-k", 3, page=page)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


def test_a3_umap_in_two_and_three_dimensions_and_clusters_show_the_kinds(gallery: Gallery, explored: Explored):
    sound, half = gallery.sound, np.arange(TILES) % 2 == 0
    assert [one["title"] for one in explored.data["projections"]] == ["UMAP", "UMAP in 3-D"]
    for title, dims in (("UMAP", 2), ("UMAP in 3-D", 3)):
        points = explored.points(title)
        assert points.shape == (TILES, dims)
        assert agreement(points[sound], gallery.kinds[sound], half[sound]) > 0.95
    members = np.array([row["cluster"] for row in explored.rows])
    assert adjusted_rand_score(gallery.kinds[sound], members[sound]) > 0.95


def test_a3_hdbscan_needs_no_number_of_clusters(gallery: Gallery, tmp_path: Path):
    words = (gallery.tiles, "--method", "pca", "--clusters", "hdbscan")
    found = explore(*words, page=tmp_path / "explore.html")
    members = np.array([row["cluster"] for row in found.rows])
    held = gallery.sound & (members != "")
    assert held.sum() > 0.7 * TILES
    assert found.said["clusters"] == len(KINDS)
    assert adjusted_rand_score(gallery.kinds[held], members[held]) > 0.95
    assert members[ODD] == ""


def test_a4_lda_parts_classes_that_pca_does_not_show(tmp_path: Path):
    """The light differs much from tile to tile, and what the labels mean but a little: red against blue."""
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 2, TILES)
    level = 120 + rng.normal(0, 25, (TILES, 1)) + np.outer(2 * kinds - 1, [4, 0, -4]) + rng.normal(0, 1, (TILES, 3))
    pixels = level[:, :, None, None] + rng.normal(0, 6, (TILES, 3, SIZE, SIZE))
    part = np.where(np.arange(TILES) % 2, "train", "test")
    labels = {"rusty": kinds == 1, "pale": kinds == 0}
    tiles = write_tiles(tmp_path, pixels.round().clip(1, 255).astype("uint8"), labels, part)
    found = explore(tiles, "--method", "lda,pca", "--dims", "2,3", "--clusters", "none", page=tmp_path / "explore.html")
    learned = part == "train"  # LDA saw the labels of these alone
    for title in ("LDA", "LDA in 3-D"):
        assert agreement(found.points(title), kinds, learned) > 0.9
    assert agreement(found.points("PCA"), kinds, learned) < 0.7


def check_pictures(page: Any, pixels: np.ndarray, rows: list[int]) -> None:
    """Point at tiles in the plot: the picture on the card is the tile's, brightened as all of them are."""
    shown, true = [], []
    for row in rows:
        page.mouse.move(*where(page, "plot", row))
        found = page.evaluate("seen.hover")
        decoded(page)
        assert page.locator("#card h2").inner_text() == f"Tile {found}"
        shown.append(mean_color(page, "#card canvas"))
        true.append(pixels[found].mean(axis=(1, 2)))
    shown_at, true_at = np.array(shown), np.array(true)
    dim = shown_at < 250  # what is bright is cut at white
    gain = (shown_at * true_at)[dim].sum() / (true_at**2)[dim].sum()
    assert np.abs(shown_at - np.minimum(gain * true_at, 255)).max() < 6
    assert np.ptp(true_at, axis=0).max() > 60  # they differ much more from each other


def check_turning(page: Any) -> None:
    """A drag turns the plot, and pictures go with it."""
    before = np.array(page.evaluate("Array.from(plot.u)"))
    box = page.locator("#plot").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + 30
    drag(page, middle, (middle[0] + 120, middle[1] + 50))
    decoded(page)
    assert np.abs(np.array(page.evaluate("Array.from(plot.u)")) - before).max() > 0.1
    assert page.evaluate("plot.pictures.length") > 3


def check_markers(page: Any, pixels: np.ndarray) -> None:
    """The picture that lies in front of all stands where its point is."""
    row = page.evaluate("plot.pictures.at(-1)")
    x, y = where(page, "plot", row)
    box = page.locator("#plot").bounding_box()
    seen = mean_color(page, "#plot canvas", (round(x - box["x"]) - 5, round(y - box["y"]) - 5, 10, 10))
    true = pixels[row].mean(axis=(1, 2))
    assert seen / seen.sum() == pytest.approx(true / true.sum(), abs=0.04)


def test_a5_pictures_on_hover_and_in_the_plot_in_3d(browser: Any, gallery: Gallery, explored: Explored):
    with opened(browser, explored.page, "#plot=1") as page:
        settled(page)
        assert page.evaluate("plot.space") is not None
        check_pictures(page, gallery.pixels, [0, 40, 80, 120, ODD, FULL])
        page.mouse.move(2, 2)
        page.select_option("#markers", "always")
        decoded(page)
        check_markers(page, gallery.pixels)
        check_turning(page)
        page.mouse.move(2, 2)
        settled(page)
        check_markers(page, gallery.pixels)


def test_b13_umap_in_3d_with_pictures_from_embeddings(browser: Any, gallery: Gallery, embedder: Path, tmp_path: Path):
    vectors = tmp_path / "vectors.parquet"
    model = embedder / "model.safetensors"
    assert read_card(model).kind == "embedder"
    typed("embed", "encode", gallery.tiles, "--model", model, "-o", vectors)
    found = explore(vectors, "--dims", 3, page=tmp_path / "explore.html")
    assert found.said["features"] == "vectors of model.safetensors"
    assert found.points("UMAP in 3-D").shape == (TILES, 3)
    with opened(browser, found.page) as page:
        settled(page)
        check_pictures(page, gallery.pixels, [0, 40, 80, 120, ODD, FULL])
        page.mouse.move(2, 2)
        page.select_option("#markers", "always")
        decoded(page)
        check_markers(page, gallery.pixels)
        check_turning(page)


def test_a12_haze_is_removed_contrast_enhanced_and_what_is_there_segmented(write_raster: WriteRaster, tmp_path: Path):
    rng = np.random.default_rng(2)
    row, col = np.indices((256, 240))
    fields = (row // 80 + col // 75) % 2
    rough = ndimage.gaussian_filter(rng.random((3, 256, 240)), (0, 1.2, 1.2))
    ground = 12 + 22 * fields + 40 * (rough - rough.min()) / np.ptp(rough)
    ground[2] -= 8 * fields
    hazy = write_raster(
        "hazy.tif", (ground * 0.6 + 230 * 0.4).round().astype("uint8"), descriptions=("red", "green", "blue")
    )
    seen = {}
    for name, more in {"clear": (), "clahe": ("--contrast", "clahe")}.items():
        typed("dehaze", hazy, *more, "-o", tmp_path / f"{name}.tif")
        with rasterio.open(tmp_path / f"{name}.tif") as raster:
            seen[name] = raster.read().astype(float)

    def local(values: np.ndarray) -> np.ndarray:
        """Means of the 15 × 15 px around."""
        return ndimage.uniform_filter(values, 15)

    def off(pixels: np.ndarray) -> float:
        return float(np.sqrt(np.square(pixels - ground).mean()))

    with rasterio.open(hazy) as raster:
        assert off(seen["clear"]) < 0.4 * off(raster.read())  # 8 dB and more
    contrast = {name: np.sqrt(local(pixels[1] ** 2) - local(pixels[1]) ** 2).mean() for name, pixels in seen.items()}
    assert contrast["clahe"] > 1.5 * contrast["clear"]
    pieces = superpixels(card_of(bands=3), seen["clear"].astype("uint8"), np.ones(fields.shape, bool), 400)
    most = np.array([np.bincount(fields[pieces == one], minlength=2).max() for one in range(pieces.max() + 1)])
    assert most.sum() > 0.97 * fields.size  # no piece lies on two fields


def test_a13_outliers_artefacts_and_the_least_alike_are_found(gallery: Gallery, explored: Explored):
    rows = explored.rows
    assert explored.finding("Outliers")[""][0] in {ODD, STRIPED, FULL, EMPTY}
    assert ODD in explored.finding("Outliers")[""]
    scores = np.array([float(row["outlier"]) for row in rows])
    assert scores[ODD] > 2 * scores[gallery.sound].max()
    spoilt = {at: row["artefact"] for at, row in enumerate(rows) if row["artefact"]}
    assert spoilt == {STRIPED: "stripes", FULL: "saturated empty", EMPTY: "empty"}
    least_alike = explored.finding("Most different")
    for at in (ODD, FULL, EMPTY):
        title = KINDS[gallery.kinds[at]].capitalize()
        assert at in least_alike[title][:4], (at, title)
    typical = explored.finding("Typical")
    for kind, name in enumerate(KINDS):
        chosen = typical[name.capitalize()]
        assert gallery.sound[chosen].all()
        assert (gallery.kinds[chosen] == kind).all()


def test_c14_lime_points_at_what_the_class_is(tmp_path: Path):
    pytest.importorskip("captum")
    planted = plant(tmp_path)
    model = train(planted.tiles, model="logistic", output=tmp_path / "run").model
    words = ("--class", "square", "--method", "lime", "--samples", 150, "--count", 4)
    said = typed("explain", model, planted.tiles, *words, "-o", tmp_path / "explained")
    assert [(row["name"], row["method"]) for row in said["methods"]] == [("square", "lime")]
    with (tmp_path / "explained" / "checks.csv").open(newline="", encoding="utf-8") as stream:
        tiles = [int(row["tile"]) for row in csv.DictReader(stream) if row["kind"] == "right detection"]
    with rasterio.open(planted.raster) as raster, rasterio.open(tmp_path / "explained" / "relevance.tif") as layer:
        assert layer.descriptions == ("square",)
        relevance = np.full(raster.shape, np.nan)
        row, col = (round(at) for at in raster.index(layer.bounds.left, layer.bounds.top, op=float))
        relevance[row : row + layer.height, col : col + layer.width] = layer.read(1)
    hits = []
    for tile in tiles:
        row, col = tile // SQUARE_COLS * SQUARE_TILE, tile % SQUARE_COLS * SQUARE_TILE
        here = (slice(row, row + SQUARE_TILE), slice(col, col + SQUARE_TILE))
        hits.append(planted.squares[here].flat[np.nanargmax(relevance[here])])
    assert len(hits) == 4
    assert all(hits)
