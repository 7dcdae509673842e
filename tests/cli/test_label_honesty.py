"""What no source said is not in the labels: other groups, small finds, sums of two sources, places of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas
import numpy as np

from tests.cli.label_scene import Scene, box, read, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done


def write(scene: Scene, name: str, kinds: list[str], shapes: list[object]) -> None:
    geopandas.GeoDataFrame({"kind": kinds}, geometry=shapes, crs="EPSG:4326").to_file(scene / name)


def test_a_file_of_concessions_says_nothing_of_the_land_cover_in_them(cli: Callable[..., Done], scene: Scene):
    write(scene, "tenure.gpkg", ["concession"], [box(0, 0, 28, 10)])
    alone, both = scene / "alone.parquet", scene / "both.parquet"
    assert cli("label", scene.tiles, "--osm", scene / "map.osm", "-o", alone).code == 0
    words = ("--vector", scene / "tenure.gpkg", "--field", "kind", "--osm", scene / "map.osm")
    assert cli("label", scene.tiles, *words, "-o", both).code == 0
    for name, values in shares(alone).items():
        np.testing.assert_allclose(shares(both)[name], values, atol=1e-6, err_msg=name)
    own = [name for name in read(both)[0] if name.startswith("tenure.")]
    assert own == ["tenure.known", "tenure.concession"]


def test_groups_of_ones_own_scheme_do_not_hide_each_other(cli: Callable[..., Done], scene: Scene):
    write(scene, "a.gpkg", ["concession", "meadow"], [box(0, 0, 28, 10), box(20, 0, 28, 9)])
    (scene / "s.toml").write_text(
        '[[class]]\nname = "concession"\ngroup = "tenure"\n[[class]]\nname = "meadow"\ngroup = "cover"\n'
        '[[class]]\nname = "forest"\ngroup = "cover"\n'
    )
    words = ("--vector", scene / "a.gpkg", "--field", "kind", "--scheme", scene / "s.toml", "--min-known", 0)
    assert cli("label", scene.tiles, *words).code == 0
    found = shares(scene.tiles)
    assert np.nanmax(found["meadow"]) > 0.9
    assert np.nanmax(found["concession"]) > 0.9
    inside = np.nan_to_num(found["meadow"]) > 0.9
    assert (found["concession"][inside] > 0.9).all()
    assert np.isnan(found["forest"][np.isnan(found["meadow"])]).all()


def test_a_quarry_too_small_for_its_tile_is_no_weak_negative(cli: Callable[..., Done], scene: Scene):
    write(scene, "q.gpkg", ["mine", "mine"], [box(12, 0, 18, 5), box(2, 2, 2.8, 2.8)])
    words = ("--vector", scene / "q.gpkg", "--field", "kind", "--weak-negatives", "300m", "--min-known", 0.9)
    assert cli("label", scene.tiles, *words).code == 0
    columns, _ = read(scene.tiles)
    everything = scene / "all.parquet"
    assert cli("label", scene.tiles, *words[:4], "--min-known", 0, "-o", everything).code == 0
    some = np.nan_to_num(shares(everything)["mine"]) > 0
    weak, share = columns["weak.mine"].astype(bool), columns["label.mine"].astype(float)
    assert some.sum() > (share > 0).sum(), "small finds are among them"
    assert not weak[some].any()
    assert (columns["distance.mine"][some].astype(float) == 0).all()
    assert np.isnan(share[some & ~(share > 0)]).all()
    assert weak.any()
    assert (share[weak] == 0).all()


def test_exact_areas_of_several_sources_claim_no_agreement(cli: Callable[..., Done], scene: Scene):
    words = ("--osm", scene / "map.osm", "--clc", scene / "clc.gpkg", "--exact")
    assert cli("label", scene.tiles, *words).code == 0
    columns, about = read(scene.tiles)
    assert not {"agree", "disagree"} & set(columns)
    assert about["labelling"]["confusion"] == []
    done = cli("label", scene.tiles, *words, "--report", scene / "report")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "--exact does not measure" in done.err


def test_the_classes_of_two_sources_are_not_summed_up(cli: Callable[..., Done], scene: Scene):
    (scene / "clc_only.toml").write_text('[[class]]\nname = "land"\nclc = [1, 2, 3]\nosm = ["landuse=*"]\n')
    words = (
        "--clc",
        scene / "clc.gpkg",
        "--osm",
        scene / "map.osm",
        "--scheme",
        scene / "clc_only.toml",
        "--merge",
        "separate",
    )
    assert cli("label", scene.tiles, *words).code == 0
    before = scene.tiles.read_bytes()
    done = cli("label", scene.tiles, "--scheme", "clc-1")
    assert done.code == 1
    assert "by source" in done.err
    assert scene.tiles.read_bytes() == before


def test_regrouped_labels_written_elsewhere_name_their_files_from_there(cli: Callable[..., Done], scene: Scene):
    assert cli("label", scene.tiles, "--clc", scene / "clc.gpkg").code == 0
    assert cli("label", scene.tiles, "--scheme", "clc-1", "-o", scene / "sub" / "r.parquet").code == 0
    _, about = read(scene / "sub" / "r.parquet")
    assert [entry["path"] for entry in about["label_sources"]] == ["../clc.gpkg"]
    assert about["labelling"]["regrouped_from"] == "clc-3"
