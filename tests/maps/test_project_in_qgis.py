"""What real QGIS makes of the projects: layers, groups, legends, colours counted in pictures, map tips, dates."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import rasterio
from affine import Affine

from geolabel.maps import ClassStyle, Project, ProjectLayer, project_bytes
from geolabel.raster import BandStyle, describe, write_cog
from geolabel.steps.project import image_style, write_prediction_project
from geolabel.steps.quicklook import Dated
from tests.maps.alerts_folder import DAYS, GAIN, GRID, LOSS, MIDDLES, TITLE, write_folder
from tests.maps.test_qgis import ENVIRONMENT, PYTHON, STYLES, has_qgis, make, near

SCRIPT = Path(__file__).with_name("open_project_in_qgis.py")
LEVELS = {"high": 130, "nominal": 70, "low": 0}


@pytest.fixture(scope="module", autouse=True)
def _qgis():
    if not has_qgis():
        pytest.skip(f"QGIS is not installed for {PYTHON}; apt install python3-qgis")


def open_in_qgis(path, points=()):
    words = [f"{x},{y}" for x, y in points]
    done = subprocess.run(
        [PYTHON, SCRIPT, path, *words], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Moved after it was made, images and all, to a place whose name is hard to put into an address."""
    made = tmp_path_factory.mktemp("made") / "work"
    made.mkdir()
    write_folder(made / "after.alerts")
    moved = tmp_path_factory.mktemp("moved") / '100 % #1 "new" & ação\'s'
    shutil.move(made, moved)
    return moved / "after.alerts"


@pytest.fixture(scope="module")
def seen(folder):
    return open_in_qgis(folder / "project.qgz", MIDDLES)


def rgb(color):
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def on_white(color, alpha):
    return [round(255 + (value - 255) * alpha / 255) for value in rgb(color)]


def test_it_loads_whole(seen):
    assert seen["read"]
    assert (seen["error"], seen["missing"], seen["warnings"]) == ("", [], [])
    assert (seen["title"], seen["crs"], seen["about"]) == (TITLE, "EPSG:32721", "© somebody & co")
    assert seen["extent"] == list(GRID.bounds)
    assert seen["dates"] == list(DAYS)


def test_a_layer_that_is_gone_is_missed(folder, tmp_path):
    """What the test above would see, were there anything to see."""
    copy = shutil.copytree(folder.parent, tmp_path / "copy") / folder.name
    (copy / "loss.tif").unlink()
    found = open_in_qgis(copy / "project.qgz")
    assert found["missing"] == ["Time of the loss"]


@pytest.mark.parametrize("name", ["a%20b", "a|layername=b"])
def test_a_name_that_qgis_misreads_is_told_and_renaming_mends_it(tmp_path, caplog, name):
    (tmp_path / name).mkdir()
    write_folder(tmp_path / name / "after.alerts")
    assert "QGIS takes a %20 or a | in the name of a folder" in caplog.text
    plain = (tmp_path / name).rename(tmp_path / "plain")
    assert open_in_qgis(plain / "after.alerts" / "project.qgz")["missing"] == []


def test_groups_from_above(seen):
    found = [(group["group"], [layer["title"] for layer in group["layers"]]) for group in seen["groups"]]
    assert found == [
        ("Alerts", ["Alerts"]),
        ("Evidence", ["Time of the loss", "Confidence of the loss"]),
        ("Images", ["2020-07-14 after.tif", "2019-07-01 before.tif"]),
    ]
    layers = [layer for group in seen["groups"] for layer in group["layers"]]
    assert all(layer["valid"] for layer in layers)
    assert {layer["crs"] for layer in layers} == {"EPSG:32721"}
    assert [layer["visible"] for layer in layers] == [True, False, False, True, False]
    assert [group["either_or"] for group in seen["groups"]] == [False, False, True]
    assert all(layer["rights"] == ["© somebody & co"] for layer in layers)


def test_the_legend_names_classes_in_their_colours(seen):
    layer = seen["groups"][0]["layers"][0]
    levels = [[f"{level} confidence", alpha] for level, alpha in LEVELS.items()]
    expected = []
    for title, color in (("Forest loss", LOSS), ("Miner's \\ gain", GAIN)):
        expected += [[title, None], *([text, [color, alpha, color]] for text, alpha in levels)]
    assert layer["legend"] == [*expected, ["withdrawn", ["#787878", 160, "#787878"]]]
    intervals, confidence = (layer["colors"] for layer in seen["groups"][1]["layers"])
    assert intervals == [
        ["No change", "#f0f0f0"],
        ["2018 – 2019", "#ffeda0"],
        ["2019 – 2020", "#800026"],
        ["Not seen twice", "#9e9e9e"],
    ]
    assert confidence[0][0] == "confidence 0%"
    assert confidence[-1] == ["confidence 100%", "#bd0026"]


def test_pictures_show_the_colours(seen):
    assert not seen["shown"]["errors"]
    expected = [on_white(LOSS, alpha) for alpha in LEVELS.values()] + [on_white(GAIN, LEVELS["high"])]
    *alerts, withdrawn = seen["alone"]["Alerts"]["colors"]
    assert all(near(pixel, color) for pixel, color in zip(alerts, expected, strict=True))
    assert len(set(withdrawn)) == 1  # white between grey lines, or grey
    assert all(near(pixel, (128, 0, 38)) for pixel in seen["alone"]["Time of the loss"]["colors"])
    assert all(near(pixel, (189, 0, 38)) for pixel in seen["alone"]["Confidence of the loss"]["colors"])
    for red, green, blue in seen["alone"]["2020-07-14 after.tif"]["colors"]:  # soil
        assert red > green > blue
    for red, green, blue in seen["alone"]["2019-07-01 before.tif"]["colors"]:  # forest
        assert green > max(red, blue)


@pytest.mark.parametrize("where", ["Alerts", "alerts.gpkg", "alerts.geojson"])
def test_map_tips_show_pictures_that_are_there(seen, folder, where):
    tips = (seen["layers"] | seen)[where]["tips"]
    assert sorted(tips) == ["a0", "a1", "a2", "a3", "a4"]
    assert all("[%" not in tip for tip in tips.values())
    for name, tip in tips.items():
        pictures = [unquote(part.split('"')[0].removeprefix("file://")) for part in tip.split('src="')[1:]]
        there = name != "a4"  # of which there are no pictures
        chips = [str(folder / "chips" / f"{name}-{when}.jpg") for when in ("before", "after")]
        assert pictures == (chips if there else [])
    tip = tips["a0"]
    for words in ("Forest loss", "confirmed", "16.00 ha", "2020-07-14 (within 379 days)", "(1 image)", "95 % (high)"):
        assert words in tip
    assert "Yanomami &amp; &lt;b>others&lt;/b> (12.25 ha)" in tip
    assert "Driver" in tip
    assert "Driver" not in tips["a1"]


@pytest.mark.parametrize("where", ["alerts.gpkg", "alerts.geojson"])
def test_layers_opened_alone_are_styled(seen, where):
    assert seen[where]["type"] == "RuleRenderer"


@pytest.mark.parametrize("where", ["Alerts", "alerts.gpkg", "alerts.geojson"])
def test_the_temporal_controller_knows_the_dates(seen, where):
    # none in 2018, all in 2020, in which they are first seen, and in 2022: what was felled stays so
    assert (seen["layers"] | seen)[where]["times"] == [True, "date_first", [0, 5, 5]]


def test_a_prediction(tmp_path):
    made = tmp_path / "region.geolabel"
    made.mkdir()
    make(made)
    for other in ("disagreement", "doubts"):
        (made / f"{other}.gpkg").unlink()
    levels = np.zeros((len(STYLES), GRID.height, GRID.width), np.uint8)
    levels[2] = 250
    with write_cog(made / "probabilities.tif", GRID, BandStyle(("a", "b", "c"), nodata=255, scale=0.004)) as writer:
        writer.write(0, levels)
    image = Path(shutil.copy(made / "classes.tif", tmp_path / "region.tif"))
    write_prediction_project(
        made,
        made,
        title="Region",
        grid=GRID,
        classes=STYLES,
        shown=[ClassStyle(0, "none", "none", "#f0f0f0"), *STYLES],
        images=[Dated("region.tif", None, describe(image))],
        attribution=("© somebody",),
    )
    found = open_in_qgis(made / "project.qgz", [(500_900 + 600 * at, 8_998_500) for at in range(3)])
    assert (found["read"], found["missing"], found["crs"]) == (True, [], "EPSG:32721")
    titles = [(group["group"], [layer["title"] for layer in group["layers"]]) for group in found["groups"]]
    assert titles == [
        ("Detections", ["Detections"]),
        ("Evidence", ["Classes", *(f"Probability: {style.title}" for style in STYLES)]),
        ("Images", ["region.tif"]),
    ]
    assert found["groups"][0]["layers"][0]["legend"] == [[s.title, [s.color, 110, s.color]] for s in STYLES]
    assert found["groups"][1]["layers"][0]["opacity"] == pytest.approx(0.7)
    assert found["groups"][1]["layers"][0]["colors"][1:] == [[s.title, s.color] for s in STYLES]
    colors = found["alone"]["Detections"]["colors"]
    assert all(near(pixel, on_white(s.color, 110)) for pixel, s in zip(colors, STYLES, strict=True))
    assert near(found["alone"][f"Probability: {STYLES[2].title}"]["colors"][0], rgb(STYLES[2].color))
    assert near(found["alone"][f"Probability: {STYLES[0].title}"]["colors"][0], (255, 255, 255))
    tip = found["layers"]["Detections"]["tips"]["forest"]
    assert "Forest &amp; &lt;wood>" in tip
    assert f"{180 / 0.9996**2:.2f} ha" in tip  # of the plane, less its scale at the central meridian
    assert "[%" not in tip


@pytest.mark.parametrize("mask", ["alpha", "mask", "nodata"])
def test_what_was_not_seen_is_not_drawn(tmp_path, mask):
    valid = np.full((40, 40), 255, np.uint8)
    valid[:, :20] = 0
    pixels = np.random.default_rng(3).integers(50, 200, (3, 40, 40)).astype(np.uint8)
    options = {"width": 40, "height": 40, "dtype": "uint8", "crs": "EPSG:3857", "transform": Affine(1, 0, 0, 0, -1, 40)}
    options |= {"count": 4, "photometric": "rgb", "alpha": "yes"} if mask == "alpha" else {"count": 3}
    options |= {"nodata": 0} if mask == "nodata" else {}
    with rasterio.open(tmp_path / "image.tif", "w", driver="GTiff", **options) as dataset:
        dataset.write(np.where(valid, pixels, 0), indexes=[1, 2, 3])
        if mask == "alpha":
            dataset.write(valid, indexes=4)
        elif mask == "mask":
            dataset.write_mask(valid)
    info = describe(tmp_path / "image.tif")
    assert info.mask == mask
    layer = ProjectLayer("Image", "image.tif", "raster", "Images", info.place.crs, image_style(info))
    found = Project("Image", info.place.crs, info.place.bounds, (layer,))
    (tmp_path / "project.qgz").write_bytes(project_bytes(found))
    seen = open_in_qgis(tmp_path / "project.qgz", [(10, 20), (30, 20)])
    assert seen["crs"] == "EPSG:3857"
    outside, inside = seen["shown"]["colors"]
    assert outside == [255, 255, 255]
    assert inside != [255, 255, 255]
