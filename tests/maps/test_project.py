"""Projects are zips of XML that keep every name, find files by relative paths, and are the same twice."""

import io
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OutputError
from geolabel.maps import (
    ClassStyle,
    Project,
    ProjectLayer,
    Stretch,
    alerts_qml,
    confidence_qml,
    image_qml,
    project_bytes,
    raster_qml,
    vector_qml,
)
from geolabel.raster import describe
from geolabel.steps.project import image_style
from tests.maps.alerts_folder import write_folder

STYLES = [ClassStyle(1, "forest", "Forest", "#1b7837")]
WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1)


def raster(title="Classes", source="classes.tif", group="Maps", **more):
    return ProjectLayer(title, source, "raster", group, "EPSG:32721", raster_qml(STYLES), **more)


def vector(title="Found", **more):
    return ProjectLayer(title, "found.gpkg", "vector", "Found", "EPSG:32721", vector_qml(STYLES), table="found", **more)


def project(*layers, **more):
    return Project("A project", "EPSG:32721", (0.0, 1.5, 100.0, 200.25), layers, **more)


def parse(found):
    with zipfile.ZipFile(io.BytesIO(project_bytes(found))) as archive:
        (name,) = archive.namelist()
        assert name.endswith(".qgs")
        return ET.fromstring(archive.read(name))


@given(WORDS, WORDS, WORDS)
def test_every_name_is_kept(title: str, group: str, owner: str):
    layers = (raster(title, group=group),)
    root = parse(Project(title, "EPSG:4326", (0.0, 0.0, 1.0, 1.0), layers, (owner,)))
    assert root.findtext("title") == root.findtext("projectlayers/maplayer/layername") == title
    assert root.find("layer-tree-group/layer-tree-group").get("name") == group
    assert root.findtext("projectlayers/maplayer/resourceMetadata/rights") == owner
    assert root.findtext("projectMetadata/abstract") == owner


def test_layers_of_a_group_stand_together_in_order():
    layers = (vector(), raster("b", group="Maps"), raster("a", group="Images"), raster("c", group="Images"))
    root = parse(project(*layers, either_or=frozenset({"Images"})))
    tree = {
        group.get("name"): [layer.get("name") for layer in group]
        for group in root.findall("layer-tree-group/layer-tree-group")
    }
    assert tree == {"Found": ["Found"], "Maps": ["b"], "Images": ["a", "c"]}
    ids = [layer.get("id") for layer in root.iter("layer-tree-layer")]
    assert ids == [layer.findtext("id") for layer in root.iter("maplayer")]
    assert len(set(ids)) == 4
    exclusive = [group.get("name") for group in root.iter("layer-tree-group") if group.get("mutually-exclusive")]
    assert exclusive == ["Images"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("classes.tif", "./classes.tif"),
        ("../after.tif", "../after.tif"),
        ("/data/after.tif", "/data/after.tif"),
        ("D:/after.tif", "D:/after.tif"),
        ("/vsicurl/https://example.org/a.tif", "/vsicurl/https://example.org/a.tif"),
    ],
)
def test_sources_as_qgis_writes_them(source: str, expected: str):
    assert parse(project(raster(source=source))).findtext("projectlayers/maplayer/datasource") == expected


def test_a_vector_layer_is_named_in_its_file():
    root = parse(project(vector(opacity=0.5)))
    assert root.findtext("projectlayers/maplayer/datasource") == "./found.gpkg|layername=found"
    assert root.findtext("projectlayers/maplayer/layerOpacity") == "0.5"
    assert root.find("projectlayers/maplayer/renderer-v2").get("type") == "categorizedSymbol"


def test_days_and_extent():
    root = parse(project(raster(opacity=0.25), dates=(date(1985, 1, 2), date(2020, 7, 14))))
    assert root.findtext("ProjectTimeSettings/TemporalRange/start") == "1985-01-02T00:00:00Z"
    assert root.findtext("ProjectTimeSettings/TemporalRange/end") == "2020-07-14T00:00:00Z"
    assert root.find("ProjectViewSettings/DefaultViewExtent").attrib == {
        "xmin": "0.0",
        "ymin": "1.5",
        "xmax": "100.0",
        "ymax": "200.25",
    }
    assert root.find("projectlayers/maplayer/pipe/rasterrenderer").get("opacity") == "0.25"


@pytest.mark.parametrize(
    ("crs", "tag"), [("EPSG:32721", "authid"), ("+proj=laea +lat_0=3", "proj4"), ('PROJCS["a"]', "wkt")]
)
def test_a_crs_in_its_own_words(crs: str, tag: str):
    found = parse(Project("A", crs, (0.0, 0.0, 1.0, 1.0), ())).find("projectCrs/spatialrefsys")
    assert found.findtext(tag) == crs


@pytest.mark.parametrize("wrong", ["", "a\x07", "line\nbreak"])
def test_words_that_cannot_be(wrong: str):
    with pytest.raises(OutputError, match="control characters"):
        raster(wrong)
    with pytest.raises(OutputError, match="control characters"):
        project_bytes(Project(wrong, "EPSG:4326", (0.0, 0.0, 1.0, 1.0), ()))


def test_layers_that_cannot_be():
    with pytest.raises(ValueError, match="table"):
        raster(table="a")
    with pytest.raises(ValueError, match="opacity"):
        raster(opacity=2)


def test_pictures_in_colour_and_in_grey():
    pipe = ET.fromstring(image_qml([Stretch(3, 0.0, 0.5), Stretch(2, 1.0, 9.0), Stretch(1, 0.0, 1.0)], 5)).find("pipe")
    renderer = pipe.find("rasterrenderer")
    found = {name: renderer.get(name) for name in ("redBand", "greenBand", "blueBand", "alphaBand")}
    assert found == {"redBand": "3", "greenBand": "2", "blueBand": "1", "alphaBand": "5"}
    assert renderer.findtext("greenContrastEnhancement/maxValue") == "9.0"
    grey = ET.fromstring(image_qml([Stretch(2, 0.0, 1.0)])).find("pipe/rasterrenderer")
    assert (grey.get("type"), grey.get("grayBand"), grey.get("alphaBand")) == ("singlebandgray", "2", "-1")
    with pytest.raises(ValueError, match="three"):
        image_qml([Stretch(1, 0.0, 1.0)] * 2)
    for wrong in ((0, 0.0, 1.0), (1, 1.0, 1.0), (1, 0.0, float("nan"))):
        with pytest.raises(ValueError):
            Stretch(*wrong)


@pytest.mark.parametrize(("low", "high", "scale"), [(0.02, 0.3, 1.0), (200, 3000, 0.0001), (7, 7, 1.0)])
def test_an_image_is_stretched_in_physical_values(tmp_path, low, high, scale):
    """Half of the pixels at each end; QGIS applies a band's scale before it stretches."""
    dtype = "float32" if isinstance(low, float) else "uint16"
    options = {"dtype": dtype, "crs": "EPSG:3857", "transform": Affine(1, 0, 0, 0, -1, 20)}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", width=20, height=20, count=1, **options) as dataset:
        dataset.write(np.repeat([low, high], 200).reshape(1, 20, 20).astype(dtype))
        dataset.scales = [scale]
    stretch = ET.fromstring(image_style(describe(tmp_path / "a.tif"))).find("pipe/rasterrenderer/contrastEnhancement")
    ends = [float(stretch.findtext(name)) for name in ("minValue", "maxValue")]
    assert ends == pytest.approx([low * scale, (high if high > low else low + 1) * scale])


def test_confidence_is_a_ramp_from_nothing():
    items = list(ET.fromstring(confidence_qml()).iter("item"))
    assert [item.get("alpha") for item in items][::5] == ["0", "255"]
    assert len({item.get("color") for item in items}) == 5


def test_each_alert_is_drawn_by_one_rule():
    styles = [ClassStyle(1, "forest loss", "Forest loss", "#b2182b"), ClassStyle(2, "mine gain", "It's\\", "#e08214")]
    root = ET.fromstring(alerts_qml(styles))
    groups = root.findall("renderer-v2/rules/rule")
    assert [group.get("label") for group in groups] == ["Forest loss", "It's\\", "withdrawn"]
    assert groups[1].get("filter").endswith("""= 'It''s\\\\'""")
    assert [rule.get("filter") for rule in groups[0]] == ["\"level\" = 'high'", "ELSE", "\"level\" = 'low'"]
    symbols = {symbol.get("name") for symbol in root.iter("symbol")}
    assert {rule.get("symbol") for rule in root.iter("rule")} - {None} == symbols
    assert root.find("temporal").get("startField") == "date_first"


def test_the_same_folder_twice_is_the_same_and_names_no_place(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_folder(tmp_path / name / "after.alerts")
    one, two = (tmp_path / name / "after.alerts" for name in ("one", "two"))
    for name in ("project.qgz", "alerts.qml", "alerts.gpkg"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    with zipfile.ZipFile(one / "project.qgz") as archive:
        text = archive.read("project.qgs").decode()
    assert str(tmp_path) not in text
    sources = [layer.findtext("datasource") for layer in ET.fromstring(text).iter("maplayer")]
    assert sources == [
        "./alerts.gpkg|layername=alerts",
        "./loss.tif",
        "./loss-confidence.tif",
        "../after.tif",
        "../before.tif",
    ]
