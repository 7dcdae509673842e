"""What real QGIS makes of the files: renderers, legends, and the colours of a rendered picture."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine

from geolabel.grid import Grid
from geolabel.maps import (
    ClassStyle,
    Strip,
    detections_layer,
    outline,
    probability_qml,
    raster_qml,
    vector_qml,
    write_layer_style,
)
from geolabel.raster import BandStyle, write_cog
from geolabel.steps.label_layers import write_disagreement, write_doubts
from geolabel.vector import Layer, write_layer

PYTHON = "/usr/bin/python3"
ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8"}
SCRIPT = Path(__file__).with_name("open_in_qgis.py")
STYLES = [
    ClassStyle(1, "forest", "Forest & <wood>", "#1b7837"),
    ClassStyle(2, "mine", "Garimpo – mineração", "#d73027"),
    ClassStyle(3, "water", 'Water "open"', "#2166ac"),
]
SIDE = 300


def has_qgis():
    if not Path(PYTHON).exists():
        return False
    probe = subprocess.run([PYTHON, "-c", "import qgis.core"], env=ENVIRONMENT, capture_output=True, check=False)
    return probe.returncode == 0


def make(folder):
    """Three stripes of classes beside a stripe of none and one of nodata, in 60-pixel columns."""
    grid = Grid("EPSG:32721", Affine(10, 0, 500_000, 0, -10, 9_000_000), SIDE, SIDE)
    classes = np.repeat(np.array([0, 1, 2, 3, 255], np.uint8), SIDE // 5)[np.newaxis].repeat(SIDE, axis=0)
    probability = np.tile(np.linspace(0, 250, SIDE).astype(np.uint8), (SIDE, 1))
    style = BandStyle(
        ("class",),
        nodata=255,
        palette={style.value: style.rgb for style in STYLES},
        categories={0: "none", **{style.value: style.title for style in STYLES}},
        overviews="mode",
    )
    with write_cog(folder / "classes.tif", grid, style) as writer:
        writer.write(0, classes[np.newaxis])
    (folder / "classes.qml").write_text(raster_qml(STYLES), encoding="utf-8")
    with write_cog(folder / "probabilities.tif", grid, BandStyle(("mine",), nodata=255, scale=0.004)) as writer:
        writer.write(0, probability[np.newaxis])
    (folder / "probabilities.qml").write_text(probability_qml("mine"), encoding="utf-8")
    presence = np.stack([classes == style.value for style in STYLES])
    found = outline([Strip(0, presence, np.stack([probability] * 3))], grid, scale=0.004)
    layer = detections_layer(
        found, grid, [s.name for s in STYLES], [s.title for s in STYLES], [s.color for s in STYLES]
    )
    write_layer(folder / "detections.gpkg", layer, "GPKG")
    write_layer_style(folder / "detections.gpkg", layer.name, "geom", vector_qml(STYLES))
    middles = 500_300 + 600 * np.arange(5)
    stripes = shapely.box(middles - 300, 8_997_000, middles + 300, 9_000_000)
    columns = {"disagree": np.array([0.05, 0.1, 0.3, 0.6, 0.9]), "osm.class": np.array(list("abcde"), dtype=object)}
    layer = Layer("disagreement", stripes, columns, grid.crs, "Polygon", "© somebody")
    write_disagreement(folder / "disagreement.gpkg", layer)
    points = shapely.points(middles[:4], np.full(4, 8_998_500))
    layer = Layer("doubts", points, {"score": np.array([0.05, 0.2, 0.4, 0.9])}, grid.crs, "Point")
    write_doubts(folder / "doubts.gpkg", layer)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What QGIS says about each layer, as it opens without a hand's turn."""
    if not has_qgis():
        pytest.skip(f"QGIS is not installed for {PYTHON}; apt install python3-qgis")
    folder = Path(os.environ.get("GEOLABEL_QGIS_FOLDER") or tmp_path_factory.mktemp("qgis"))
    make(folder)
    done = subprocess.run(
        [PYTHON, SCRIPT, folder], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def near(pixel, expected, tolerance=3):
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, expected, strict=True))


def test_class_raster(seen):
    layer = seen["classes"]
    assert layer["renderer"] == "paletted"
    assert layer["legend"] == [["none", "#000000", 0], *[[s.title, s.color, 255] for s in STYLES]]
    none, *classes, nodata = layer["pixels"]
    assert none == nodata == [0, 0, 0, 0]
    assert all(near(pixel, (*style.rgb, 255)) for pixel, style in zip(classes, STYLES, strict=True))


def test_probability_raster(seen):
    layer = seen["probabilities"]
    assert layer["renderer"] == "singlebandpseudocolor"
    assert layer["value"] == pytest.approx(0.5, abs=0.01)  # stored 125 × scale
    assert layer["range"] == [0, 1]
    assert [entry[0] for entry in layer["legend"]] == [f"mine {percent}%" for percent in range(0, 101, 20)]
    alphas = [pixel[3] for pixel in layer["pixels"]]
    assert alphas[0] == 0
    assert alphas == sorted(alphas)
    assert alphas[-1] > 200


def test_detections(seen):
    layer = seen["detections"]
    assert layer["renderer"] == "categorizedSymbol"
    assert layer["legend"] == [[s.title, s.color, 110] for s in STYLES]
    none, *classes, nodata = layer["pixels"]
    assert none == nodata == [0, 0, 0, 0]
    assert all(near(pixel, (*style.rgb, 110)) for pixel, style in zip(classes, STYLES, strict=True))


def test_where_sources_disagree(seen):
    layer = seen["disagreement"]
    assert (layer["renderer"], layer["attribute"]) == ("graduatedSymbol", "disagree")
    assert layer["fields"] == ["fid", "disagree", "osm.class"]
    assert layer["about"] in ("© somebody", "")  # not every QGIS tells
    labels, lower, upper, colors, alphas = zip(*layer["legend"], strict=True)
    assert labels[0] == "0% – 10% in dispute"
    assert lower == (0, 0.1, 0.25, 0.5, 0.75)
    assert upper == (0.1, 0.25, 0.5, 0.75, 1)
    assert set(alphas) == {110}
    expected = [(*(int(color[at : at + 2], 16) for at in (1, 3, 5)), 110) for color in colors]
    expected[1] = expected[0]  # .1 lies on the border, and belongs to the step before
    assert all(near(pixel, color) for pixel, color in zip(layer["pixels"], expected, strict=True))


def test_tiles_to_doubt_as_points(seen):
    layer = seen["doubts"]
    assert (layer["renderer"], layer["attribute"]) == ("graduatedSymbol", "score")
    colors = [entry[3] for entry in layer["legend"]]
    *discs, nothing = layer["pixels"]
    expected = [(*(int(color[at : at + 2], 16) for at in (1, 3, 5)), 255) for color in colors]
    assert all(near(pixel, color) for pixel, color in zip(discs, expected, strict=True))
    assert nothing == [0, 0, 0, 0]


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's programs are not installed")
def test_a_layer_says_whose_data_it_is(tmp_path):
    make(tmp_path)
    command = ["ogrinfo", "-so", "-al", tmp_path / "disagreement.gpkg"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stderr == ""
    assert "DESCRIPTION=© somebody" in said.stdout


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="GDAL's programs are not installed")
def test_gdal_opens_without_warnings(tmp_path):
    make(tmp_path)
    raster = subprocess.run(["gdalinfo", tmp_path / "classes.tif"], capture_output=True, text=True, check=True)
    vector = subprocess.run(
        ["ogrinfo", "-so", "-al", tmp_path / "detections.gpkg"], capture_output=True, text=True, check=True
    )
    assert raster.stderr == vector.stderr == ""
    assert "NoData Value=255" in raster.stdout
    assert "1: Forest & <wood>" in raster.stdout
    assert "1: 27,120,55,255" in raster.stdout
    assert "Feature Count: 3" in vector.stdout
