"""What real QGIS makes of the files: renderers, legends, and the colours of a rendered picture."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
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
from geolabel.vector import write_layer

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
