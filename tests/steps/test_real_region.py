"""The whole way on real georeferenced input: Landsat 5 over Pará, 1988, with hand-drawn training polygons."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely

from geolabel.steps.evaluate import evaluate
from geolabel.steps.label import label
from geolabel.steps.predict import predict
from geolabel.steps.split import split
from geolabel.steps.tile import tile
from geolabel.steps.train import train
from geolabel.tiling import read_index

BANDS = ("blue", "green", "red", "nir", "swir1", "thermal", "swir2")


@pytest.mark.slow
def test_para(shared_data: Path, tmp_path: Path):
    scene = shared_data / "para-landsat" / "landsat5_1988_para.tif"
    polygons = shared_data / "para-landsat" / "training_lsat.geojson"
    tiles = tmp_path / "tiles.parquet"
    tile([scene], size=6, stride=3, bands=BANDS, output=tiles)
    report = label(tiles, vector=[polygons], field="class", min_known=0.7)
    assert {one.name for one in report.classes} == {"cleared", "fallen_dry", "forest", "water"}
    assert 0.04 < report.known_share < 0.06

    index = read_index(tiles)
    truth = geopandas.read_file(polygons).to_crs("EPSG:32622")
    shapes = shapely.from_wkb(index.column("geometry"))
    water = shapely.union_all(truth.geometry[truth["class"] == "water"].to_numpy())
    exact = shapely.area(shapely.intersection(shapes, water)) / shapely.area(shapes)
    known = np.isfinite(index.shares[:, 3])
    assert np.abs(index.shares[known, 3] - exact[known]).max() < 0.12  # 36 px a tile: a pixel is .03
    assert abs(index.shares[known, 3].mean() - exact[known].mean()) < 0.005

    split(tiles, block_m=600, buffer_m=0)
    done = train(tiles, output=tmp_path / "run", epochs=8, heads="softmax")
    assert done.scores.macro_average_precision > 0.9
    scores = evaluate(done.model, tiles, output=tmp_path / "e").scores
    assert scores.macro_average_precision > 0.9

    predict(scene, model=done.model, bands=BANDS, output=tmp_path / "para.geolabel")
    with rasterio.open(tmp_path / "para.geolabel" / "classes.tif") as found, rasterio.open(scene) as source:
        assert found.bounds == source.bounds
        classes = found.read(1)
        assert ((classes == 255) == (source.dataset_mask() == 0)).all()
        names = ("cleared", "fallen_dry", "forest", "water")
        for name, group in truth[truth["class"].isin(["cleared", "forest", "water"])].groupby("class"):
            from rasterio.features import geometry_mask

            inside = ~geometry_mask(group.geometry, classes.shape, found.transform)
            assert (classes[inside] == names.index(str(name)) + 1).mean() > 0.6, name
