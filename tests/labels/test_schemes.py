"""The built-in schemes: whole, as the legends have them, and true to what OpenStreetMap's tags mean."""

from __future__ import annotations

import csv
import json
import os
import re
import tarfile
from importlib import resources
from pathlib import Path

import pytest

from geolabel.labels.review import warnings
from geolabel.labels.rules import OsmRule
from geolabel.labels.scheme import Scheme
from geolabel.labels.scheme_file import built_in, find_scheme

NAMES = (
    *("bigearthnet-19", "clc-1", "clc-2", "clc-3", "forest", "mapbiomas", "mining", "osm-landuse", "planet-amazon"),
    "worldcover",
)
NO_MAP_SAYS = ("clear", "partly_cloudy", "cloudy", "haze", "cultivation", "blooming", "selective_logging")
BACKGROUND = "background"


@pytest.fixture(scope="session")
def legends() -> Path:
    """The folder of legends, beside that of real data."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("GEOLABEL_TEST_DATA", beside)).parent / "legends"
    if not folder.is_dir():
        pytest.skip(f"the legends are not here: {folder}")
    return folder


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def color(row: dict[str, str]) -> str:
    return "#" + "".join(f"{int(row[channel]):02x}" for channel in "rgb")


def holds(rule: OsmRule, tags: dict[str, str]) -> bool:
    """A rule read as the documentation words it."""
    for word in rule.tags.split():
        key, values = word.split("!=" if "!=" in word else "=")
        there = key in tags and (values == "*" or tags[key] in values.split("|"))
        if there == ("!=" in word):
            return False
    return True


def class_of(scheme: Scheme, tags: str | dict[str, str], *, line: bool = False) -> str | None:
    """The class of a feature: higher priorities, then earlier classes first; then the background; None unknown."""
    found = dict(word.split("=") for word in tags.split()) if isinstance(tags, str) else tags
    order = sorted(scheme.classes, key=lambda entry: -entry.priority)
    for name, rules in [*((entry.name, entry.rules) for entry in order), (BACKGROUND, scheme.background)]:
        if any(holds(rule, found) and (rule.width_m or not line) for rule in rules.osm):
            return name
    return None


def test_these_schemes_come_with_geolabel() -> None:
    assert built_in() == NAMES
    inside = resources.files("geolabel.labels") / "schemes"
    assert {entry.name for entry in inside.iterdir()} == {f"{name}.toml" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_scheme_is_whole(name: str) -> None:
    scheme = find_scheme(name)
    text = (resources.files("geolabel.labels") / "schemes" / f"{name}.toml").read_text(encoding="utf-8")
    assert (scheme.name, scheme.version) == (name, 1)
    assert scheme.title
    assert text.count("\ntitle = ") == text.count("\nname = ") == 1 + len(scheme.classes)
    assert text.count("\ncolor = ") == len(scheme.classes)
    assert all(re.fullmatch("[a-z][a-z0-9_]*", found.name) and len(found.name) <= 32 for found in scheme.classes)
    assert len({found.title for found in scheme.classes}) == len(scheme.classes)
    assert Scheme.from_json(json.loads(json.dumps(scheme.to_json()))) == scheme
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_there_is_little_to_warn_of(name: str) -> None:
    known = {
        "clc-3": ["colours hardly to be told apart: salines #e6e6ff, sea_and_ocean #e6f2ff"],  # CORINE's own
        "planet-amazon": [f"no rules: {', '.join(NO_MAP_SAYS)}, slash_burn, blow_down; found by name only"],
    }
    found = warnings(find_scheme(name))
    assert len(found) == len(known.get(name, []))
    assert all(text.startswith(start) for text, start in zip(found, known.get(name, []), strict=True))


@pytest.mark.parametrize(
    ("name", "count", "group"),
    [("clc-1", 5, "clc-1"), ("clc-2", 15, "clc-2"), ("clc-3", 44, "clc-3"), ("osm-landuse", 13, "osm-landuse"),
     ("mapbiomas", 29, "mapbiomas"), ("worldcover", 11, "worldcover"), ("bigearthnet-19", 19, "")],
)  # fmt: skip
def test_land_cover_excludes_itself_and_labels_of_patches_do_not(name: str, count: int, group: str) -> None:
    scheme = find_scheme(name)
    assert {found.group for found in scheme.classes} == {group}
    assert len(scheme.classes) == count


def test_corine_is_as_its_legend(legends: Path) -> None:
    legend = [row for row in rows(legends / "clc_legend.csv") if row["clc1"]]
    three, two, one = (find_scheme(f"clc-{level}") for level in (3, 2, 1))
    assert [(row["clc3"], row["name"], color(row)) for row in legend] == [
        (str(found.rules.clc[0]), found.title, found.color) for found in three.classes
    ]
    for fine, coarse, key, above in ((three, two, "clc3", "clc2"), (two, one, "clc2", "clc1")):
        codes = {found.name: found.rules.clc for found in coarse.classes}
        parent = {int(row[key]): int(row[above]) for row in legend}
        assert fine.parents == coarse.name
        for found in fine.classes:
            assert codes[found.parent] == (parent[found.rules.clc[0]],)
    for scheme, key in ((two, "clc2"), (one, "clc1")):
        assert {(row[key], row[f"{key}_name"]) for row in legend} == {
            (str(found.rules.clc[0]), found.title) for found in scheme.classes
        }


def test_osmlanduse_is_as_its_legend(legends: Path) -> None:
    scheme = find_scheme("osm-landuse")
    assert {(int(row["code"]), row["name"], color(row)) for row in rows(legends / "osmlanduse_legend.csv")} == {
        (found.rules.clc[0], found.title, found.color) for found in scheme.classes
    }
    above = {found.name: found.rules.clc[0] for found in find_scheme("clc-1").classes}
    for found in scheme.classes:
        assert found.rules.raster == found.rules.clc
        assert int(str(found.rules.clc[0])[0]) == above[found.parent]
        assert found.rules.osm


def test_level_two_has_the_colours_of_osmlanduse() -> None:
    osm = {found.rules.clc[0]: found.color for found in find_scheme("osm-landuse").classes}
    two = {found.rules.clc[0]: found.color for found in find_scheme("clc-2").classes}
    assert {code: two[code] for code in osm if code in two} == {code: osm[code] for code in osm if code in two}
    assert set(two) - set(osm) == {24, 51, 52}


def test_mapbiomas_has_the_leaves_of_its_legend(shared_data: Path) -> None:
    legend = rows(shared_data / "mapbiomas-amapa" / "Codigos-da-legenda-colecao-8.csv", ";")
    levels = [int(row["Level"]) for row in legend] + [0]
    leaves = {int(row["Class_ID"]): row for at, row in enumerate(legend) if levels[at + 1] <= levels[at]}
    assert leaves.pop(27)["Description"].strip() == "Not Observed"
    scheme = find_scheme("mapbiomas")
    assert {found.rules.raster[0]: found.color for found in scheme.classes} == {
        code: row["Color"].lower() for code, row in leaves.items()
    }
    title = {found.rules.raster[0]: found.title for found in scheme.classes}
    assert all(row["Description"].strip().lower().startswith(title[code].lower()) for code, row in leaves.items())


@pytest.mark.parametrize("name", ["forest", "mining"])
def test_every_code_of_mapbiomas_is_the_class_or_known_not_to_be(name: str, shared_data: Path) -> None:
    legend = rows(shared_data / "mapbiomas-amapa" / "Codigos-da-legenda-colecao-8.csv", ";")
    scheme = find_scheme(name)
    codes = [*scheme.classes[0].rules.raster, *scheme.background.raster]
    assert sorted(codes) == sorted({int(row["Class_ID"]) for row in legend} - {27})


def test_worldcover_has_its_codes() -> None:
    codes = [found.rules.raster for found in find_scheme("worldcover").classes]
    assert codes == [(10,), (20,), (30,), (40,), (50,), (60,), (70,), (80,), (90,), (95,), (100,)]


def test_bigearthnet_knows_each_label_of_the_first_one_once() -> None:
    scheme, three = find_scheme("bigearthnet-19"), find_scheme("clc-3")
    tags = [tag for found in scheme.classes for tag in found.rules.tags] + list(scheme.background.tags)
    assert len(set(tags)) == len(tags)
    labels = {found.rules.tags[0] for found in three.classes} - {"Glaciers and perpetual snow"}
    assert len(labels) == 43
    assert labels <= set(tags)
    assert {found.title for found in scheme.classes} <= set(tags)
    codes = [code for found in scheme.classes for code in found.rules.clc] + list(scheme.background.clc)
    assert sorted(codes) == [found.rules.clc[0] for found in three.classes]


def test_labels_of_real_patches_are_known(shared_data: Path) -> None:
    labels: set[str] = set()
    with tarfile.open(shared_data / "bigearthnet" / "BigEarthNet-S2-Example.tar.bz2") as archive:
        for member in archive:
            if member.name.endswith(".json"):
                stream = archive.extractfile(member)
                assert stream is not None
                labels |= set(json.load(stream)["labels"])
    assert len(labels) > 8
    for name in ("bigearthnet-19", "clc-3"):
        scheme = find_scheme(name)
        assert labels <= {tag for found in scheme.classes for tag in found.rules.tags} | set(scheme.background.tags)


def test_planet_amazon_has_four_of_weather_and_thirteen_of_land() -> None:
    groups = find_scheme("planet-amazon").groups()
    assert {group: len(members) for group, members in groups.items()} == {"weather": 4, "": 13}
    assert not any(find_scheme("planet-amazon").classes[at].rules.osm for at in groups["weather"])
    widths = {rule.width_m for found in find_scheme("planet-amazon").classes for rule in found.rules.osm}
    assert widths > {None, 5.0, 30.0}


def test_mines_and_forests_have_a_cut_of_their_own() -> None:
    assert find_scheme("mining").classes[0].presence == 0.03
    assert find_scheme("forest").classes[0].presence == 0.5


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("landuse=residential", "urban_fabric"),
        ("landuse=residential natural=scrub", "urban_fabric"),
        ("highway=pedestrian area=yes", "urban_fabric"),
        ("highway=pedestrian", None),
        ("landuse=retail", "industrial_commercial"),
        ("landuse=industrial", "industrial_commercial"),
        ("landuse=industrial industrial=port", "industrial_commercial"),
        ("landuse=industrial industrial=mine", "mine_dump_construction"),
        ("amenity=parking", "industrial_commercial"),
        ("amenity=parking parking=underground", None),
        ("amenity=school landuse=grass", "industrial_commercial"),
        ("aeroway=aerodrome landuse=grass", "industrial_commercial"),
        ("power=plant plant:source=solar", "industrial_commercial"),
        ("power=plant plant:source=wind", None),
        ("landuse=military", None),
        ("military=barracks landuse=military", "industrial_commercial"),
        ("landuse=quarry", "mine_dump_construction"),
        ("landuse=quarry resource=gold", "mine_dump_construction"),
        ("landuse=quarry natural=water", "water_bodies"),
        ("man_made=tailings_pond natural=water", "mine_dump_construction"),
        ("landuse=landfill", "mine_dump_construction"),
        ("leisure=park natural=wood", "artificial_vegetated"),
        ("leisure=pitch surface=grass", "artificial_vegetated"),
        ("leisure=swimming_pool", None),
        ("landuse=cemetery", "artificial_vegetated"),
        ("landuse=farmland", "arable_land"),
        ("landuse=farmland crop=rice", "arable_land"),
        ("landuse=farmland crop=grape", "permanent_crops"),
        ("landuse=vineyard", "permanent_crops"),
        ("landuse=meadow natural=fell", "pastures"),
        ("landuse=forest leisure=nature_reserve", "forests"),
        ("leisure=nature_reserve", None),
        ("natural=wood", "forests"),
        ("natural=scrub", "scrub_herbaceous"),
        ("landuse=grass", "scrub_herbaceous"),
        ("natural=fell", "scrub_herbaceous"),
        ("natural=scree", "open_spaces"),
        ("natural=glacier", "open_spaces"),
        ("natural=mud", "open_spaces"),
        ("natural=mud tidal=yes", "coastal_wetlands"),
        ("natural=wetland", "inland_wetlands"),
        ("natural=wetland wetland=bog", "inland_wetlands"),
        ("natural=wetland wetland=saltmarsh", "coastal_wetlands"),
        ("natural=wetland tidal=yes", "coastal_wetlands"),
        ("landuse=salt_pond", "coastal_wetlands"),
        ("natural=water water=river", "water_bodies"),
        ("landuse=basin", "water_bodies"),
        ("landuse=basin basin=detention", None),
        ("landuse=reservoir reservoir_type=sewage", "industrial_commercial"),
        ("landuse=winter_sports", None),
        ("boundary=administrative", None),
        ("natural=coastline", None),
    ],
)
def test_land_use_by_tags(tags: str, wanted: str | None) -> None:
    assert class_of(find_scheme("osm-landuse"), tags) == wanted


@pytest.mark.parametrize(
    ("name", "tags", "wanted"),
    [
        ("mining", "landuse=quarry", "mine"),
        ("mining", "landuse=quarry natural=bare_rock", "mine"),
        ("mining", "landuse=industrial industrial=mine", "mine"),
        ("mining", "landuse=industrial resource=gold", "mine"),
        ("mining", "landuse=industrial resource=oil", BACKGROUND),
        ("mining", "man_made=tailings_pond natural=water", "mine"),
        ("mining", "landuse=forest", BACKGROUND),
        ("mining", "natural=coastline", None),
        ("mining", "landuse=military", None),
        ("mining", "building=yes", BACKGROUND),
        ("mining", "building=no", None),
        ("forest", "natural=wood", "forest"),
        ("forest", "landuse=forest leisure=park", "forest"),
        ("forest", "landuse=farmland", BACKGROUND),
        ("forest", "landuse=quarry", BACKGROUND),
        ("forest", "natural=water", BACKGROUND),
        ("forest", "natural=peninsula", None),
        ("forest", "leisure=park", None),
        ("forest", "landuse=military", None),
        ("planet-amazon", "landuse=quarry resource=gold", "artisinal_mine"),
        ("planet-amazon", "landuse=quarry resource=iron_ore", "conventional_mine"),
        ("planet-amazon", "landuse=quarry", "conventional_mine"),
        ("planet-amazon", "natural=wood", "primary"),
        ("planet-amazon", "landuse=meadow", "agriculture"),
        ("planet-amazon", "building=house", "habitation"),
        ("planet-amazon", "natural=sand", "bare_ground"),
        ("planet-amazon", "natural=wetland", BACKGROUND),
    ],
)
def test_areas_by_tags(name: str, tags: str, wanted: str | None) -> None:
    assert class_of(find_scheme(name), tags) == wanted


@pytest.mark.parametrize(
    ("name", "tags", "wanted"),
    [
        ("planet-amazon", "highway=track", "road"),
        ("planet-amazon", "highway=footway", None),
        ("planet-amazon", "waterway=river", "water"),
        ("planet-amazon", "waterway=riverbank", None),
        ("mining", "man_made=adit", "mine"),
        ("mining", "man_made=mineshaft", "mine"),
        ("mining", "landuse=quarry", None),
        ("osm-landuse", "highway=residential", None),
        ("osm-landuse", "waterway=river", None),
        ("forest", "natural=tree_row", None),
    ],
)
def test_lines_and_points_by_tags(name: str, tags: str, wanted: str | None) -> None:
    assert class_of(find_scheme(name), tags, line=True) == wanted


def test_little_land_of_a_real_extract_is_left_without_a_class(shared_data: Path) -> None:
    from pyogrio.raw import read

    path = shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf"
    keys = ["landuse", "natural", "leisure"]
    meta, _, _, columns = read(path, layer="multipolygons", read_geometry=False)
    position = {str(name): at for at, name in enumerate(meta["fields"])}
    named = [name for name in position if name not in ("osm_id", "osm_way_id", "name", "type", "other_tags")]
    pattern = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
    scheme, unmatched, count = find_scheme("osm-landuse"), set(), 0
    for row in range(len(columns[0])):
        tags = {name: columns[position[name]][row] for name in named if columns[position[name]][row]}
        tags |= dict(pattern.findall(columns[position["other_tags"]][row] or ""))
        if any(key in tags for key in keys):
            count += 1
            if class_of(scheme, tags) is None:
                unmatched |= {f"{key}={tags[key]}" for key in keys if key in tags}
    assert count > 4_000
    assert unmatched == {
        "landuse=farmy",  # a slip of the pen
        "landuse=traffic_island",  # metres
        "landuse=winter_sports",  # says nothing of the ground
        "leisure=nature_reserve",
        "leisure=sports_hall",  # a building
        "leisure=swimming_pool",  # part of the urban fabric around it
        "natural=cliff",  # a line
        "natural=stone",
        "natural=yes",
    }
