"""`geolabel label` from OpenStreetMap and CORINE Land Cover, against what is seen at many points of each tile."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
from PIL import Image

from tests.cli.label_scene import OF_CODE, Scene, Seen, agree, drawn, read, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

OSM_FILES = ("map.osm", "map.osm.pbf", "map.gpkg", "gis_osm_landuse_a_free_1.shp")


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", OSM_FILES)
def test_openstreetmap_in_every_form(cli: Callable[..., Done], scene: Scene, seen: Seen, name: str, exact: bool):
    if name.endswith(".pbf"):
        drawn().write(scene / name)
    done = cli("label", scene.tiles, "--osm", scene / name, "--json", *(["--exact"] if exact else []))
    assert done.code == 0, done.err
    columns, about = read(scene.tiles)
    label = shares(scene.tiles)
    assert len(label) == 13
    for at, values in label.items():
        agree(values, seen.osm == at, seen.osm != "")
    np.testing.assert_allclose(columns["known"].astype(float), (seen.osm != "").mean(axis=1), atol=0.04)
    (source,) = about["label_sources"]
    dated = name.startswith("map.osm")
    assert (source["name"], source["path"], source["date"]) == ("osm", name, "2024-03-02" if dated else None)
    assert "ODbL" in source["attribution"]
    assert about["scheme"]["name"] == "osm-landuse"
    assert about["history"] == ["tile", "label"]
    assert (about["labelling"]["exact"], about["labelling"]["merge"]) == (exact, None)


@pytest.mark.parametrize("name", ["U2018_CLC2018.tif", "clc.gpkg"])
def test_corine_land_cover_as_raster_and_as_polygons(cli: Callable[..., Done], scene: Scene, seen: Seen, name: str):
    done = cli("label", scene.tiles, "--clc", scene / name, "--json")
    assert done.code == 0, done.err
    label = shares(scene.tiles)
    assert len(label) == 44
    names = {
        "broad_leaved_forest": 311,
        "mineral_extraction_sites": 131,
        "water_bodies": 512,
        "non_irrigated_arable_land": 211,
    }
    for at, values in label.items():
        agree(values, seen.clc == OF_CODE.get(names.get(at, 0)), seen.clc != "")
    (source,) = read(scene.tiles)[1]["label_sources"]
    assert (source["date"], source["path"]) == ("2018", name)
    assert "Copernicus" in source["attribution"]
    assert "2018" in source["attribution"]


def test_priority_takes_the_earlier_source(cli: Callable[..., Done], scene: Scene, seen: Seen):
    """OSM before CLC, in whatever order they are given."""
    words = ("--clc", scene / "clc.gpkg", "--osm", scene / "map.osm", "--json")
    done = cli("label", scene.tiles, *words)
    assert done.code == 0, done.err
    merged = np.where(seen.osm != "", seen.osm, seen.clc)
    columns, about = read(scene.tiles)
    for at, values in shares(scene.tiles).items():
        agree(values, merged == at, merged != "")
        agree(columns[f"osm.{at}"].astype(float), seen.osm == at, seen.osm != "")
        agree(columns[f"clc.{at}"].astype(float), seen.clc == at, seen.clc != "")
    both = (seen.osm != "") & (seen.clc != "")
    alike = both & (seen.osm == seen.clc)
    enough = both.mean(axis=1) > 0.3
    expected = alike[enough].sum(axis=1) / both[enough].sum(axis=1)
    np.testing.assert_allclose(columns["agree"][enough].astype(float), expected, atol=0.08)
    assert not [value for value in columns["agree"][~both.any(axis=1)] if value is not None and value > 0.5]
    assert [entry["name"] for entry in about["label_sources"]] == ["osm", "clc"]
    assert about["labelling"]["merge"] == "priority"
    assert done.json["agreement"] == pytest.approx(np.nanmean(columns["agree"].astype(float)), abs=0.1)
    exact = scene / "exact.parquet"
    assert cli("label", scene.tiles, *words, "--exact", "-o", exact).code == 0
    for at, values in shares(exact).items():
        np.testing.assert_allclose(values, shares(scene.tiles)[at], atol=0.01)


def test_agreement_knows_only_what_both_say(cli: Callable[..., Done], scene: Scene, seen: Seen):
    done = cli("label", scene.tiles, "--osm", scene / "map.osm", "--clc", scene / "clc.gpkg", "--merge", "agreement")
    assert done.code == 0, done.err
    both = np.where((seen.osm == seen.clc) & (seen.osm != ""), seen.osm, "")
    columns, _ = read(scene.tiles)
    np.testing.assert_allclose(columns["known"].astype(float), (both != "").mean(axis=1), atol=0.04)
    for at, values in shares(scene.tiles).items():
        agree(values, both == at, both != "")


def test_separate_keeps_the_classes_of_each(cli: Callable[..., Done], scene: Scene, seen: Seen):
    words = ("--osm", scene / "map.osm", "--clc", scene / "clc.gpkg", "--merge", "separate", "--scheme", "mining")
    done = cli("label", scene.tiles, *words)
    assert done.code == 0, done.err
    label = shares(scene.tiles)
    assert list(label) == ["osm.mine", "clc.mine"]
    agree(label["osm.mine"], (seen.osm == "mine_dump_construction") | (seen.osm == "water_bodies"), seen.osm != "")
    agree(label["clc.mine"], seen.clc == "mine_dump_construction", seen.clc != "")
    columns, about = read(scene.tiles)
    assert [entry["name"] for entry in about["scheme"]["classes"]] == ["osm.mine", "clc.mine"]
    assert not [name for name in columns if name.startswith(("osm.", "clc."))]
    assert "agree" in columns
    assert len(about["label_sources"]) == 2


def test_the_scheme_mining(cli: Callable[..., Done], scene: Scene, seen: Seen):
    done = cli("label", scene.tiles, "--osm", scene / "map.osm", "--scheme", "mining", "--json")
    assert done.code == 0, done.err
    # a pond in a quarry is mine: mines have the higher priority
    mine = (seen.osm == "mine_dump_construction") | (seen.osm == "water_bodies")
    agree(shares(scene.tiles)["mine"], mine, seen.osm != "")
    columns, about = read(scene.tiles)
    sure = np.abs(mine.mean(axis=1) - 0.03) > 0.03
    present = columns["present.mine"].astype(float)
    known = ~np.isnan(present)
    assert (present[known & sure] == (mine.mean(axis=1) >= 0.03)[known & sure]).all()
    assert about["labelling"]["presence"] == {"mine": 0.03}
    (found,) = done.json["classes"]
    assert found["name"] == "mine"
    assert found["tiles_known"] == known.sum()


def test_dominant_presence_and_weak_negatives(cli: Callable[..., Done], scene: Scene):
    words = ("label", scene.tiles, "--osm", scene / "map.osm")
    done = cli(*words, "--dominant", 0.6, "--presence", "forests=.2,water_bodies=.01", "--weak-negatives", "600m")
    assert done.code == 0, done.err
    columns, about = read(scene.tiles)
    label = shares(scene.tiles)
    assert about["labelling"]["presence"] == {"forests": 0.2, "water_bodies": 0.01}
    assert (about["labelling"]["dominant"], about["labelling"]["weak_negatives_m"]) == (0.6, 600)
    for name, cut in (("forests", 0.2), ("water_bodies", 0.01)):
        present = columns[f"present.{name}"].astype(float)
        np.testing.assert_array_equal(present, np.where(np.isnan(label[name]), np.nan, label[name] >= cut))
    best = np.array([max(label, key=lambda name: np.nan_to_num(label[name][tile])) for tile in range(64)])
    largest = np.nan_to_num(np.array([label[name][tile] for tile, name in enumerate(best)]))
    np.testing.assert_array_equal(columns["dominant"], np.where(largest >= np.float32(0.6), best, None))
    # weak negatives: unknown before, and no water nearer than 600 m, from centre to centre
    assert cli(*words, "-o", scene / "plain.parquet").code == 0
    before = shares(scene / "plain.parquet")["water_bodies"]
    centre = np.column_stack([columns[name].astype(float) for name in ("col_off", "row_off")]) * 10
    metres = np.hypot(*(centre[:, None] - centre[np.nan_to_num(before) > 0][None]).transpose(2, 0, 1)).min(axis=1)
    np.testing.assert_allclose(columns["distance.water_bodies"].astype(float), metres, rtol=1e-3, atol=0.1)
    weak = np.isnan(before) & (metres > 600)
    assert weak.any()
    np.testing.assert_array_equal(columns["weak.water_bodies"].astype(bool), weak)
    np.testing.assert_array_equal(label["water_bodies"], np.where(weak, 0, before))
    every = cli(*words, "--presence", 0.1)
    assert every.code == 0
    present = [name for name in read(scene.tiles)[0] if name.startswith("present.")]
    assert present == [f"present.{name}" for name in label]


def test_labels_are_summed_to_a_coarser_scheme(cli: Callable[..., Done], scene: Scene):
    assert cli("label", scene.tiles, "--clc", scene / "clc.gpkg", "--dominant", 0.4).code == 0
    fine = shares(scene.tiles)
    done = cli("label", scene.tiles, "--scheme", "clc-1", "--json", "--presence", 0.5)
    assert done.code == 0, done.err
    coarse = shares(scene.tiles)
    assert list(coarse) == [
        *("artificial_surfaces", "agricultural_areas", "forest_semi_natural", "wetlands", "water_bodies")
    ]
    np.testing.assert_allclose(coarse["artificial_surfaces"], fine["mineral_extraction_sites"], atol=1e-6)
    np.testing.assert_allclose(coarse["forest_semi_natural"], fine["broad_leaved_forest"], atol=1e-6)
    np.testing.assert_allclose(sum(coarse.values()), sum(fine.values()), atol=1e-5)
    columns, about = read(scene.tiles)
    assert "dominant" not in columns
    assert "present.wetlands" in columns
    assert about["scheme"]["name"] == "clc-1"
    assert about["history"][-1] == "label --scheme clc-1"
    assert [source["name"] for source in about["label_sources"]] == ["clc"], "where they came from is still said"


def test_labels_made_anew_leave_no_old_columns(cli: Callable[..., Done], scene: Scene):
    sources = ("--osm", scene / "map.osm", "--clc", scene / "clc.gpkg")
    assert cli("label", scene.tiles, "--clc", scene / "clc.gpkg", "-o", scene / "fresh.parquet").code == 0
    for words in (
        ("--dominant", 0.3, "--presence", 0.1, "--weak-negatives", "300"),
        ("--merge", "separate", "--dominant", 0.3),
        ("--scheme", "mining", "--weak-negatives", "1km"),
    ):
        assert cli("label", scene.tiles, *sources, *words).code == 0
        assert len(read(scene.tiles)[0]) != len(read(scene / "fresh.parquet")[0])
    assert cli("label", scene.tiles, "--clc", scene / "clc.gpkg").code == 0
    found, fresh = read(scene.tiles), read(scene / "fresh.parquet")
    assert list(found[0]) == list(fresh[0])
    for name, values in fresh[0].items():
        assert all(a == b or (a != a and b != b) for a, b in zip(found[0][name], values, strict=True)), name  # noqa: PLR0124 - NaN
    assert {**found[1], "history": 0} == {**fresh[1], "history": 0}


REPORT = {
    *("output", "tiles", "tiles_known", "known_share", "agreement", "sources", "classes", "values_unknown", "report"),
}


def test_what_programs_read(cli: Callable[..., Done], scene: Scene):
    """Keys of the report are a contract: new ones may come, none may go."""
    done = cli("label", scene.tiles, "--osm", scene / "map.osm", "--clc", scene / "U2018_CLC2018.tif", "--json")
    assert done.code == 0, done.err
    assert set(done.json) >= REPORT
    assert done.out.count("\n") == 1
    assert (done.json["tiles"], done.json["output"]) == (64, str(scene.tiles))
    assert done.json["sources"] == [
        {"name": "osm", "file": "map.osm", "read_as": "osm", "date": "2024-03-02"},
        {"name": "clc", "file": "U2018_CLC2018.tif", "read_as": "codes of level 3 (111–523)", "date": "2018"},
    ]
    assert set(done.json["classes"][0]) >= {"name", "share", "tiles", "tiles_known"}
    assert len(done.json["classes"]) == 13
    known = read(scene.tiles)[0]["known"].astype(float)
    assert done.json["known_share"] == pytest.approx(known.mean(), abs=1e-4)
    people = cli("label", scene.tiles, "--clc", scene / "U2018_CLC2018.tif")
    assert "codes of level 3" in people.out
    assert "mineral_extraction_sites" in people.out


def test_a_source_file_may_be_called_anything(cli: Callable[..., Done], scene: Scene):
    """A file label.gpkg must not write over the labels, nor osm.gpkg take the place of OSM."""
    for name in ("label", "present", "osm", "clc"):
        geopandas.read_file(scene / "clc.gpkg").to_file(scene / f"{name}_.gpkg")
        (scene / f"{name}_.gpkg").rename(scene / f"{name}.gpkg")
    scheme = scene / "own.toml"
    scheme.write_text(
        '[[class]]\nname = "mine"\nvector = ["131"]\nosm = ["landuse=quarry"]\n[background]\nvector = ["*"]\n'
    )
    assert cli("label", scene.tiles, "--vector", scene / "clc.gpkg", "--field", "Code_18", "--scheme", scheme).code == 0
    expected = shares(scene.tiles)
    for name in ("label", "present", "osm"):
        words = (
            "--vector",
            scene / f"{name}.gpkg",
            "--field",
            "Code_18",
            "--osm",
            scene / "map.osm",
            "--scheme",
            scheme,
        )
        done = cli("label", scene.tiles, *words)
        assert done.code == 0, done.err
        assert list(shares(scene.tiles)) == ["mine"]
        np.testing.assert_allclose(shares(scene.tiles)["mine"], expected["mine"], atol=1e-6)
        assert len({entry["name"] for entry in read(scene.tiles)[1]["label_sources"]}) == 2


def test_sources_whose_columns_would_have_the_same_names(cli: Callable[..., Done], scene: Scene):
    """Numbering osm would give osm_2, which is a file; columns of label.x would be labels."""
    frame = geopandas.read_file(scene / "clc.gpkg")
    words: list[object] = []
    for path in ("a/osm_2.gpkg", "b/osm.gpkg", "c/osm.gpkg", "label.x.gpkg", "osm.more.gpkg"):
        (scene / path).parent.mkdir(exist_ok=True)
        frame.to_file(scene / path)
        words += ["--vector", scene / path]
    done = cli("label", scene.tiles, *words, "--field", "Code_18")
    assert done.code == 0, done.err
    names = [entry["name"] for entry in read(scene.tiles)[1]["label_sources"]]
    assert names == ["osm_2", "osm", "osm_3", "label_x_2", "osm_more_2"]
    columns = read(scene.tiles)[0]
    assert all(f"{name}.known" in columns for name in names)
    assert "known" not in shares(scene.tiles)


def test_an_index_written_elsewhere_names_its_files_from_there(cli: Callable[..., Done], scene: Scene):
    target = scene / "far" / "away" / "t.parquet"
    words = ("--osm", scene / "map.osm", "--clc", scene / "U2018_CLC2018.tif", "-o", target)
    assert cli("label", scene.tiles, *words).code == 0
    columns, about = read(target)
    assert {(target.parent / name).resolve() for name in columns["source"]} == {(scene / "region.tif").resolve()}
    assert [(target.parent / entry["path"]).resolve() for entry in about["sources"]] == [
        (scene / "region.tif").resolve()
    ]
    found = [(target.parent / entry["path"]).resolve().name for entry in about["label_sources"]]
    assert found == ["map.osm", "U2018_CLC2018.tif"]
    assert not [name for name in read(scene.tiles)[0] if name.startswith("label.")], "the old one stays as it was"
    again = cli("label", target, "--osm", scene / "map.gpkg")
    assert again.code == 0, again.err


def test_bigearthnet_patches(cli: Callable[..., Done], shared_data: Path, tmp_path: Path):
    """Chips called by their patch, labelled by the folder of patches, in the nineteen classes."""
    with tarfile.open(shared_data / "bigearthnet" / "BigEarthNet-S2-Example.tar.bz2") as archive:
        archive.extractall(tmp_path, [m for m in archive if m.name.endswith(".json")], filter="data")
    patches = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.rglob("*.json")}
    (tmp_path / "chips").mkdir()
    for name in [*patches, "a_patch_of_which_nobody_speaks"]:
        Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(tmp_path / "chips" / f"{name}.png")
    tiles = tmp_path / "t.parquet"
    assert cli("tile", "--images", tmp_path / "chips", "-o", tiles).code == 0
    folder = tmp_path / "BigEarthNet-S2-Example"
    done = cli("label", tiles, "--tags", folder, "--scheme", "bigearthnet-19", "--json")
    assert done.code == 0, done.err
    columns, about = read(tiles)
    label = shares(tiles)
    assert about["scheme"]["name"] == "bigearthnet-19"
    assert about["label_sources"][0]["path"] == "BigEarthNet-S2-Example"
    for tile, source in enumerate(columns["source"]):
        name = Path(source).stem
        if name not in patches:
            assert all(np.isnan(values[tile]) for values in label.values())
            continue
        assert label["pastures"][tile] == ("Pastures" in patches[name]["labels"])
        assert label["arable_land"][tile] == ("Non-irrigated arable land" in patches[name]["labels"])
        assert label["inland_wetlands"][tile] == ("Peatbogs" in patches[name]["labels"])
        assert columns["acquired"][tile] == patches[name]["acquisition_date"]
    plain = cli("label", tiles, "--tags", folder, "--json")
    assert plain.code == 0, plain.err
    assert set(shares(tiles)) == {label for patch in patches.values() for label in patch["labels"]}
