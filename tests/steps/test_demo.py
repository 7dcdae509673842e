"""The demo, small, end to end; and what it says when asked twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from PIL import Image
from typer.testing import CliRunner

from geolabel.cli import commands
from geolabel.cli.app import app
from geolabel.errors import OutputError
from geolabel.steps.demo import demo
from geolabel.steps.demo_scores import score_mines
from geolabel.world import CLASSES


@pytest.mark.slow
def test_a_small_demo(tmp_path: Path):
    assert commands
    ran: list[str] = []

    def run(words) -> None:
        ran.append(words[0])
        result = CliRunner().invoke(app, [*words], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr

    folder = tmp_path / "demo"
    report = demo(folder, size=512, epochs=2, run=run)
    assert ran == ["tile", "label", "split", "train", "predict", "export", "detect", "change"]
    forest, mines = report.alerts
    assert (forest.what, mines.what) == ("forest loss", "quarry gain")
    assert forest.recall >= 0.8
    assert forest.precision >= 0.7
    assert abs(forest.area_error) < 0.5
    assert [row.name for row in report.tile_scores] == [entry.name for entry in CLASSES]
    assert report.mines.mines > 0
    for path in report.open_in_qgis:
        assert path.exists(), path
    with rasterio.open(folder / "before.tif") as before, rasterio.open(folder / "landcover.tif") as cover:
        assert before.dtypes == ("uint16",) * 4
        assert before.descriptions == ("blue", "green", "red", "nir")
        assert before.crs != cover.crs
    assert [name for name, _ in pyogrio.list_layers(folder / "osm.gpkg")] == ["landuse", "roads"]
    picture = np.asarray(Image.open(folder / "overview.png"))
    assert picture.std() > 20
    with pytest.raises(OutputError, match="--overwrite"):
        demo(folder, size=512)


def test_mines_are_counted_as_objects(tmp_path: Path):
    """A perfect map finds every mine; an empty one none."""
    import geopandas
    import shapely

    from geolabel.steps.demo_world import CRS, grid_of, write_world
    from geolabel.steps.split import split
    from geolabel.steps.tile import tile

    world = write_world(tmp_path, 512, 7)
    tile([tmp_path / "before.tif"], size=32, output=tmp_path / "t.parquet")
    split(tmp_path / "t.parquet", block_m=800)
    code = next(entry.code for entry in CLASSES if entry.name == "quarry")
    from rasterio.features import shapes

    mask = (world.after.truth == code) & world.after.valid & ~world.after.cloud
    outlines = [
        shapely.geometry.shape(outline)
        for outline, value in shapes(mask.astype("uint8"), transform=grid_of(512).transform, connectivity=4)
        if value
    ]
    (tmp_path / "after.geolabel").mkdir()
    out = tmp_path / "after.geolabel" / "detections.gpkg"
    geopandas.GeoDataFrame({"class": ["quarry"] * len(outlines)}, geometry=outlines, crs=CRS).to_file(out)
    perfect = score_mines(world, tmp_path, tmp_path / "t.parquet")
    assert perfect.found == perfect.mines > 0
    assert perfect.found_new == perfect.mines_new
    assert perfect.false_detections == 0
    elsewhere = shapely.box(0, 0, 1, 1)
    geopandas.GeoDataFrame({"class": ["quarry"]}, geometry=[elsewhere], crs=CRS).to_file(out)
    none = score_mines(world, tmp_path, tmp_path / "t.parquet")
    assert none.found == 0
    assert (none.detections, none.false_detections) == (1, 1)


@pytest.mark.slow
def test_the_demo_command_stops_where_a_step_fails_and_keeps_stdout_for_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import json

    folder = tmp_path / "a demo"
    done = CliRunner().invoke(app, ["demo", str(folder), "--size", "512", "--epochs", "1", "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(folder)
    assert "$ geolabel predict" in done.stderr
    from geolabel.errors import EmptyError

    def fail(*_, **__):
        raise EmptyError("no block anywhere")

    monkeypatch.setattr("geolabel.steps.split.draw_split", fail)
    stopped = CliRunner().invoke(app, ["demo", str(tmp_path / "b"), "--size", "512", "--epochs", "1"])
    assert stopped.exit_code == 1
    assert "no block anywhere" in stopped.stderr
    assert "geolabel split ended with exit code 1" in stopped.stderr
    assert "$ geolabel train" not in stopped.stderr
