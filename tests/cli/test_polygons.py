"""`geolabel polygons` as it is typed."""

import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """What has no name of its own is written where the user is."""
    monkeypatch.chdir(tmp_path)


def write(path):
    pixels = np.full((2, 40, 40), 1, np.uint8)
    pixels[0, 5:15, 5:15] = pixels[1, 5:25, 5:15] = 2
    pixels[1, 8, 8] = 1
    pixels[1, 30, 30] = 2
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=2,
        height=40,
        width=40,
        dtype="uint8",
        crs="EPSG:32721",
        transform=Affine(10, 0, 500_000, 0, -10, 9_000_000),
    ) as file:
        file.write(pixels)
        file.descriptions = ("cover_2001", "cover_2002")
    path.with_name("codes.csv").write_text("code,name,color\n1,forest,#00aa00\n2,mining,#ff8800\n", encoding="utf-8")
    return path


def test_polygons_of_a_class_by_year(cli, tmp_path):
    cover = write(tmp_path / "cover.tif")
    words = ("polygons", cover, "--legend", tmp_path / "codes.csv", "--class", "mining")
    done = cli(*words, "--min-area", "500m2", "--fill-holes", "200m2", "--simplify", "15m", "--smooth", 1, "--json")
    assert done.code == 0, done.err
    assert [(row["date"], row["polygons"], row["pixels"]) for row in done.json["classes"]] == [
        ("2001", 1, 100),
        ("2002", 1, 199),
    ]
    found = pyogrio.read_dataframe(tmp_path / "cover-polygons.gpkg", layer="polygons")
    assert found["color"].tolist() == ["#ff8800"] * 2
    styles = pyogrio.read_dataframe(tmp_path / "cover-polygons.gpkg", layer="layer_styles", read_geometry=False)
    assert len(styles) == 1
    table = cli(*words, "--overwrite")
    assert "mining" in table.out
    assert "2002" in table.out


def test_a_prediction_by_seeds(cli, way, tmp_path):
    done = cli(
        *("polygons", way.prediction, "--threshold", 0.7, "--grow", 0.4, "--class", "bare"),
        *("--to", "geojson", "-o", tmp_path / "bare.geojson", "--json"),
    )
    assert done.code == 0, done.err
    with rasterio.open(way.prediction / "probabilities.tif") as file:
        band = file.descriptions.index("bare") + 1
        levels = file.read(band)
    (row,) = done.json["classes"]
    assert 0 < row["pixels"] <= ((levels >= 100) & (levels <= 250)).sum()
    found = pyogrio.read_dataframe(tmp_path / "bare.geojson")
    assert (found["probability_max"] >= 0.7).all()
    assert len(found) == row["polygons"]


def test_what_is_wrong_is_said_in_a_line(cli, tmp_path):
    cover = write(tmp_path / "cover.tif")
    done = cli("polygons", cover)
    assert done.code == 1
    assert "--legend" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert cli("polygons", cover, "--legend", tmp_path / "codes.csv", "--simplify", "wide").code == 2
    assert not list(tmp_path.glob("*.gpkg"))


def test_a_name_that_speaks_of_another_format_is_refused(cli, tmp_path):
    cover = write(tmp_path / "cover.tif")
    done = cli("polygons", cover, "--legend", tmp_path / "codes.csv", "-o", tmp_path / "a.shp")
    assert done.code == 1
    assert "--to gpkg writes .gpkg" in done.err
    assert not (tmp_path / "a.shp").exists()
