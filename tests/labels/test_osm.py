"""OpenStreetMap as a label source: a map drawn by hand, a real extract against GDAL's own layers and osmium's areas."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Geod
from pyproj.transformer import Transformer

from geolabel import vector
from geolabel.errors import EmptyError, InputError, OutputError, SchemeError
from geolabel.grid import Grid
from geolabel.labels.osm import osm_source
from geolabel.labels.rules import OsmRule, Rules
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.labels.scheme_file import find_scheme
from tests.osm_map import MILLI, Map

if TYPE_CHECKING:
    from tests.conftest import WriteRaster
    from tests.labels.conftest import Measure

GRID = Grid("EPSG:32632", Affine(2, 0, 499_950, 0, -2, 5_207_500), 1100, 1500)
"""2 m pixels over all of the map drawn by hand, west and east of 9°, 47°."""


def classes(*entries: tuple[str, object]) -> Scheme:
    """A class a rule, none of which compete."""
    return Scheme(
        "s",
        tuple(LabelClass(name, group=name, rules=Rules(osm=(OsmRule.parse(rule),))) for name, rule in entries),
    )


def geodesic_ha(west: float, south: float, east: float, north: float) -> float:
    """Of a box of the map, by its corners on the ellipsoid."""
    lon, lat = 9 + np.array([west, east, east, west]) * MILLI, 47 + np.array([south, south, north, north]) * MILLI
    return abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 10_000


def drawn() -> Map:
    """A forest with a clearing, a roundabout, a pond, a river that is a line, a shaft that is a point."""
    found = Map()
    forest, clearing = found.box(0, 0, 10, 10), found.box(2, 2, 4, 4)
    found.relation((forest, "outer"), (clearing, "inner"), landuse="forest")
    found.box(12, 0, 16, 4, highway="primary", junction="roundabout")
    found.box(12, 6, 16, 8, natural="water")
    found.way((12, 12), (20, 12), (20, 16), waterway="river")
    found.node(3, 14, man_made="mineshaft")
    found.node(6, 14, man_made="tower")
    return found


SCHEME = classes(
    ("forest", "landuse=forest"),
    ("water", "natural=water"),
    ("river", {"tags": "waterway=river", "width_m": 40}),
    ("shaft", {"tags": "man_made=mineshaft", "width_m": 60}),
    ("road", {"tags": "highway=primary", "width_m": 20}),
)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf"])
def test_a_map_drawn_by_hand(tmp_path: Path, measured: Measure, name: str, exact: bool) -> None:
    source = osm_source(drawn().write(tmp_path / name), is_raster=False)
    found = measured(source, SCHEME, GRID, size=16, exact=exact).hectares
    geod = Geod(ellps="WGS84")
    river = geod.line_length(9 + np.array([12, 20, 20]) * MILLI, 47 + np.array([12, 12, 16]) * MILLI)
    ring = geod.line_length(9 + np.array([12, 16, 16, 12, 12]) * MILLI, 47 + np.array([0, 0, 4, 4, 0]) * MILLI)
    expected = {
        "forest": geodesic_ha(0, 0, 10, 10) - geodesic_ha(2, 2, 4, 4),
        "water": geodesic_ha(12, 6, 16, 8),
        # two half discs at its ends; at its corner the inner square of half a width is counted once
        "river": (river * 40 + 3.06 * 20**2 - 20**2 + 3.06 * 20**2 / 4) / 10_000,
        "shaft": 3.06 * 30**2 / 10_000,
        "road": (ring * 20 - 4 * 10**2 + 3.06 * 10**2) / 10_000,
    }
    assert found == pytest.approx(expected, rel=0.003 if exact else 0.006)
    assert source.findings.unknown == {}
    assert source.describe(tmp_path / "tiles.parquet")["date"] == "2024-03-02"


def test_a_closed_way_is_an_area_where_a_rule_for_areas_asks_for_its_tag(tmp_path: Path, measured: Measure) -> None:
    drawing = Map()
    drawing.box(0, 0, 2, 2, highway="pedestrian", area="yes")
    drawing.box(4, 0, 6, 2, highway="pedestrian")
    drawing.box(8, 0, 10, 2, natural="wood")
    drawing.box(12, 0, 14, 2, natural="coastline")
    drawing.way((0, 6), (4, 6), (4, 8), natural="wood")
    drawing.box(16, 0, 18, 2, **{"power": "plant", "plant:source": "solar"})
    scheme = classes(
        ("square", "highway=pedestrian area=yes"), ("wood", "natural=wood"), ("sun", "plant:source=solar power=*")
    )
    source = osm_source(drawing.write(tmp_path / "a.osm"), is_raster=False)
    found = measured(source, scheme, GRID).hectares
    expected = {"square": geodesic_ha(0, 0, 2, 2), "wood": geodesic_ha(8, 0, 10, 2), "sun": geodesic_ha(16, 0, 18, 2)}
    assert found == pytest.approx(expected, rel=0.01)


def test_an_area_rule_does_not_hide_a_line_from_a_rule_with_a_width(tmp_path: Path, measured: Measure) -> None:
    drawing = Map()
    drawing.way((0, 2), (10, 2), waterway="river", natural="water")
    rules = (OsmRule("natural=water"), OsmRule("waterway=river", 20))
    scheme = Scheme("s", (LabelClass("water", rules=Rules(osm=rules)),))
    source = osm_source(drawing.write(tmp_path / "a.osm"), is_raster=False)
    length = Geod(ellps="WGS84").line_length([9, 9.01], [47.002, 47.002])
    found = measured(source, scheme, GRID).hectares["water"]
    assert found == pytest.approx((length * 20 + 3.06 * 100) / 10_000, rel=0.01)


def test_a_line_beyond_a_border_reaches_over_it(tmp_path: Path, measured: Measure) -> None:
    """Rows are read band by band, and the extract up to the raster's edge: a wide line lies on both sides."""
    to_lonlat = Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)
    grid = Grid("EPSG:32632", Affine(10, 0, 500_000, 0, -10, 5_210_000), 64, 1024)
    drawing = Map()
    rows = (511.5, 512.5, -0.5, 1024.5)  # a band of rows ends at 512
    for row in rows:
        x, y = grid.xy(np.array([10.0, 50.0]), np.array([row, row]))
        lon, lat = to_lonlat.transform(x, y)
        drawing.way(*zip((lon - 9) / MILLI, (lat - 47) / MILLI, strict=True), waterway="river")
    scheme = classes(("river", {"tags": "waterway=river", "width_m": 100}))
    source = osm_source(drawing.write(tmp_path / "a.osm"), is_raster=False)
    share = np.nan_to_num(measured(source, scheme, grid).share[0])
    lines = shapely.union_all([shapely.LineString([(10, row), (50, row)]).buffer(5) for row in rows])
    tiles = shapely.box(0, np.arange(16) * 64, 64, np.arange(16) * 64 + 64)
    expected = shapely.area(shapely.intersection(tiles, lines)) / 64**2
    assert np.flatnonzero(expected).tolist() == [0, 7, 8, 15]
    np.testing.assert_allclose(share, expected, atol=0.002)


def test_where_features_overlap_the_smaller_is_on_top_and_the_background_lies_among_them(
    tmp_path: Path, measured: Measure
) -> None:
    drawing = Map()
    drawing.box(0, 0, 10, 10, landuse="forest")
    drawing.box(2, 2, 6, 6, natural="water")
    drawing.box(3, 3, 4, 4, landuse="forest")
    source = osm_source(drawing.write(tmp_path / "a.osm"), is_raster=False)
    forest = LabelClass("forest", rules=Rules(osm=(OsmRule("landuse=forest"),)))
    water = Rules(osm=(OsmRule("natural=*"),))
    whole, lake, island = geodesic_ha(0, 0, 10, 10), geodesic_ha(2, 2, 6, 6), geodesic_ha(3, 3, 4, 4)
    found = measured(source, Scheme("s", (forest,), background=water), GRID)
    assert found.hectares["forest"] == pytest.approx(whole - lake + island, rel=0.003)
    assert found.known_ha == pytest.approx(whole, rel=0.003)
    above = Scheme("s", (LabelClass("forest", priority=1, rules=forest.rules),), background=water)
    assert measured(source, above, GRID).hectares["forest"] == pytest.approx(whole, rel=0.003)


def test_only_the_region_is_read(tmp_path: Path) -> None:
    drawing = Map()
    drawing.box(0, 0, 2, 2, landuse="forest")
    drawing.box(900, 900, 902, 902, landuse="forest")
    drawing.box(-3000, 0, -2990, 2, landuse="forest")
    path = drawing.write(tmp_path / "a.osm")

    def count(**region: Any) -> int:
        every = lambda table: np.ones(table.num_rows, bool)  # noqa: E731 - what may be kept
        with vector.open_osm(path, ["landuse"], ["landuse"], every, **region) as (layer,):
            return len(layer.read((-180, -90, 180, 90), "EPSG:4326").geometries)

    assert count() == 3
    assert count(bounds=(8.9, 46.9, 9.1, 47.1)) == 1
    assert count(bounds=(8.9, 46.9, 10.0, 48)) == 2


@pytest.mark.filterwarnings("ignore::RuntimeWarning:geolabel.vector.indexed")
def test_what_is_broken_in_the_map_is_left_out_and_the_rest_stays(tmp_path: Path, measured: Measure) -> None:
    """As extracts have it at their border: relations without some of their ways, ways without their nodes."""
    drawing = Map()
    left, right = drawing.way((0, 0), (10, 0), (10, 10)), drawing.way((0, 10), (0, 0))
    drawing.relation((left, "outer"), (right, "outer"), landuse="forest")
    drawing.relation((999, "outer"), natural="water")
    drawing.ways.append(([9_999, 9_998, 9_997, 9_999], {"landuse": "farmland"}))
    drawing.way((1, 1), (2, 1), (1, 1), landuse="grass")
    drawing.box(12, 6, 16, 8, natural="water")
    drawing.way((12, 0), (16, 4), (16, 0), (12, 4), (12, 0), landuse="meadow")
    values = ("forest", "farmland", "grass", "meadow")
    scheme = classes(*((value, f"landuse={value}") for value in values), ("water", "natural=water"))
    source = osm_source(drawing.write(tmp_path / "a.osm"), is_raster=False)
    found = measured(source, scheme, GRID, size=32).hectares
    expected = {"forest": 0, "farmland": 0, "grass": 0, "water": geodesic_ha(12, 6, 16, 8)}
    assert found == pytest.approx({**expected, "meadow": geodesic_ha(12, 0, 16, 4) / 2}, rel=0.005)
    assert source.findings.repaired == 1


def test_gdal_says_nothing_of_its_own(tmp_path: Path) -> None:
    drawing = Map()
    left, right = drawing.way((0, 0), (10, 0), (10, 10)), drawing.way((0, 10), (0, 0))
    drawing.relation((left, "outer"), (right, "outer"), landuse="forest")
    path = drawing.write(tmp_path / "a.osm")
    code = (
        "import numpy as np, sys\nfrom pathlib import Path\nfrom geolabel import vector\n"
        "every = lambda table: np.ones(table.num_rows, bool)\n"
        "with vector.open_osm(Path(sys.argv[1]), ['landuse'], ['landuse'], every): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf"])
def test_a_region_without_features_is_unknown_and_said_at_the_end(tmp_path: Path, measured: Measure, name: str) -> None:
    """Not before: of several rasters some may lie beyond the extract."""
    source = osm_source(drawn().write(tmp_path / name), is_raster=False)
    far = Grid(GRID.crs, GRID.transform @ Affine.translation(50_000, 0), 200, 200)
    found = measured(source, SCHEME, far)
    assert found.known_ha == 0
    assert np.isnan(found.share).all()
    with pytest.raises(
        EmptyError, match=r"a\.osm.*: nothing in it with a class of the scheme lies on the tiles; check"
    ):
        source.findings.close()
    measured(source, SCHEME, GRID, size=256)
    source.findings.close()


def test_a_scheme_without_rules_for_osm_is_refused(tmp_path: Path, measured: Measure) -> None:
    source = osm_source(drawn().write(tmp_path / "a.osm"), is_raster=False)
    with pytest.raises(
        SchemeError, match=r"'clc-3' has no class with an osm rule; choose another, such as osm-landuse"
    ):
        measured(source, find_scheme("clc-3"), GRID)


def degrees(*places: tuple[float, float]) -> list[tuple[float, float]]:
    return [(9 + x * MILLI, 47 + y * MILLI) for x, y in places]


@pytest.mark.parametrize("form", ["columns", "other_tags", "fclass"])
def test_vector_files_with_tags_say_the_same_as_the_extract(tmp_path: Path, measured: Measure, form: str) -> None:
    """A column a key, all in GDAL's column of other tags, or the one column that extracts as shapefiles have."""
    features: list[tuple[dict[str, str], shapely.Geometry]] = [
        ({"landuse": "forest"}, shapely.box(9, 47, 9.01, 47.01).difference(shapely.box(9.002, 47.002, 9.004, 47.004))),
        ({"natural": "water"}, shapely.box(9.012, 47.006, 9.016, 47.008)),
        ({"waterway": "river"}, shapely.LineString(degrees((12, 12), (20, 12), (20, 16)))),
        ({"man_made": "mineshaft"}, shapely.Point(9.003, 47.014)),
        ({"man_made": "tower"}, shapely.Point(9.006, 47.014)),
        ({"highway": "primary"}, shapely.LineString(degrees((12, 0), (16, 0), (16, 4), (12, 4), (12, 0)))),
    ]
    columns: dict[str, list[str | None]] = {
        "columns": {key: [tags.get(key) for tags, _ in features] for tags, _ in features for key in tags},
        "other_tags": {"other_tags": [f'"{key}"=>"{value}"' for tags, _ in features for key, value in tags.items()]},
        "fclass": {"osm_id": [None] * 6, "fclass": [next(iter(tags.values())) for tags, _ in features]},
    }[form]
    frame = geopandas.GeoDataFrame(columns, geometry=[shape for _, shape in features], crs="EPSG:4326")
    frame.to_file(tmp_path / "tags.gpkg")
    source = osm_source(tmp_path / "tags.gpkg", is_raster=False)
    extract = osm_source(drawn().write(tmp_path / "a.osm"), is_raster=False)
    found = measured(source, SCHEME, GRID).hectares
    assert found == pytest.approx(measured(extract, SCHEME, GRID).hectares, rel=1e-5)
    assert min(found.values()) > 0
    assert source.describe(tmp_path / "tiles.parquet")["date"] is None


LIECHTENSTEIN = Grid("EPSG:32632", Affine(20, 0, 535_000, 0, -20, 5_265_000), 800, 2900)


@pytest.fixture(scope="module")
def liechtenstein(shared_data: Path) -> Path:
    return shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf"


def by_gdal(path: Path, folder: Path) -> geopandas.GeoDataFrame:
    """GDAL's own layer of areas, with its own settings."""
    if not shutil.which("ogr2ogr"):
        return geopandas.read_file(path, layer="multipolygons")
    command = ["ogr2ogr", "-q", "-f", "GPKG", str(folder / "areas.gpkg"), str(path), "multipolygons"]
    subprocess.run(command, check=True, capture_output=True)
    return geopandas.read_file(folder / "areas.gpkg")


def by_osmium(path: Path) -> geopandas.GeoDataFrame:
    """Areas that another program assembles: libosmium."""
    osmium = pytest.importorskip("osmium")
    values, shapes = [], []
    to_wkb = osmium.geom.WKBFactory()
    for area in osmium.FileProcessor(str(path)).with_areas(osmium.filter.KeyFilter("landuse")):
        if area.is_area() and "landuse" in area.tags:
            values.append(area.tags["landuse"])
            shapes.append(shapely.from_wkb(to_wkb.create_multipolygon(area)))
    return geopandas.GeoDataFrame({"landuse": values}, geometry=shapes, crs="EPSG:4326")


def test_real_land_use_by_value(liechtenstein: Path, tmp_path: Path, measured: Measure) -> None:
    """Hectares of each value of landuse; what overlaps counts once."""
    areas = by_gdal(liechtenstein, tmp_path).dropna(subset=["landuse"])
    west, south, east, north = areas.to_crs(LIECHTENSTEIN.crs).total_bounds
    left, bottom, right, top = LIECHTENSTEIN.bounds
    assert left < west
    assert bottom < south
    assert right > east
    assert top > north
    values = sorted(areas["landuse"].unique())
    scheme = classes(*((value, f"landuse={value}") for value in values))
    found = measured(osm_source(liechtenstein, is_raster=False), scheme, LIECHTENSTEIN, size=8).hectares
    assert len(found) == 26
    for others in (areas, by_osmium(liechtenstein)):
        union = others.to_crs("EPSG:3035").make_valid()
        expected = union.groupby(others["landuse"]).agg(lambda shapes: shapes.union_all().area / 10_000).to_dict()
        assert found == pytest.approx(expected, rel=0.005, abs=0.02)
    assert found["forest"] > 5_000


def test_the_date_of_a_real_extract(liechtenstein: Path) -> None:
    """As `osmium fileinfo` has it: osmosis_replication_timestamp=2021-05-05T20:21:43Z."""
    assert vector.osm_date(liechtenstein) == "2021-05-05"
    about = osm_source(liechtenstein, is_raster=False).describe(liechtenstein.parent / "tiles.parquet")
    assert about["date"] == "2021-05-05"
    assert "OpenStreetMap contributors" in about["attribution"]
    assert "ODbL" in about["attribution"]


def test_a_real_extract_that_breaks_off_is_refused(liechtenstein: Path, tmp_path: Path) -> None:
    whole = liechtenstein.read_bytes()
    rng = np.random.default_rng(0)
    places = {1, 3, 4, 5, 17, 20, len(whole) - 1, *rng.integers(1, len(whole), 60).tolist()}
    path = tmp_path / "cut.osm.pbf"
    for place in places:
        path.write_bytes(whole[:place])
        with pytest.raises(
            InputError, match=r"cut\.osm\.pbf: breaks off, or is damaged, at byte .* of .*; get it again"
        ):
            osm_source(path, is_raster=False)


@pytest.mark.filterwarnings("ignore::RuntimeWarning:geolabel.vector.indexed")
def test_a_full_disk_is_not_taken_for_the_end_of_the_extract(
    liechtenstein: Path, small_disk: Path, measured: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GDAL keeps an extract's nodes in a file of its own, and ends quietly where that cannot grow."""
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    monkeypatch.setenv("OSM_MAX_TMPFILE_SIZE", "1")
    source = osm_source(liechtenstein, is_raster=False)
    with pytest.raises(OutputError, match=r"small: a copy of .*liechtenstein.* cannot be written there.*TMPDIR=FOLDER"):
        measured(source, classes(("quarry", "landuse=quarry")), LIECHTENSTEIN)
    assert not list(small_disk.iterdir())


@pytest.mark.parametrize("share", [0.01, 0.4, 0.9, 0.999])
def test_a_real_extract_with_a_damaged_blob_is_refused(liechtenstein: Path, tmp_path: Path, share: float) -> None:
    """GDAL would take what comes before for all there is."""
    content = bytearray(liechtenstein.read_bytes())
    at = int(share * len(content))
    content[at : at + 8] = bytes(8)
    (tmp_path / "a.osm.pbf").write_bytes(content)
    with pytest.raises(
        InputError, match=r"a\.osm\.pbf: breaks off, or is damaged, at byte [\d,]+ of 2,426,410; get it"
    ):
        osm_source(tmp_path / "a.osm.pbf", is_raster=False)


def test_an_xml_extract_that_breaks_off_is_refused(tmp_path: Path) -> None:
    whole = drawn().write(tmp_path / "whole.osm").read_bytes()
    path = tmp_path / "cut.osm"
    for place in (10, 100, 300, 900, 1500, len(whole) - 200, len(whole) - 20, len(whole) - 4):
        path.write_bytes(whole[:place])
        with pytest.raises(InputError, match=r"cut\.osm: breaks off, or is damaged, in line \d+; get it again"):
            osm_source(path, is_raster=False)


NUMBERS = (21, 33, 31, 23, 32, 41, 22, 11, 12, 14, 5, 13, 42)
"""CORINE codes of osmlanduse.org's numbers from 0, as its legend has them."""
RASTER_GRID = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 13, 4)


@pytest.mark.parametrize("coding", ["numbers", "codes"])
def test_a_raster_of_osmlanduse(tmp_path: Path, write_raster: WriteRaster, measured: Measure, coding: str) -> None:
    values = np.arange(13) if coding == "numbers" else np.array(NUMBERS)
    pixels = np.tile(values.astype(np.uint8), (5, 1))[None]
    pixels[0, 4] = 255  # beyond its border, and the file does not say so
    source = osm_source(write_raster("landuse.tif", pixels), is_raster=True)
    scheme = find_scheme("osm-landuse")
    found = measured(source, scheme, Grid(RASTER_GRID.crs, RASTER_GRID.transform, 13, 5), size=4)
    pixel = found.area_ha.sum() / 65
    assert source.findings.unknown == {}
    by_code = {entry.rules.clc[0]: entry.name for entry in scheme.classes}
    assert found.hectares == pytest.approx({by_code[code]: 4 * pixel for code in NUMBERS})
    coarse = measured(source, find_scheme("clc-1"), RASTER_GRID, size=4).hectares
    counted = {str(first): sum(str(code)[0] == str(first) for code in NUMBERS) for first in range(1, 6)}
    assert list(coarse.values()) == pytest.approx([4 * pixel * count for count in counted.values()])
    about = source.describe(tmp_path / "t")
    assert about["coding"].startswith("osmlanduse" if coding == "numbers" else "CORINE codes of level 2")
    assert "osmlanduse.org" in about["attribution"]


def test_what_a_coarse_code_does_not_tell_stays_unknown(write_raster: WriteRaster, measured: Measure) -> None:
    """13 is mines, dumps and construction sites: perhaps a mine. All of 21 is none."""
    pixels = np.tile(np.array(NUMBERS, np.uint8), (4, 1))[None]
    source = osm_source(write_raster("landuse.tif", pixels), is_raster=True)
    found = measured(source, find_scheme("mining"), RASTER_GRID, size=1)
    known = found.shares.merged.known.reshape(4, 13)
    assert [NUMBERS[at] for at in np.flatnonzero(known[0] < 1e-6)] == [13]
    assert np.isnan(found.share).all(), "no code is a mine and nothing else: it cannot tell"
    assert source.findings.unknown == {}
    level_3 = measured(source, find_scheme("clc-3"), RASTER_GRID, size=1).shares.merged.known.reshape(4, 13)
    assert [NUMBERS[at] for at in np.flatnonzero(level_3[0])] == [23], "the only one with one code below it, 231"


def test_a_raster_that_is_none_of_osmlanduse_is_refused(write_raster: WriteRaster) -> None:
    with pytest.raises(
        InputError, match=r"other\.tif: is no raster of osmlanduse\.org: its codes are 100, 101.*--legend CSV"
    ):
        osm_source(write_raster("other.tif", np.array([[[100, 101]]], np.uint8)), is_raster=True)
    with pytest.raises(
        InputError, match=r"rgb\.tif: a class raster has one band of whole numbers, this has 3 of uint8"
    ):
        osm_source(write_raster("rgb.tif", np.ones((3, 2, 2), np.uint8)), is_raster=True)


def test_a_vector_file_without_tags_is_refused(tmp_path: Path, measured: Measure) -> None:
    frame = geopandas.GeoDataFrame({"use": ["a"]}, geometry=[shapely.box(9, 47, 9.1, 47.1)], crs="EPSG:4326")
    frame.to_file(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match=r"a\.gpkg: no column is an OSM key \(landuse, .*\); it has use\. For another"):
        measured(osm_source(tmp_path / "a.gpkg", is_raster=False), SCHEME, GRID)


def test_what_overpass_gives(tmp_path: Path, measured: Measure) -> None:
    """GeoJSON of its export: tags as properties, other kinds of geometry beside, an @id."""
    drawing = [
        ({"landuse": "forest", "@id": "way/1"}, shapely.box(9, 47, 9.01, 47.01)),
        ({"waterway": "river", "@id": "way/2", "width": "12"}, shapely.LineString([(9.012, 47.012), (9.02, 47.012)])),
        ({"landuse": None, "@id": "node/3"}, shapely.Point(9.003, 47.014)),
        ({"landuse": "forest", "@id": "way/4"}, None),
    ]
    features = [
        {"type": "Feature", "properties": tags, "geometry": json.loads(shapely.to_geojson(shape)) if shape else None}
        for tags, shape in drawing
    ]
    path = tmp_path / "export.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = measured(osm_source(path, is_raster=False), SCHEME, GRID).hectares
    assert found["forest"] == pytest.approx(geodesic_ha(0, 0, 10, 10), rel=0.003)
    assert found["river"] == pytest.approx((608 * 40 + 3.06 * 400) / 10_000, rel=0.01)
