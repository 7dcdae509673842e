"""`geolabel explore` on a little region with planted copies: what is said, and what is written."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from geolabel.embeddings import blocks
from geolabel.learn.forward import make_classifier, start_network
from geolabel.learn.store import save_predictor
from geolabel.model import BandContract, Head, ModelCard
from geolabel.steps.tile import tile
from geolabel.steps.train import train
from geolabel.tiling.index import read_index
from tests.steps.embed.planted import CPU, planted_tiles, write_encoder
from tests.steps.lesson import BANDS, COLS, SIZE, TILES, draw_classes, write_region, write_tiles
from tests.views.explore_page_seen import data_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done
    from tests.conftest import WriteRaster

PARTS = np.array(["train", "train", "train", "val", "test"])[np.random.default_rng(2).permutation(TILES) % 5]
"""As the lesson's tiles are split."""
TEACHES, JUDGES = (int(np.flatnonzero(part == PARTS)[20]) for part in ("train", "test"))
"""Two tiles that show the same picture."""


def window(tile_number: int) -> tuple[slice, slice, slice]:
    row, col = divmod(tile_number, COLS)
    return slice(None), slice(row * SIZE, (row + 1) * SIZE), slice(col * SIZE, (col + 1) * SIZE)


@pytest.fixture
def planted(write_raster: WriteRaster) -> Path:
    """A bright class and a dark one; every seventh tile is unknown; and one test tile is a copy of a training tile."""
    tiles = planted_tiles(write_raster)
    with rasterio.open(tiles.parent / "region.tif", "r+") as raster:
        pixels = raster.read()
        pixels[window(JUDGES)] = pixels[window(TEACHES)]
        raster.write(pixels)
    index = read_index(tiles)
    tiles.unlink()
    bright = index.share("bright")
    return write_tiles(tiles.parent / "region.tif", {"bright": bright, "dark": 1 - bright}, groups=("tone", "tone"))


@pytest.fixture
def explore(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Any:
        done = cli("explore", *words, "--overwrite", "--json")
        assert done.code == 0, done.err
        return done.json

    return run


def held(page: Path) -> Any:
    """The numbers in a page."""
    return data_of(page.read_text("utf-8"))


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_what_was_planted_is_found(
    explore: Any, planted: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        said = explore(planted, "--method", "umap,pca,lda", "--dims", "2,3")
    assert (said["tiles"], said["left_out"], said["features"]) == (TILES, 0, "colour and texture")
    assert said["leaks"] == said["near_duplicates"] == 2
    assert "geolabel split" in caplog.text
    assert b"\r" not in (tmp_path / "explore.csv").read_bytes()
    rows = rows_of(tmp_path / "explore.csv")
    assert [int(row["tile"]) for row in rows] == list(range(TILES))
    assert (rows[TEACHES]["leak"], rows[JUDGES]["leak"]) == ("test", "train")
    assert {row["duplicate_of"] for row in (rows[TEACHES], rows[JUDGES])} == {str(min(TEACHES, JUDGES))}
    assert sum(bool(row["leak"]) for row in rows) == 2
    labels = read_index(planted).share("bright")
    told = ["" if np.isnan(share) else "bright" if share else "dark" for share in labels.tolist()]
    assert [row["label"] for row in rows] == told
    assert [row["split"] for row in rows] == PARTS.tolist()
    separation = {row["name"]: row for row in said["separation"]}
    assert separation["bright"]["knn"] > 0.9
    page = held(tmp_path / "explore.html")
    assert [one["title"] for one in page["projections"]] == [
        "UMAP",
        "UMAP in 3-D",
        "PCA",
        "PCA in 3-D",
        "LDA",
        "LDA in 3-D",
    ]
    assert {"Label", "Cluster", "Split", "Outlier score"} <= {one["title"] for one in page["colourings"]}
    assert page["place"]
    assert "Leaks: one picture" in [one["title"] for one in page["findings"]]


def test_pictures_for_papers_lie_beside(explore: Any, planted: Path, tmp_path: Path) -> None:
    said = explore(planted, "--method", "pca", "--clusters", "none", "-o", "look.html")
    assert said["clusters"] == 0
    assert {Path(name).name for name in said["beside"]} == {"look.png", "look.svg", "look.csv"}
    with Image.open(tmp_path / "look.png") as picture:
        assert max(picture.size) > 2000
    svg = (tmp_path / "look.svg").read_text("utf-8")
    assert "Bright" in svg
    assert "unknown" in svg


def test_the_same_tiles_give_the_same_bytes(explore: Any, planted: Path, tmp_path: Path) -> None:
    names = [f"explore.{ending}" for ending in ("html", "png", "svg", "csv")]
    explore(planted, "--method", "pca", "--dims", "2,3")
    first = {name: (tmp_path / name).read_bytes() for name in names}
    explore(planted, "--method", "pca", "--dims", "2,3")
    assert first == {name: (tmp_path / name).read_bytes() for name in names}


def test_an_embeddings_file_brings_its_features(
    explore: Any, cli: Any, planted: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = write_encoder(tmp_path / "encoder.safetensors", planted)
    vectors = tmp_path / "vectors.embeddings.parquet"
    assert cli("embed", "encode", planted, "--model", model, "-o", vectors).code == 0
    said = explore(vectors, "--method", "pca")
    assert said["features"] == "vectors of encoder.safetensors"
    assert said["leaks"] == 2
    stored = np.concatenate([part for _, part in blocks(vectors)]).astype(np.float64)
    centred = stored - stored.mean(axis=0)
    first = np.linalg.svd(centred, full_matrices=False)[2][0] @ centred.T
    shown = np.array([float(row["x"]) for row in rows_of(tmp_path / "explore.csv")])
    assert abs(np.corrcoef(first, shown)[0, 1]) > 0.999
    by_model = explore(planted, "--method", "pca", "--model", model)
    assert by_model["features"] == "vectors of encoder"
    again = np.array([float(row["x"]) for row in rows_of(tmp_path / "explore.csv")])
    assert abs(np.corrcoef(again, shown)[0, 1]) > 0.99  # as the file has half the digits
    (tmp_path / "region.tif").unlink()
    (tmp_path / "bare.png").write_bytes(b"of an earlier page")
    with caplog.at_level(logging.WARNING):
        bare = explore(vectors, "--method", "pca", "-o", "bare.html")
    assert "without pictures" in caplog.text
    assert not (tmp_path / "bare.png").exists()  # nor one of before, which would pass for its own
    assert (bare["leaks"], bare["clusters"]) == (0, 8)
    assert held(tmp_path / "bare.html")["atlas"] is None


def test_a_classifier_shows_what_it_gets_wrong(explore: Any, planted: Path, tmp_path: Path) -> None:
    source = read_index(planted).sources[0]
    card = ModelCard(
        architecture="small-cnn",
        heads=(Head("tone", "softmax", ("bright", "dark")),),
        scheme={},
        bands=tuple(BandContract(name, 1.0, 0.0, 110.0, 15.0) for name in BANDS),
        dtype=source.dtype,
        gsd_m=source.gsd_m,
        tile_px=(SIZE, SIZE),
        presence={},
        thresholds={"bright": 0.5, "dark": 0.5},
    )
    model = tmp_path / "classifier.safetensors"
    save_predictor(model, make_classifier(card, start_network(card, "none", 0, None), CPU))
    said = explore(planted, "--model", model, "--method", "pca", "--label-share", 0)
    assert "sees before its last layer" in said["features"]
    titles = [one["title"] for one in held(tmp_path / "explore.html")["colourings"]]
    assert {"Probability: bright", "Error: dark", "Error: mean over classes"} <= set(titles)


def test_a_model_without_features_still_answers(
    explore: Any, planted: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = train(planted, model="logistic", output=tmp_path / "run").model
    with caplog.at_level(logging.WARNING):
        said = explore(planted, "--model", model, "--method", "pca")
    assert said["features"] == "colour and texture"
    assert "has no features of its own" in caplog.text
    assert "Probability: Bright" in [one["title"] for one in held(tmp_path / "explore.html")["colourings"]]


def test_a_dry_run_tells_what_it_would_take_and_writes_nothing(explore: Any, planted: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    plan = explore(planted, "--method", "pca,lda", "--most", 200, "--dry-run")
    explore(planted, "--method", "pca", "--dry-run", "-o", tmp_path / "new" / "page.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (plan["tiles"], plan["left_out"], plan["features"]) == (200, TILES - 200, "colour and texture")
    assert plan["read_megabytes"] == pytest.approx(200 * SIZE * SIZE * len(BANDS) / 1e6)
    done = explore(planted, "--method", "pca,lda", "--most", 200)
    page = Path(done["output"]).stat().st_size / 1e6
    assert page / 4 < plan["page_megabytes"] < page  # the page has its program beside
    assert 0 < plan["seconds"] < 600
    assert plan["memory_megabytes"] > 0


def test_a_trunk_that_never_saw_the_place(explore: Any, planted: Path) -> None:
    said = explore(planted, "--trunk", "small-cnn", "--weights", "none", "--method", "pca", "--most", 50)
    assert said["features"].startswith("what small-cnn, with weights drawn at random")
    assert (said["tiles"], said["left_out"]) == (50, TILES - 50)


def test_chips_without_a_place_have_no_map(explore: Any, cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "chips"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number:02d}.png")
    assert cli("tile", "--images", folder, "-o", tmp_path / "chips.parquet").code == 0
    said = explore(tmp_path / "chips.parquet", "--method", "tsne")
    assert said["separation"] == []
    assert held(tmp_path / "explore.html")["place"] is None
    assert {row["lon"] for row in rows_of(tmp_path / "explore.csv")} == {""}
    assert {row["label"] for row in rows_of(tmp_path / "explore.csv")} == {""}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--method", "lda"), "--method lda parts classes"),
        (("--method", "mds"), "there are pca"),
        (("--dims", "4"), "2 or 3 dimensions"),
        (("-k", "1"), "-k must lie in 2"),
        (("--most", "2"), "--most must be at least"),
        (("--weights", "default"), "--weights is for --trunk"),
        (("--trunk", "small-cnn", "--model", "x.safetensors"), "--model and --trunk"),
        (("--trunk", "no-such-network", "--weights", "none"), "no-such-network"),
        (("--model", "missing.safetensors"), "no such"),
        (("-o", "explore.csv"), "ends with .html"),
        (("-o", "bare.parquet"), "bare.parquet"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    cli: Any,
    write_raster: WriteRaster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    tile([write_region(write_raster, draw_classes(2))], output=tmp_path / "bare.parquet", size=SIZE)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = cli("explore", "bare.parquet", *words)
    assert (done.code, done.out) == (1, "")
    assert what in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_model_of_other_tiles_is_refused(cli: Any, planted: Path, tmp_path: Path) -> None:
    model = write_encoder(tmp_path / "encoder.safetensors", planted)
    tile([planted.parent / "region.tif"], output=tmp_path / "large.parquet", size=32)
    done = cli("explore", tmp_path / "large.parquet", "--model", model, "-o", tmp_path / "explore.html")
    assert done.code == 1
    assert "tile again with --size 16" in done.err
    assert not list(tmp_path.glob("explore.*"))
