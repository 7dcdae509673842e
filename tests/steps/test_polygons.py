"""`polygons` on rasters whose counts numpy knows, and on MapBiomas's own maps of a gold district."""

import csv
import json

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine

from geolabel import raster
from geolabel.errors import BandError, InputError, OptionError, OutputError, SchemeError
from geolabel.grid import Grid
from geolabel.steps.polygon_layers import Outlining
from geolabel.steps.polygon_sources import _date
from geolabel.steps.polygons import polygons
from geolabel.vector import read_layer

UTM = "EPSG:32721"
STEP = 20.0


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """What has no name of its own is written where the user is."""
    monkeypatch.chdir(tmp_path)


def write(path, pixels, *, names=(), nodata=255, crs=UTM, transform=None):
    """A class raster; `pixels` (bands, height, width)."""
    profile = {
        "driver": "GTiff",
        "count": len(pixels),
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "dtype": pixels.dtype,
        "nodata": nodata,
        "crs": crs,
        "transform": transform or Affine(STEP, 0, 500_000, 0, -STEP, 9_000_000),
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels)
        for band, name in enumerate(names, start=1):
            file.set_band_description(band, name)
    return path


def legend_of(tmp_path, **codes):
    path = tmp_path / "legend.csv"
    path.write_text("code,name\n" + "".join(f"{code},{name}\n" for name, code in codes.items()), encoding="utf-8")
    return path


def frame(path):
    return pyogrio.read_dataframe(path, **({"layer": "polygons"} if path.suffix == ".gpkg" else {}))


@pytest.fixture
def cover(tmp_path):
    """Two dates: forest (3) and mining (30), some nodata."""
    pixels = np.full((2, 60, 50), 3, np.uint8)
    pixels[0, 10:20, 10:30] = 30
    pixels[1, 10:30, 10:30] = 30
    pixels[1, 15, 15] = 3
    pixels[:, 50:] = 255
    pixels[0, 40, 40] = 255  # seen at the other date
    return write(tmp_path / "cover.tif", pixels, names=["cover_2019", "cover_2020"])


def test_hectares_by_year(cover, tmp_path):
    report = polygons(cover, legend=legend_of(tmp_path, forest=3, mining=30))
    counted = {(row.name, row.date): (row.polygons, row.pixels) for row in report.classes}
    assert counted == {
        ("forest", "2019"): (1, 50 * 50 - 201),
        ("mining", "2019"): (1, 200),
        ("forest", "2020"): (2, 50 * 50 - 399),
        ("mining", "2020"): (1, 399),
    }
    found = frame(report.output)
    assert found.columns.tolist() == [
        *("class", "title", "year", "area_ha", "perimeter_m", "pixels", "color", "geometry")
    ]
    assert found["year"].tolist() == [2019, 2019, 2020, 2020, 2020]
    np.testing.assert_allclose(found["area_ha"], found["pixels"] * STEP**2 / 1e4 / 0.9996**2, rtol=1e-4, atol=1e-4)
    with report.summary.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["class", "year", "polygons", "area_ha", "pixels"]
    assert [row["pixels"] for row in rows] == ["2299", "200", "2101", "399"]
    assert report.summary.name == "cover-polygons-summary.csv"


def test_the_same_bytes_again(cover, tmp_path):
    legend = legend_of(tmp_path, forest=3, mining=30)
    one, other = (polygons(cover, legend=legend, output=tmp_path / f"{name}.gpkg") for name in "ab")
    assert one.output.read_bytes().replace(b"a.gpkg", b"b.gpkg") == other.output.read_bytes()
    assert one.summary.read_bytes() == other.summary.read_bytes()


def test_chosen_class_and_band(cover, tmp_path):
    legend = legend_of(tmp_path, forest=3, mining=30)
    report = polygons(cover, legend=legend, classes=["Mining"], bands=["cover_2020"], to="geojson")
    assert report.output.name == "cover-polygons.geojson"
    assert frame(report.output)["class"].tolist() == ["mining"]
    assert [(row.date, row.pixels) for row in report.classes] == [("2020", 399)]


def test_least_area_filled_holes_and_calmer_outlines(cover, tmp_path):
    legend = legend_of(tmp_path, forest=3, mining=30)
    report = polygons(
        cover,
        legend=legend,
        bands=["cover_2020"],
        to="flatgeobuf",
        outlining=Outlining(1.0, 0.05, 30.0, 2),
        output=tmp_path / "calm.fgb",
    )
    found = frame(report.output)
    assert sorted(found["class"]) == ["forest", "mining"]
    mining = found[found["class"] == "mining"]
    assert mining["pixels"].tolist() == [399]
    np.testing.assert_allclose(mining["area_ha"], 400 * STEP**2 / 1e4 / 0.9996**2, rtol=1e-4)
    shapes = np.array([shapely.get_geometry(one, 0) for one in found.geometry])
    assert shapely.coverage_is_valid(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(2500 * STEP**2, rel=0.05)


def test_degrees_are_simplified_by_metres(tmp_path):
    field = np.add.outer(np.sin(np.arange(80) / 9) * 12, np.arange(80.0)) > 40
    step = 0.0001
    transform = Affine(step, 0, -60, 0, -step, 60)  # there a pixel is twice as high as wide
    path = write(tmp_path / "n.tif", field[None].astype(np.uint8), nodata=0, crs="EPSG:4326", transform=transform)
    report = polygons(path, legend=legend_of(tmp_path, forest=1), outlining=Outlining(simplify_m=15.0))
    (found,) = frame(report.output).geometry
    pixels = polygons(path, legend=legend_of(tmp_path, forest=1), output=tmp_path / "p.gpkg")
    (exact,) = frame(pixels.output).geometry
    assert pixels.vertices > 4 * report.vertices
    assert found.symmetric_difference(exact).area < 0.05 * exact.area


def test_names_and_colours_in_the_file_itself(tmp_path):
    style = raster.BandStyle(
        ("class",),
        nodata=255,
        palette={0: (240, 240, 240), 1: (0, 128, 0), 254: (9, 9, 9)},
        categories={0: "none", 1: "Old forest", 254: "undecided"},
    )
    number = np.ones((1, 40, 40), np.uint8)
    number[0, :9], number[0, 30:] = 0, 254
    grid = Grid(UTM, Affine(STEP, 0, 500_000, 0, -STEP, 9_000_000), 40, 40)
    with raster.write_cog(tmp_path / "classes.tif", grid, style, 64) as writer:
        writer.write(0, number)
    found = frame(polygons(tmp_path / "classes.tif").output)
    assert found[["class", "color", "pixels"]].to_numpy().tolist() == [["Old forest", "#008000", 21 * 40]]
    assert "year" not in found


def prediction(folder, levels, *, decision):
    """What predict writes of two classes, as far as it matters here."""
    folder.mkdir()
    write(folder / "probabilities.tif", levels, names=["forest", "mining"])
    pixels = np.zeros((1, *levels.shape[1:]), np.uint8)
    write(folder / "classes.tif", pixels)
    record = {"command": "predict", "counts": {"detections": {"forest": 1, "mining": 1}}, "attribution": ["© them"]}
    record |= {"decision": decision} if decision else {}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def two_heads(kind="sigmoid", abstain=None):
    heads = [{"name": "all", "kind": kind, "classes": ["forest", "mining"]}]
    return {"heads": heads, "thresholds": {"forest": 0.5, "mining": 0.6}, "abstain": abstain or {}}


@pytest.fixture
def levels():
    found = np.zeros((2, 30, 40), np.uint8)
    found[0, 2:10, 2:10] = 130
    found[1, 2:10, 20:30] = 100
    found[1, 4:6, 22:24] = 200
    found[1, 20:25, 20:30] = 140
    found[:, 28:] = 255
    return found


def pixels_of(report):
    return {row.name: (row.polygons, row.pixels) for row in report.classes}


def test_a_prediction_as_its_model_decides(levels, tmp_path):
    folder = prediction(tmp_path / "a.geolabel", levels, decision=two_heads())
    report = polygons(folder)
    assert report.output.resolve() == tmp_path / "a-polygons.gpkg"
    assert pixels_of(report) == {"forest": (1, 64), "mining": (1, 4)}
    found = frame(report.output)
    assert found["probability"].tolist() == [0.52, 0.8]
    assert "year" not in found


def test_seeds_and_growth(levels, tmp_path):
    folder = prediction(tmp_path / "a.geolabel", levels, decision=two_heads())
    grown = pixels_of(polygons(folder, threshold=0.7, grow=0.3))
    assert grown == {"forest": (0, 0), "mining": (1, 80)}
    assert pixels_of(polygons(folder, grow=0.3, overwrite=True)) == {"forest": (1, 64), "mining": (1, 80)}
    assert pixels_of(polygons(folder, threshold=0.3, overwrite=True))["mining"] == (2, 130)


def test_exclusive_and_undecided_classes(levels, tmp_path):
    softmax = prediction(tmp_path / "s.geolabel", levels, decision=two_heads("softmax"))
    report = polygons(softmax)
    assert sum(row.pixels for row in report.classes) == 28 * 40
    assert pixels_of(polygons(softmax, grow=0.3, overwrite=True)) == {"forest": (1, 64), "mining": (2, 130)}
    undecided = prediction(tmp_path / "u.geolabel", levels, decision=two_heads(abstain={"forest": [0.4, 0.6]}))
    assert pixels_of(polygons(undecided)) == {"forest": (0, 0), "mining": (1, 4)}


def test_a_prediction_that_does_not_say_how_it_was_decided(levels, tmp_path):
    folder = prediction(tmp_path / "a.geolabel", levels, decision=None)
    with pytest.raises(OptionError, match="--threshold"):
        polygons(folder)
    assert pixels_of(polygons(folder, threshold=0.5)) == {"forest": (1, 64), "mining": (2, 54)}


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("mapbiomas_cover_1985", "1985"),
        ("2020", "2020"),
        ("b1_2020-07-31", "2020-07-31"),
        ("s2_20200731_l2a", "2020-07-31"),
        ("2020_07", "2020-07"),
        ("red", ""),
        ("band_12019", ""),
    ],
)
def test_dates_in_names(name, date):
    assert _date(name) == date


def test_days_have_a_column_of_their_own(tmp_path):
    pixels = np.ones((2, 4, 4), np.uint8)
    path = write(tmp_path / "d.tif", pixels, names=["s2_20200731", "s2_20200815"])
    report = polygons(path, legend=legend_of(tmp_path, forest=1))
    found = frame(report.output)
    assert found[["year", "date"]].to_numpy().tolist() == [[2020, "2020-07-31"], [2020, "2020-08-15"]]
    assert report.summary.read_text().startswith("class,date,polygons,area_ha,pixels\nforest,2020-07-31,1,")


def test_what_cannot_be_outlined(cover, tmp_path, levels):
    legend = legend_of(tmp_path, forest=3, mining=30)
    with pytest.raises(OptionError, match="--legend"):
        polygons(cover)
    with pytest.raises(SchemeError, match="no class water.*forest, mining"):
        polygons(cover, legend=legend, classes=["water"])
    with pytest.raises(OptionError, match="no prediction folder"):
        polygons(cover, legend=legend, threshold=0.5)
    with pytest.raises(OptionError, match="fill-holes must not be negative"):
        Outlining(fill_holes_ha=-1)
    with pytest.raises(BandError, match="do not say their years.*--bands"):
        polygons(write(tmp_path / "n.tif", np.ones((2, 4, 4), np.uint8)), legend=legend)
    with pytest.raises(BandError, match="same date"):
        polygons(write(tmp_path / "t.tif", np.ones((2, 4, 4), np.uint8), names=["a2020", "b_2020"]), legend=legend)
    with pytest.raises(InputError, match="whole numbers"):
        polygons(write(tmp_path / "f.tif", np.ones((1, 4, 4), np.float32)), legend=legend)
    folder = prediction(tmp_path / "a.geolabel", levels, decision=two_heads())
    with pytest.raises(OptionError, match="above --threshold"):
        polygons(folder, threshold=0.4, grow=0.5)
    with pytest.raises(OptionError, match="leave --legend"):
        polygons(folder, legend=legend)
    (folder / "run.json").write_text('{"command": "train"}')
    with pytest.raises(InputError, match="geolabel train"):
        polygons(folder)
    polygons(cover, legend=legend)
    with pytest.raises(OutputError, match="--overwrite"):
        polygons(cover, legend=legend)


def test_codes_without_a_name_are_left_out_aloud(cover, tmp_path, caplog):
    report = polygons(cover, legend=legend_of(tmp_path, mining=30))
    assert "codes without a name: 3" in caplog.text
    assert {row.name for row in report.classes} == {"mining"}


def test_mines_of_lourenco_are_as_many_hectares_as_pixels_in_every_year(shared_data, tmp_path):
    years = range(1985, 2023)
    folder = shared_data / "mapbiomas-amapa"
    path = folder / "lorenco_85a22.tif"
    report = polygons(
        path,
        legend=folder / "Codigos-da-legenda-colecao-8.csv",
        classes=["Mining"],
        output=tmp_path / "mines.gpkg",
    )
    with rasterio.open(path) as file:
        pixel_ha = abs(file.transform.a * file.transform.e) / 1e4
        counts = [int((file.read(year - 1984) == 30).sum()) for year in years]
    assert [row.pixels for row in report.classes] == counts
    layer = read_layer(report.output, "polygons")
    by_year = [layer.columns["area_ha"][layer.columns["year"] == year].sum() for year in years]
    assert by_year == pytest.approx([count * pixel_ha for count in counts], rel=0.01)
    assert [row.area_ha for row in report.classes] == pytest.approx(by_year, abs=0.01)
