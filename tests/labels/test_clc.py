"""CORINE Land Cover as a label source: real polygons against their raster, codes in every form they come in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geolabel import raster
from geolabel.errors import InputError, SchemeError
from geolabel.grid import Grid
from geolabel.labels.clc import CODES, below, clc_names, clc_source, code_numbers
from geolabel.labels.rules import Rules
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.labels.scheme_file import find_scheme

if TYPE_CHECKING:
    from tests.conftest import WriteRaster
    from tests.labels.conftest import Measure

CLC_3 = find_scheme("clc-3")
BY_CODE = {found.rules.clc[0]: found.name for found in CLC_3.classes}
PLACE = Affine(100, 0, 500_000, 0, -100, 5_500_000)
GRID = Grid("EPSG:32631", PLACE, 44, 10)


def own(*entries: tuple[str, tuple[int, ...]], group: str = "", background: tuple[int, ...] = ()) -> Scheme:
    classes = tuple(LabelClass(name, group=group, rules=Rules(clc=codes)) for name, codes in entries)
    return Scheme("own", classes, background=Rules(clc=background))


def nonzero(hectares: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in hectares.items() if value > 0}


@pytest.fixture(scope="module")
def granada(shared_data: Path) -> Path:
    return shared_data / "clc-granada"


def test_the_nomenclature() -> None:
    """44 classes: 11, 11, 12, 5 and 5 in the five classes of level 1, as the EEA's table has them."""
    assert len(set(CODES)) == 44
    assert [len(below(first)) for first in range(1, 6)] == [11, 11, 12, 5, 5]
    assert (below(13), below(231), below(45)) == ((131, 132, 133), (231,), ())
    assert list(CODES) == sorted(CODES)
    assert [CODES.index(code) + 1 for code in (111, 131, 211, 244, 311, 335, 411, 423, 511, 523)] == [
        *(1, 7, 12, 22, 23, 34, 35, 39, 40, 44)
    ]


@pytest.mark.parametrize("exact", [False, True])
def test_real_polygons_have_their_own_areas(granada: Path, measured: Measure, exact: bool) -> None:
    """By geopandas, on an equal-area plane; in another zone's metres than the polygons'."""
    source = clc_source(granada / "clc.gpkg", is_raster=False)
    grid = Grid("EPSG:32630", Affine(20, 0, 453_100, 0, -20, 4_099_800), 605, 945)
    found = measured(source, CLC_3, grid, size=16, exact=exact)
    frame = geopandas.read_file(granada / "clc.gpkg", layer="clc").to_crs("EPSG:3035")
    expected = (frame.area.groupby(frame["CODE_18"].astype(int)).sum() / 10_000).rename(BY_CODE).to_dict()
    assert nonzero(found.hectares) == pytest.approx(expected, rel=5e-4 if exact else 5e-3, abs=0.02 if exact else 0.2)
    about = source.describe(granada / "tiles.parquet")
    assert (about["date"], about["coding"]) == ("2018", "codes of level 3 in CODE_18")
    assert "Copernicus" in about["attribution"]
    assert "CORINE Land Cover 2018" in about["attribution"]
    assert source.findings.unknown == {}


def test_a_real_raster_is_counted_pixel_by_pixel(granada: Path, measured: Measure) -> None:
    path = granada / "clc.tif"
    source = clc_source(path, is_raster=True)
    grid = raster.describe(path).place
    found = measured(source, CLC_3, grid, size=50)
    with rasterio.open(path) as dataset:
        codes, counts = np.unique(dataset.read(1, masked=True).compressed(), return_counts=True)
    pixel_ha = found.area_ha.sum() / (grid.width * grid.height)
    assert pixel_ha == pytest.approx(0.0625, rel=1e-3)
    expected = {BY_CODE[code]: count * pixel_ha for code, count in zip(codes.tolist(), counts.tolist(), strict=True)}
    assert nonzero(found.hectares) == pytest.approx(expected, rel=1e-6)
    assert source.describe(path)["coding"] == "codes of level 3 (111–523)"


def test_a_real_raster_and_its_polygons_agree(granada: Path, measured: Measure) -> None:
    """Seen from a grid that is neither's; 25 m pixels cannot follow the borders of small areas."""
    grid = Grid("EPSG:32630", Affine(10, 0, 455_003, 0, -10, 4_098_007), 900, 1600)
    of_raster, of_vector = (
        measured(clc_source(granada / name, is_raster=is_raster), CLC_3, grid)
        for name, is_raster in (("clc.tif", True), ("clc.gpkg", False))
    )
    assert of_raster.hectares == pytest.approx(of_vector.hectares, rel=0.02, abs=1)
    apart = np.abs(of_raster.share - of_vector.share).sum(axis=0) / 2
    assert apart.mean() < 0.02
    assert sum(of_vector.hectares.values()) == pytest.approx(14_400, rel=2e-3)


def test_grid_codes_say_the_same_as_codes(granada: Path, write_raster: WriteRaster, measured: Measure) -> None:
    with rasterio.open(granada / "clc.tif") as dataset:
        codes, valid = dataset.read(1), dataset.dataset_mask() > 0
        place, crs = dataset.transform, dataset.crs
    grid_codes = np.where(valid, np.searchsorted(CODES, codes) + 1, 48).astype(np.uint8)[None]
    path = write_raster("U2018_CLC2018_V2020_20u1.tif", grid_codes, crs=crs, transform=place)
    source = clc_source(path, is_raster=True)
    grid = raster.describe(path).place
    found = measured(source, CLC_3, grid)
    expected = measured(clc_source(granada / "clc.tif", is_raster=True), CLC_3, grid)
    np.testing.assert_array_equal(found.share, expected.share)
    about = source.describe(path)
    assert (about["coding"], about["date"]) == ("grid codes (1–44)", "2018")
    assert source.findings.unknown == {}


WIDE = ["int16", "uint16", "int32", "uint32"]


@pytest.mark.parametrize(
    ("dtype", "grid_codes"), [("uint8", True), *((dtype, short) for dtype in WIDE for short in (False, True))]
)
def test_all_44_codes(write_raster: WriteRaster, measured: Measure, dtype: str, grid_codes: bool) -> None:
    values = np.arange(1, 45) if grid_codes else np.array(CODES)
    pixels = np.tile(values, (11, 1)).astype(dtype)[None]
    pixels[0, 10] = nodata = -128 if dtype == "int8" else 0
    path = write_raster("clc.tif", pixels, transform=PLACE, nodata=nodata)
    source = clc_source(path, is_raster=True)
    found = measured(source, CLC_3, Grid(GRID.crs, PLACE, 44, 11), size=11)
    each = found.area_ha.sum() / 44 * 10 / 11
    assert found.hectares == pytest.approx(dict.fromkeys(CLC_3.names, each))
    assert source.findings.unknown == {}
    assert list(found.hectares) == [BY_CODE[code] for code in CODES]


FIELDS = [
    ({"Code_18": "311"}, "Code_18", "2018"),
    ({"CODE_12": 311}, "CODE_12", "2012"),
    ({"code_00": "311"}, "code_00", "2000"),
    ({"CODE_90": "311"}, "CODE_90", "1990"),
    ({"clc_code": 311.0}, "clc_code", None),
    ({"CODE_06": "131", "CODE_12": "131", "CODE_18": "311"}, "CODE_18", "2018"),
    ({"CODE_90": "131", "CODE_00": "311"}, "CODE_00", "2000"),
    ({"CODE_18": "forest", "CODE_12": "311"}, "CODE_12", "2012"),
    ({"ID": "131", "Code_18": "311", "Area_Ha": 131.0, "Remark": "131"}, "Code_18", "2018"),
    ({"clc2018": "311"}, "clc2018", "2018"),
    ({"landcover": "311"}, None, None),
]


@pytest.mark.parametrize(("fields", "field", "year"), FIELDS)
@pytest.mark.parametrize("driver", ["gpkg", "shp"])
def test_the_field_with_codes_is_found(
    tmp_path: Path, measured: Measure, fields: dict[str, object], field: str | None, year: str | None, driver: str
) -> None:
    path = tmp_path / f"clc.{driver}"
    box = shapely.box(500_000, 5_499_000, 504_400, 5_500_000)
    geopandas.GeoDataFrame({name: [value] for name, value in fields.items()}, geometry=[box], crs=GRID.crs).to_file(
        path
    )
    if field is None:
        with pytest.raises(
            InputError, match=r"clc\.\w+: no field with CORINE codes \(Code_18, .*; it has landcover\. Name"
        ):
            clc_source(path, is_raster=False)
        return
    source = clc_source(path, is_raster=False)
    about = source.describe(path)
    assert (about["coding"], about["date"]) == (f"codes of level 3 in {field}", year)
    assert nonzero(measured(source, CLC_3, GRID).hectares) == pytest.approx({"broad_leaved_forest": 439.9}, rel=2e-3)


def test_the_year_of_a_file_that_its_field_does_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "CLC_2012_spain.gpkg"
    geopandas.GeoDataFrame({"clc_code": ["311"]}, geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4326").to_file(path)
    assert clc_source(path, is_raster=False).describe(path)["date"] == "2012"


def test_layers_without_codes_or_without_a_place_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    table = geopandas.GeoDataFrame({"style": ["x"]}, geometry=[None], crs=None)
    import pyogrio

    pyogrio.write_dataframe(table.drop(columns="geometry"), path, layer="styles")
    box = [shapely.box(0, 0, 1, 1)]
    geopandas.GeoDataFrame({"name": ["Granada"]}, geometry=box, crs="EPSG:4326").to_file(path, layer="city")
    geopandas.GeoDataFrame({"Code_18": ["311"]}, geometry=box, crs="EPSG:4326").to_file(path, layer="clc")
    assert clc_source(path, is_raster=False).describe(path)["coding"] == "codes of level 3 in Code_18"


def test_the_longest_rule_decides() -> None:
    """Mines by 131, what else is dug or dumped by 13, the rest that is built by 1."""
    numbers = code_numbers(own(("built", (1,)), ("mine", (131,)), ("dug", (13,)), ("green", (14, 3))))
    of = [numbers[code][0] for code in (111, 124, 131, 132, 133, 141, 311, 211, 523)]
    assert of == [1, 1, 2, 3, 3, 4, 4, 0, 0]
    with_background = code_numbers(own(("built", (1,)), ("forest", (31,)), background=(13, 3, 131)))
    assert [with_background[code][0] for code in (111, 131, 132, 311, 321, 211)] == [1, 3, 3, 2, 3, 0]


def test_groups_are_told_apart_and_one_without_codes_stays_silent() -> None:
    scheme = Scheme(
        "own",
        (
            LabelClass("mine", rules=Rules(clc=(131,))),
            LabelClass("built", group="cover", rules=Rules(clc=(1,))),
            LabelClass("haze", group="weather"),
        ),
        background=Rules(clc=(2,)),
    )
    numbers = code_numbers(scheme)
    assert [numbers[code] for code in (131, 111, 211, 311)] == [(1, 2, 0), (0, 2, 0), (4, 4, 0), (0, 0, 0)]
    assert clc_names(scheme).tolist() == [True, True, False]
    with pytest.raises(
        SchemeError, match=r"'planet-amazon' has no class with a clc rule; choose another, such as clc-3, or "
    ):
        code_numbers(find_scheme("planet-amazon"))


RULES = st.lists(st.sampled_from([1, 2, 3, 4, 5, 13, 31, 32, 131, 133, 311, 312, 523]), unique=True, max_size=4)


@given(st.lists(RULES, min_size=1, max_size=4), RULES)
def test_codes_by_the_letter(described: list[list[int]], background: list[int]) -> None:
    taken: set[int] = set()
    rules = []
    for entry in described:  # a code may stand in one class only
        rules.append(tuple(code for code in entry if code not in taken))
        taken |= set(entry)
    if not any(rules):
        return
    scheme = own(*((f"c{at}", codes) for at, codes in enumerate(rules)), background=tuple(background))
    for code, (number,) in code_numbers(scheme).items():
        expected = 0
        for digits in (1, 2, 3):  # a longer rule overrules what a shorter one said
            prefix = int(str(code)[:digits])
            if prefix in background:
                expected = len(rules) + 1
            for at, codes in enumerate(rules, start=1):
                if prefix in codes:
                    expected = at
        assert number == expected


def test_codes_that_are_none_are_counted_pixel_by_pixel(write_raster: WriteRaster, measured: Measure) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.choice(CODES, (1, 600, 44)).astype(np.uint16)
    strange = rng.choice(pixels.size, 150, replace=False)
    pixels.reshape(-1)[strange[:137]] = 777
    pixels.reshape(-1)[strange[137:]] = 140
    pixels[0, 0, :5] = (0, 48, 255, 999, 65535)
    counts = {code: int((pixels == code).sum()) for code in (777, 140, 65535)}
    path = write_raster("clc.tif", pixels, transform=PLACE)
    source = clc_source(path, is_raster=True)
    found = measured(source, CLC_3, Grid("EPSG:32631", PLACE, 44, 600), size=11, min_known=0.5)
    assert source.findings.unknown == {f"clc.tif code {code}": count for code, count in counts.items()}
    unseen = sum(counts.values()) + 4
    assert found.known_ha == pytest.approx(found.area_ha.sum() * (1 - unseen / pixels.size), rel=1e-6)


def test_strange_codes_beyond_the_tiles_are_not_spoken_of(write_raster: WriteRaster, measured: Measure) -> None:
    pixels = np.full((1, 20, 44), 311, np.uint16)
    pixels[0, 15:] = 777
    source = clc_source(write_raster("clc.tif", pixels, transform=PLACE), is_raster=True)
    measured(source, CLC_3, GRID)
    assert source.findings.unknown == {}


def test_declared_nodata_is_no_code(write_raster: WriteRaster, measured: Measure) -> None:
    pixels = np.full((1, 10, 44), 311, np.uint16)
    pixels[0, :, 22:] = 7
    path = write_raster("clc.tif", pixels, transform=PLACE, nodata=7)
    source = clc_source(path, is_raster=True)
    found = measured(source, CLC_3, GRID, size=11)
    np.testing.assert_allclose(found.shares.merged.known, [1, 1, 0, 0], atol=1e-6)
    assert source.findings.unknown == {}


def test_a_value_that_is_no_code_is_counted_by_feature(tmp_path: Path, measured: Measure) -> None:
    codes = ["311", "777", "777", None, "", "31", "131"]
    boxes = [shapely.box(500_000 + at * 600, 5_499_000, 500_600 + at * 600, 5_500_000) for at in range(7)]
    path = tmp_path / "clc.gpkg"
    geopandas.GeoDataFrame({"Code_18": codes}, geometry=boxes, crs=GRID.crs).to_file(path)
    source = clc_source(path, is_raster=False)
    found = measured(source, CLC_3, GRID).hectares
    assert nonzero(found) == pytest.approx(dict.fromkeys(("broad_leaved_forest", "mineral_extraction_sites"), 60), 2e-3)
    assert source.findings.unknown == {"clc.gpkg Code_18=777": 2, "clc.gpkg Code_18=31": 1}


def test_codes_that_a_scheme_leaves_out_are_not_listed(granada: Path, measured: Measure) -> None:
    scheme = own(("forest", (31,)), ("fruit", (22,)))
    grid = raster.describe(granada / "clc.tif").place
    for name, is_raster in (("clc.tif", True), ("clc.gpkg", False)):
        source = clc_source(granada / name, is_raster=is_raster)
        found = measured(source, scheme, grid, size=100).hectares
        assert found == pytest.approx({"forest": 2_230, "fruit": 2_347}, rel=0.005)
        assert source.findings.unknown == {}


OTHERS = {
    "worldcover": (np.array([10, 20, 30, 40, 50, 60, 80, 90, 95, 100]), "its codes are 10, 20, .* and 2 more"),
    "many": (np.arange(1, 250), "its codes are 1, 2, 3"),
    "ids": (np.arange(10_000, 10_100), "its codes are 10000, 10001"),
    "nothing": (np.array([0, 0, 255]), "its codes are none\\."),
    "level 2": (np.array([11, 12, 31, 32, 512, 511, 600, 700, 800, 900]), "its codes are 11, 12"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_raster_that_is_no_clc_is_refused(write_raster: WriteRaster, kind: str) -> None:
    values, says = OTHERS[kind]
    path = write_raster("other.tif", values.astype(np.uint16)[None, None])
    with pytest.raises(
        InputError, match=rf"other\.tif: neither CORINE codes \(111–523\) nor grid codes .*{says}.*--raster"
    ):
        clc_source(path, is_raster=True)


def test_a_vector_that_is_no_clc_is_refused(shared_data: Path) -> None:
    path = shared_data / "para-landsat" / "training_lsat.geojson"
    with pytest.raises(InputError, match=r"no field with CORINE codes .*; it has .*class.*--field NAME --scheme clc-3"):
        clc_source(path, is_raster=False)


def test_two_sources_of_the_same_file_do_not_share_what_was_found(granada: Path, measured: Measure) -> None:
    first, second = (clc_source(granada / "clc.gpkg", is_raster=False) for _ in range(2))
    measured(replace(first, name="clc_2"), CLC_3, Grid("EPSG:25830", Affine(100, 0, 455_000, 0, -100, 4_095_000), 9, 9))
    assert first.findings.touched
    assert not second.findings.touched
