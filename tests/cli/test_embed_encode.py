"""`geolabel embed encode` as it is typed: rasters, an index, a dry run, and what is refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from PIL import Image

from geolabel.embeddings import read_header
from geolabel.tiling import read_index
from tests.cli.conftest import BANDS, SIDE, write_region
from tests.steps.embed.encoders import save_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("encode")
    write_region(found / "region.tif", nodata_rows=40)
    save_encoder(found / "encoder.safetensors", BANDS)
    return found


def test_a_region(cli: Callable[..., Done], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    done = cli("embed", "encode", folder / "region.tif", "--model", folder / "encoder.safetensors", "--json")
    assert done.code == 0, done.err
    # rows of tiles from 0, 32, … px on: 40 px of the first two are nodata, 8 of the second, so it is three quarters
    assert done.json["tiles"] == (SIDE // 32) * (SIDE // 32 - 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["region.colours.tif", "region.embeddings.parquet"]
    header = read_header(tmp_path / "region.embeddings.parquet")
    assert (header.size, header.dtype) == (done.json["size"], "float16")
    with rasterio.open(tmp_path / "region.colours.tif") as picture:
        assert picture.shape == (SIDE // 32 - 1, SIDE // 32)
    again = cli("embed", "encode", folder / "region.tif", "--model", folder / "encoder.safetensors")
    assert again.code == 1
    assert "exists already" in again.err
    words = ("--dtype", "float32", "--no-colours", "--stride", 16, "--engine", "torch", "--batch", 4)
    finer = cli(
        *("embed", "encode", folder / "region.tif", "--model", folder / "encoder.safetensors", *words),
        *("-o", "fine.parquet", "--json"),
    )
    assert finer.code == 0, finer.err
    assert finer.json["pictures"] == []
    assert read_header(tmp_path / "fine.parquet").dtype == "float32"


def test_a_dry_run_writes_nothing(cli: Callable[..., Done], folder: Path, tmp_path: Path):
    words = ("embed", "encode", folder / "region.tif", "--model", folder / "encoder.safetensors", "--dry-run", "--json")
    done = cli(*words, "-o", tmp_path / "v.parquet", "--stride", 16)
    assert done.code == 0, done.err
    assert done.json["tiles"] == (SIDE // 16 - 1) ** 2
    assert done.json["megabytes"] == pytest.approx(done.json["tiles"] * done.json["size"] * 2 / 1e6)
    assert not list(tmp_path.iterdir())


def test_an_index(cli: Callable[..., Done], folder: Path, tmp_path: Path):
    tiles = tmp_path / "tiles.parquet"
    assert cli("tile", folder / "region.tif", "--size", 32, "-o", tiles).code == 0
    words = ("embed", "encode", tiles, "--model", folder / "encoder.safetensors", "-o", tmp_path / "v.parquet")
    done = cli(*words, "--json")
    assert done.code == 0, done.err
    assert done.json["tiles"] == len(read_index(tiles))
    refused = cli(*words, "--stride", 8, "--overwrite")
    assert refused.code == 1
    assert "is a tile index; --stride only serve rasters" in refused.err


def test_chips_without_a_place_have_no_picture(cli: Callable[..., Done], folder: Path, tmp_path: Path):
    chips, model = tmp_path / "chips", tmp_path / "rgb.safetensors"
    chips.mkdir()
    save_encoder(model, BANDS[:3], dtype="uint8", gsd_m=None, mean=120, std=60)
    rng = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3)).astype("uint8")).save(chips / f"{number}.png")
    tiles = tmp_path / "tiles.parquet"
    assert cli("tile", "--images", chips, "-o", tiles).code == 0
    done = cli("embed", "encode", tiles, "--model", model, "-o", tmp_path / "v.parquet", "--json")
    assert done.code == 0, done.err
    assert (done.json["tiles"], done.json["pictures"]) == (5, [])
    assert "so there is no picture" in done.err
    assert not list(tmp_path.glob("*.tif"))


def test_refused(cli: Callable[..., Done], folder: Path, tmp_path: Path):
    region, out = folder / "region.tif", ("-o", tmp_path / "v.parquet")
    for words, told in (
        ((region, "--model", tmp_path / "none.safetensors"), "no such file"),
        ((tmp_path / "none.tif", "--model", folder / "encoder.safetensors"), "none.tif"),
        ((region, "--model", region), "safetensors"),
        ((region, "--model", folder / "encoder.safetensors", "--min-valid", 3), "--min-valid must lie in 0–1"),
        ((region, "--model", folder / "encoder.safetensors", "--bands", "red,green"), "bands"),
    ):
        done = cli("embed", "encode", *words, *out)
        assert done.code == 1, words
        assert told in done.err
        assert len(done.err.strip().splitlines()) == 1, done.err
    assert not list(tmp_path.iterdir())
