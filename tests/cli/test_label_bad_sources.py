"""Label sources that are none: one line that says where, what and how to mend it; every file stays as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image

from tests.cli.label_scene import Scene, read, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

BOX = shapely.box(9, 47, 9.01, 47.01)
FAR = shapely.box(20, 10, 21, 11)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(cli: Callable[..., Done], scene: Scene, *words: object, says: tuple[str, ...]) -> str:
    """`label` fails with one line that says all of `says`; no file is changed, and none comes."""
    before = contents(scene.folder)
    for more in ((), ("-o", scene / "new.parquet"), ("--json",)):
        done = cli("label", scene.tiles, *words, *more)
        assert done.code == 1, (done.code, done.out, done.err)
        lines = [line for line in done.err.strip().splitlines() if not line.startswith("WARNING")]
        assert len(lines) == 1, done.err
        assert lines[0].startswith("geolabel: ")
        for text in says:
            assert text in lines[0], (text, lines[0])
        assert "fault of geolabel" not in done.err
        assert not done.out
        assert contents(scene.folder) == before
    return lines[0]


def vector(path: Path, shape: shapely.Geometry = BOX, **columns: Any) -> Path:
    values = {name: [value] for name, value in columns.items()}
    geopandas.GeoDataFrame(values, geometry=[shape], crs="EPSG:4326").to_file(path)
    return path


def without_crs(scene: Scene) -> Path:
    path = vector(scene / "bare.shp", landuse="forest", Code_18="311")
    path.with_suffix(".prj").unlink()
    return path


def class_raster(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    profile = {"driver": "GTiff", "width": pixels.shape[2], "height": pixels.shape[1], "count": len(pixels)}
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 499_950, 0, -10, 5_207_500), **options}
    with rasterio.open(path, "w", **profile, dtype=pixels.dtype, **place) as dataset:
        dataset.write(pixels)
    return path


def toml(scene: Scene, text: str) -> Path:
    path = scene / "own.toml"
    path.write_text(text)
    return path


def test_a_vector_without_a_crs(cli: Callable[..., Done], scene: Scene):
    path = without_crs(scene)
    says = ("bare.shp", "no coordinate reference system", "ogr2ogr -a_srs")
    refused(cli, scene, "--osm", path, says=says)
    refused(cli, scene, "--clc", path, says=says)
    refused(cli, scene, "--vector", path, "--field", "landuse", says=says)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.97])
def test_extracts_that_break_off(cli: Callable[..., Done], scene: Scene, shared_data: Path, kept: float):
    whole = (shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf").read_bytes()
    (scene / "cut.osm.pbf").write_bytes(whole[: int(kept * len(whole))])
    refused(cli, scene, "--osm", scene / "cut.osm.pbf", says=("cut.osm.pbf", "breaks off", "at byte", "get it again"))
    text = (scene / "map.osm").read_bytes()
    (scene / "cut.osm").write_bytes(text[: int(kept * len(text))])
    refused(cli, scene, "--osm", scene / "cut.osm", says=("cut.osm", "breaks off", "in line", "get it again"))


def test_vector_files_that_break_off(cli: Callable[..., Done], scene: Scene):
    for name in ("map.gpkg", "clc.gpkg", "gis_osm_landuse_a_free_1.shp"):
        whole = (scene / name).read_bytes()
        (scene / name).write_bytes(whole[: len(whole) * 2 // 3])
        option = "--clc" if name == "clc.gpkg" else "--osm"
        refused(cli, scene, option, scene / name, says=(name, "truncated"))


def test_a_class_raster_that_breaks_off(cli: Callable[..., Done], scene: Scene):
    whole = (scene / "U2018_CLC2018.tif").read_bytes()
    (scene / "U2018_CLC2018.tif").write_bytes(whole[: len(whole) // 2])
    refused(cli, scene, "--clc", scene / "U2018_CLC2018.tif", says=("U2018_CLC2018.tif", "truncated"))


def test_files_that_are_none(cli: Callable[..., Done], scene: Scene):
    (scene / "empty.osm.pbf").touch()
    (scene / "page.osm.pbf").write_text("<!DOCTYPE html><title>404</title>")
    (scene / "words.gpkg").write_text("hello")
    for option in ("--osm", "--clc"):
        refused(cli, scene, option, scene / "none.gpkg", says=("none.gpkg: no such file",))
        refused(cli, scene, option, scene.folder, says=("is a folder",))
        refused(cli, scene, option, scene / "empty.osm.pbf", says=("empty.osm.pbf: the file is empty",))
        refused(cli, scene, option, scene / "words.gpkg", says=("words.gpkg", "not a vector file"))
    refused(cli, scene, "--osm", scene / "page.osm.pbf", says=("page.osm.pbf", "damaged", "at byte 0", "get it again"))


SCHEMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "two of one name": (
        '[[class]]\nname = "a"\nosm = ["landuse=forest"]\n[[class]]\nname = "a"\n',
        ("own.toml", "two classes are named a"),
    ),
    "no classes": ('name = "x"\n', ("own.toml", "no classes", "[[class]]")),
    "no toml": ("[[class", ("own.toml", "is not TOML")),
    "a rule that is none": (
        '[[class]]\nname = "a"\nosm = ["landuse forest"]\n',
        ("own.toml", "'landuse'", "key=value"),
    ),
    "a rule that only forbids": ('[[class]]\nname = "a"\nosm = ["landuse!=forest"]\n', ("own.toml", "must be there")),
    "an unknown key": ('[[class]]\nname = "a"\nosmm = ["landuse=forest"]\n', ("own.toml", "osmm", "osm")),
    "no rule for OSM": (
        '[[class]]\nname = "a"\nclc = [1]\n',
        ("'own'", "no class with an osm rule", 'osm = ["landuse=quarry"]', "osm-landuse"),
    ),
}


@pytest.mark.parametrize("kind", SCHEMES)
def test_schemes_that_are_none(cli: Callable[..., Done], scene: Scene, kind: str):
    text, says = SCHEMES[kind]
    refused(cli, scene, "--osm", scene / "map.osm", "--scheme", toml(scene, text), says=says)


def test_schemes_that_are_not_there_or_do_not_fit(cli: Callable[..., Done], scene: Scene):
    osm = ("--osm", scene / "map.osm")
    refused(cli, scene, *osm, "--scheme", "minning", says=("no scheme 'minning'", "mining", "FILE.toml"))
    refused(cli, scene, *osm, "--scheme", scene / "none.toml", says=("none.toml: no such file",))
    refused(cli, scene, *osm, "--scheme", "clc-3", says=("'clc-3'", "no class with an osm rule", "osm-landuse"))
    clc = ("--clc", scene / "clc.gpkg")
    refused(cli, scene, *clc, "--scheme", "planet-amazon", says=("no class with a clc rule", "clc-3", "clc = [131]"))
    refused(cli, scene, "--scheme", "clc-1", says=("tiles.parquet", "no labels", "--clc"))


def test_schemes_that_have_no_relation(cli: Callable[..., Done], scene: Scene):
    assert cli("label", scene.tiles, "--clc", scene / "clc.gpkg", "--scheme", "clc-1").code == 0
    refused(cli, scene, "--scheme", "clc-3", says=("'clc-1'", "wider than", "'clc-3'"))
    refused(cli, scene, "--scheme", "planet-amazon", says=("'clc-1'", "'planet-amazon'", "parent"))


def test_sources_elsewhere(cli: Callable[..., Done], scene: Scene):
    tags = vector(scene / "tags.gpkg", FAR, landuse="forest")
    codes = vector(scene / "codes.gpkg", FAR, Code_18="311")
    pixels = np.full((1, 20, 20), 311, np.uint16)
    raster = class_raster(scene / "far.tif", pixels, transform=Affine(10, 0, 600_000, 0, -10, 5_207_500))
    for option, path in (("--osm", tags), ("--clc", codes), ("--clc", raster)):
        refused(cli, scene, option, path, says=(path.name, "lies on the tiles", "CRS", "region", "scheme"))
    words = ("--vector", tags, "--field", "landuse")
    refused(cli, scene, *words, says=("tags.gpkg", "lies on the tiles", "CRS"))
    # one of two sources is enough to stop: its labels would silently be missing
    refused(cli, scene, "--osm", scene / "map.osm", "--clc", codes, says=("codes.gpkg", "lies on the tiles"))


def test_an_extract_of_another_region(cli: Callable[..., Done], scene: Scene, shared_data: Path):
    path = shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf"
    refused(cli, scene, "--osm", path, says=("liechtenstein-latest.osm.pbf", "lies on the tiles", "region"))


def test_files_of_another_kind(cli: Callable[..., Done], scene: Scene):
    plain = vector(scene / "plain.gpkg", name="x")
    says = ("plain.gpkg: no column is an OSM key (landuse", "it has name", "--vector FILE --field NAME")
    refused(cli, scene, "--osm", plain, says=says)
    says = ("plain.gpkg: no field with CORINE codes", "it has name", "--field NAME --scheme clc-3")
    refused(cli, scene, "--clc", plain, says=says)
    line = refused(
        cli, scene, "--clc", scene / "map.osm", says=("map.osm: no field with CORINE codes", "more. Name it")
    )
    assert len(line) < 400, "a line that can be read"
    refused(cli, scene, "--clc", scene / "region.tif", says=("region.tif", "one band of whole numbers", "3 of uint8"))
    refused(cli, scene, "--osm", scene / "region.tif", says=("region.tif", "one band of whole numbers", "3 of uint8"))
    cover = class_raster(scene / "worldcover.tif", np.resize(np.arange(10, 110, 10), (1, 64, 64)).astype("uint8"))
    says = ("worldcover.tif: neither CORINE codes (111–523) nor grid codes (1–44)", "10, 20", "--legend CSV")
    refused(cli, scene, "--clc", cover, says=says)
    says = ("worldcover.tif: is no raster of osmlanduse.org", "--legend CSV")
    refused(cli, scene, "--osm", cover, says=says)
    floats = class_raster(scene / "floats.tif", np.full((1, 64, 64), 311, "float32"))
    refused(cli, scene, "--clc", floats, says=("floats.tif", "whole numbers", "1 of float32"))


def test_lines_and_points_are_no_areas(cli: Callable[..., Done], scene: Scene):
    for shape in (shapely.LineString([(9, 47), (9.01, 47.01)]), shapely.Point(9.005, 47.005)):
        path = vector(scene / "thin.gpkg", shape, landuse="forest")
        words = ("--vector", path, "--field", "landuse")
        refused(cli, scene, *words, says=("thin.gpkg: only lines and points", "no area", "--osm", "width_m"))
        path.unlink()


def test_chips_have_no_place(cli: Callable[..., Done], scene: Scene):
    (scene / "chips").mkdir()
    for name in "ab":
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(scene / "chips" / f"{name}.png")
    assert cli("tile", "--images", scene / "chips", "-o", scene.tiles, "--overwrite").code == 0
    refused(cli, scene, "--osm", scene / "map.osm", says=("tiles.parquet", "no place on a map", "--tags"))
    (scene / "tags.csv").write_text("image,tags\nx,mine\ny,forest\n")
    refused(
        cli, scene, "--tags", scene / "tags.csv", says=("tags.csv: none of its 2 images is in the index, x for one",)
    )
    (scene / "tags.csv").write_text("image,tags\na,mine\nb,forest\n")
    says = ("--weak-negatives", "place on the map", "pictures")
    refused(cli, scene, "--tags", scene / "tags.csv", "--weak-negatives", "1km", says=says)
    says = ("tags.csv: none of its classes (forest, mine) is in the scheme",)
    refused(cli, scene, "--tags", scene / "tags.csv", "--scheme", "clc-3", says=says)


def test_a_field_that_names_no_classes(cli: Callable[..., Done], scene: Scene):
    boxes = [shapely.box(9 + at / 1e5, 47, 9.00001 + at / 1e5, 47.01) for at in range(300)]
    frame = geopandas.GeoDataFrame({"id": range(300), "kind": [None] * 300}, geometry=boxes, crs="EPSG:4326")
    frame.to_file(scene / "many.gpkg")
    words = ("--vector", scene / "many.gpkg", "--field")
    refused(cli, scene, *words, "id", says=("many.gpkg: 'id' has 300 values", "names classes"))
    refused(cli, scene, *words, "kind", says=("many.gpkg", "'kind' is empty everywhere", "--field"))
    refused(cli, scene, *words, "sort", says=("no field 'sort'", "id, kind", "--field"))
    refused(cli, scene, *words[:2], says=("many.gpkg", "--field NAME"))


def test_options_that_do_not_go_together(cli: Callable[..., Done], scene: Scene):
    osm, clc = ("--osm", scene / "map.osm"), ("--clc", scene / "clc.gpkg")
    (scene / "tags.csv").write_text("image,tags\na,mine\n")
    tags = ("--tags", scene / "tags.csv")
    for words, says in (
        ((*osm, *clc, "--exact", "--merge", "agreement"), ("--exact", "agreement")),
        ((*tags, *osm), ("--tags", "--osm", "one kind")),
        (tags, ("tags.csv", "several tiles a file", "--osm")),
        ((*osm, "--presence", "mines=.1"), ("--presence", "no class 'mines'", "urban_fabric", "water_bodies")),
        ((*osm, "--presence", "1.5"), ("--presence", "above 0 and up to 1", "1.5")),
        ((*osm, "--presence", "forests=0"), ("--presence", "above 0 and up to 1", "0")),
        ((*osm, "--dominant", "2"), ("--dominant", "above 0 and up to 1", "2")),
        ((*osm, "--weak-negatives", "0"), ("--weak-negatives", "more than 0 m")),
        ((*osm, "--min-known", "1.5"), ("--min-known", "0–1", "1.5")),
        ((), ("nothing to label with", "--osm FILE", "--clc FILE")),
        (("--merge", "separate"), ("nothing to label with",)),
    ):
        refused(cli, scene, *words, says=says)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--presence", "much", "is no share"),
        ("--weak-negatives", "5miles", "is no distance"),
        ("--merge", "best", "best"),
    ],
)
def test_values_that_cannot_be_read(cli: Callable[..., Done], scene: Scene, option: str, value: str, says: str):
    before = contents(scene.folder)
    done = cli("label", scene.tiles, "--osm", scene / "map.osm", option, value)
    assert done.code == 2
    assert says in done.err
    assert contents(scene.folder) == before


def test_an_output_is_never_written_over_unasked(cli: Callable[..., Done], scene: Scene):
    before = contents(scene.folder)
    for target in ("map.osm", "clc.gpkg"):
        done = cli("label", scene.tiles, "--osm", scene / "map.osm", "--clc", scene / "clc.gpkg", "-o", scene / target)
        assert done.code == 1
        assert target in done.err
        done = cli(
            *("label", scene.tiles, "--osm", scene / "map.osm", "--clc", scene / "clc.gpkg", "-o", scene / target),
            "--overwrite",
        )
        assert done.code == 1
        assert f"{target}: is, or holds, the input" in done.err
    assert contents(scene.folder) == before


def test_strange_values_are_told_and_recorded(cli: Callable[..., Done], scene: Scene):
    pixels = np.full((1, 256, 256), 311, np.uint16)
    pixels[0, 10:13, 5:9] = 777
    path = class_raster(scene / "clc.tif", pixels)
    done = cli("label", scene.tiles, "--clc", path, "--json")
    assert done.code == 0
    assert done.json["values_unknown"] == {"clc.tif code 777": 12}
    assert "clc.tif code 777: no class stands for it (12 times): unknown there" in done.err
    assert read(scene.tiles)[1]["labelling"]["unknown_values"] == {"clc.tif code 777": 12}
    known = read(scene.tiles)[0]["known"].astype(float)
    assert known.sum() == pytest.approx(64 - 12 / 32**2, abs=1e-4)


def test_classes_that_nobody_can_tell_are_named_in_one_line(cli: Callable[..., Done], scene: Scene):
    rest = "".join(f'[[class]]\nname = "other_{at}"\n' for at in range(20))
    scheme = toml(scene, '[[class]]\nname = "forest"\nosm = ["landuse=forest"]\n' + rest)
    done = cli("label", scene.tiles, "--osm", scene / "map.osm", "--scheme", scheme)
    assert done.code == 0
    (line,) = [line for line in done.err.splitlines() if "no source can tell" in line]
    assert "other_0, other_1" in line
    assert "and 12 more" in line
    found = shares(scene.tiles)
    assert np.nansum(found["forest"]) > 0
    assert np.isnan(found["other_3"]).all()


def test_a_download_that_is_a_web_page_in_json(cli: Callable[..., Done], scene: Scene):
    (scene / "answer.geojson").write_text(json.dumps({"error": "rate limited"}))
    refused(cli, scene, "--osm", scene / "answer.geojson", says=("answer.geojson", "not a vector file"))


def test_names_of_a_legend_that_are_no_class_of_the_scheme(cli: Callable[..., Done], scene: Scene):
    pixels = np.full((1, 256, 256), 3, np.uint8)
    pixels[0, 10:13, 5:9] = 7
    pixels[0, 20:22, 5:9] = 8
    pixels[0, 30:31, 5:9] = 9
    path = class_raster(scene / "a.tif", pixels)
    (scene / "legend.csv").write_text("code,name\n3,forest\n7,sand\n8,rock\n")
    scheme = toml(scene, '[[class]]\nname = "forest"\n[[class]]\nname = "water"\n[background]\nraster = [8]\n')
    words = ("--raster", path, "--legend", scene / "legend.csv", "--scheme", scheme)
    done = cli("label", scene.tiles, *words, "--json")
    assert done.code == 0, done.err
    assert done.json["values_unknown"] == {"a.tif sand (code 7)": 12, "a.tif code 9": 4}
    known = read(scene.tiles)[0]["known"].astype(float)
    assert known.sum() == pytest.approx(64 - 16 / 32**2, abs=1e-4)
    (scene / "legend.csv").write_text("code,name\n3,sand\n7,rock\n")
    says = ("legend.csv", "none of its names is a class", "sand, rock", "forest, water")
    refused(cli, scene, *words, says=says)


def test_values_that_no_class_stands_for_come_before_the_crs(cli: Callable[..., Done], scene: Scene):
    path = class_raster(scene / "a.tif", np.full((1, 256, 256), 7, np.uint8))
    (scene / "legend.csv").write_text("code,name\n3,forest\n7,sand\n")
    scheme = toml(scene, '[[class]]\nname = "forest"\nraster = [3]\nvector = ["wood"]\n')
    says = ("a.tif: its values there are code 7, and no class stands for them", "scheme")
    refused(cli, scene, "--raster", path, "--scheme", scheme, says=says)
    says = ("a.tif: its values there are sand (code 7), and no class",)
    refused(cli, scene, "--raster", path, "--scheme", scheme, "--legend", scene / "legend.csv", says=says)
    path = vector(scene / "a.gpkg", kind="sand")
    says = ("a.gpkg: its values there are kind=sand, and no class",)
    refused(cli, scene, "--vector", path, "--field", "kind", "--scheme", scheme, says=says)


@pytest.mark.parametrize("name", ["known", "none"])
def test_values_that_cannot_be_names(cli: Callable[..., Done], scene: Scene, name: str):
    words = ("--vector", vector(scene / "a.gpkg", kind=name), "--field", "kind")
    refused(cli, scene, *words, says=("a.gpkg: 'kind' has the value", name, f'vector = ["{name}"]', "--scheme"))
    scheme = toml(scene, f'[[class]]\nname = "other"\nvector = ["{name}"]\n')
    assert cli("label", scene.tiles, *words, "--scheme", scheme).code == 0
    assert np.nansum(shares(scene.tiles)["other"]) > 0
