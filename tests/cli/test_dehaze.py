"""`geolabel dehaze` as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio

from tests.cli.conftest import Done
from tests.conftest import WriteRaster
from tests.steps.dehazing.test_passes import hazy

RGBN = ("red", "green", "blue", "nir")


def test_the_whole_command(cli: Callable[..., Done], write_raster: WriteRaster, tmp_path: Path) -> None:
    path = write_raster("region.tif", hazy(200, 190).astype("uint8"))
    words = ("dehaze", path, "--bands", "red,green,blue,nir", "--compare", tmp_path / "compare.html")
    told = cli(*words, "--json")
    assert told.code == 0, told.err
    assert told.json["output"] == str(tmp_path / "region.clear.tif")
    assert told.json["haze"] == "removed"
    assert set(told.json["light"]) == {"red", "green", "blue"}
    assert told.json["psnr"] > 5
    with rasterio.open(told.json["output"]) as dataset:
        assert dataset.descriptions == RGBN
    assert "exists already" in cli(*words).err
    assert cli(*words, "--overwrite", "--contrast", "clahe", "--shadows", ".3").code == 0


def test_what_a_person_sees(cli: Callable[..., Done], write_raster: WriteRaster, tmp_path: Path) -> None:
    path = write_raster("dark.tif", np.full((3, 80, 80), 9, "uint8"), colors=("red", "green", "blue"))
    said = cli("dehaze", path, "-o", tmp_path / "o.tif")
    assert said.code == 0, said.err
    assert "none found" in said.out


def test_a_dry_run_writes_nothing(cli: Callable[..., Done], write_raster: WriteRaster, tmp_path: Path) -> None:
    path = write_raster("region.tif", hazy(200, 190).astype("uint8"), descriptions=RGBN)
    plan = cli("dehaze", path, "--contrast", "clahe", "--dry-run", "--json")
    assert plan.code == 0, plan.err
    assert (plan.json["width"], plan.json["height"], plan.json["passes"]) == (190, 200, 4)
    assert plan.json["write_mb"] > 0
    assert [each.name for each in tmp_path.iterdir()] == ["region.tif"]


def test_light_is_three_values(cli: Callable[..., Done], write_raster: WriteRaster) -> None:
    path = write_raster("region.tif", hazy(80, 80).astype("uint8"), descriptions=RGBN)
    assert "write auto" in cli("dehaze", path, "--light", "white").err
    assert "--light" in cli("dehaze", path, "--light", "1,2").err
