"""From vectors to classes with names: encode → cluster → rename → split → train, evaluate."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from geolabel.embeddings import blocks
from geolabel.errors import OutputError
from geolabel.labels.scheme import Scheme
from geolabel.labels.scheme_file import read_scheme
from geolabel.steps.embed.clustering import files as cluster_files
from geolabel.tiling import read_index
from tests.cli.conftest import BANDS, FIELD, SIDE, fields, write_region
from tests.steps.embed.encoders import save_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

SIZE = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Path:
    """A region of two kinds of field, encoded and clustered; tiles are half a field wide."""
    folder = tmp_path_factory.mktemp("cluster")
    write_region(folder / "region.tif", nodata_rows=FIELD)
    model = save_encoder(folder / "encoder.safetensors", BANDS, tile_px=(SIZE, SIZE))
    done = cli("embed", "encode", folder / "region.tif", "--model", model, "-o", folder / "region.embeddings.parquet")
    assert done.code == 0, done.err
    done = cli("embed", "cluster", folder / "region.embeddings.parquet", "-k", 4, "-o", folder / "clusters.parquet")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "place")


def truth(index) -> np.ndarray:
    """Whether the field that each tile lies in is bare."""
    return fields()[index.column("row_off") + 1, index.column("col_off") + 1]


def test_clusters_are_labels_of_what_the_tiles_show(made: Path):
    index = read_index(made / "clusters.parquet")
    assert index.class_names == ("cluster-1", "cluster-2", "cluster-3", "cluster-4")
    assert len(index) == (SIDE // SIZE) * (SIDE // SIZE - 2)
    assert (index.shares.sum(axis=1) == 1).all()
    assert (index.column("known") == 1).all()
    sizes = index.shares.sum(axis=0)
    assert (np.diff(sizes) <= 0).all(), "the largest is the first"
    bare = truth(index)
    for shares in index.shares.T > 0:
        assert bare[shares].mean() in (0, 1), "two kinds of field do not share a cluster"


def test_two_groups_are_found_as_they_are(place: Path, cli: Callable[..., Done]):
    for words in (("-k", 2), ("--method", "hdbscan")):
        done = cli(
            *("embed", "cluster", place / "region.embeddings.parquet", *words),
            *("-o", place / "two.parquet", "--overwrite", "--json"),
        )
        assert done.code == 0, done.err
        index = read_index(place / "two.parquet")
        known = np.isfinite(index.shares).all(axis=1)
        assert done.json["unknown"] == (~known).sum() < 0.2 * len(index)
        assert np.isnan(index.shares[~known]).all()
        assert ((index.column("known") == 1) == known).all()
        bare = truth(index)
        for shares in index.shares[known].T > 0:
            assert bare[known][shares].mean() in (0, 1)
        rows = done.json["clusters"]
        assert sum(row["tiles"] for row in rows) == known.sum()
        vectors = np.concatenate([part for _, part in blocks(place / "region.embeddings.parquet")]).astype(float)
        for number, row in enumerate(rows):
            assert row["share"] == pytest.approx(row["tiles"] / len(index))
            inside = index.shares[:, number] == 1
            assert inside[index.column("tile").tolist().index(row["prototype"])]
            assert -1 <= row["silhouette"] <= 1
        if words == ("-k", 2):
            centre = vectors[inside].mean(axis=0)
            nearest = np.where(inside, np.linalg.norm(vectors - centre, axis=1), np.inf)
            at = index.column("tile").tolist().index(rows[-1]["prototype"])
            assert nearest[at] == pytest.approx(nearest.min(), rel=1e-3)
            assert done.json["silhouette"] > 0.5


def test_the_map_is_a_class_raster(made: Path, cli: Callable[..., Done]):
    index = read_index(made / "clusters.parquet")
    scheme = Scheme.from_json(index.scheme)
    with rasterio.open(made / "clusters.tif") as found:
        values, palette = found.read(1), found.colormap(1)
        assert found.nodata == 255
        assert found.transform.a == SIZE * 10
        names = found.tags(1, ns="")
        assert names is not None
    rows, cols = (index.column(name) // SIZE for name in ("row_off", "col_off"))
    assert (values[rows - rows.min(), cols] == index.shares.argmax(axis=1) + 1).all()
    for number, entry in enumerate(scheme.classes, start=1):
        assert "#" + "".join(f"{channel:02x}" for channel in palette[number][:3]) == entry.color
    assert "Cluster 1" in (made / "clusters.tif.aux.xml").read_text()
    assert "Cluster 4" in (made / "clusters.qml").read_text()
    assert read_scheme(made / "clusters.toml").names == scheme.names
    assert len({entry.color for entry in scheme.classes}) == 4
    done = cli("schemes", "check", made / "clusters.toml", "--json")
    assert done.code == 0
    assert done.json["schemes"][0]["groups"] == 1


def test_the_same_vectors_give_the_same_files(place: Path, cli: Callable[..., Done]):
    before = {path.name: path.read_bytes() for path in place.glob("clusters.*")}
    assert len(before) == 5
    done = cli(
        *("embed", "cluster", place / "region.embeddings.parquet", "-k", 4),
        *("-o", place / "clusters.parquet", "--overwrite"),
    )
    assert done.code == 0, done.err
    assert {path.name: path.read_bytes() for path in place.glob("clusters.*")} == before


def renamed(place: Path) -> None:
    """Write into the scheme what a person sees: which clusters are bare; two of them stay as they are."""
    index = read_index(place / "clusters.parquet")
    bare = truth(index)
    text = (place / "clusters.toml").read_text()
    for number in range(1, 5):
        kind = bare[index.shares[:, number - 1] == 1].mean() == 1
        text = text.replace(f'"Cluster {number}"', '"Bare \\"soil\\""' if kind else '"Forêt"')
    (place / "clusters.toml").write_text(text, encoding="utf-8")


def test_names_make_classes_and_the_way_goes_on(place: Path, cli: Callable[..., Done]):
    renamed(place)
    words = ("embed", "cluster", place / "clusters.parquet", "--rename", place / "clusters.toml")
    (place / "sub").mkdir()
    done = cli(*words, "-o", place / "sub" / "named.parquet", "--json")
    assert done.code == 0, done.err
    tiles = place / "sub" / "named.parquet"
    index = read_index(tiles)
    assert set(index.class_names) == {'Bare "soil"', "Forêt"}
    assert (index.share('Bare "soil"') == truth(index)).all()
    assert sum(row["tiles"] for row in done.json["classes"]) == len(index)
    assert sorted(", ".join(row["clusters"] for row in done.json["classes"]).split(", ")) == [
        f"cluster-{number}" for number in range(1, 5)
    ]
    assert "Forêt" in (place / "sub" / "named.qml").read_text(encoding="utf-8")
    with rasterio.open(place / "sub" / "named.tif") as found:
        assert set(np.unique(found.read(1))) == {1, 2}
    for following in (
        ("split", tiles, "--block", "400m", "--buffer", "0", "--val", ".2", "--test", ".3"),
        ("train", tiles, "--epochs", 2, "-o", place / "run"),
        ("embed", "evaluate", place / "encoder.safetensors", tiles, "--repeats", 1, "--baselines", "colour"),
    ):
        done = cli(*following, *(("-o", place / "judged") if following[0] == "embed" else ()), "--json")
        assert done.code == 0, done.err
    done = cli("evaluate", place / "run" / "model.safetensors", tiles, "-o", place / "scores", "--json")
    assert done.code == 0, done.err
    assert done.json["scores"]["macro_average_precision"] > 0.9


def test_what_is_not_named_keeps_its_name(place: Path, cli: Callable[..., Done]):
    text = (place / "clusters.toml").read_text().replace('"Cluster 2"', '"Ground"')
    (place / "clusters.toml").write_text(text)
    done = cli(
        *("embed", "cluster", place / "clusters.parquet", "--rename", place / "clusters.toml"),
        *("-o", place / "named.parquet"),
    )
    assert done.code == 0, done.err
    assert read_index(place / "named.parquet").class_names == ("cluster-1", "Ground", "cluster-3", "cluster-4")


@pytest.mark.parametrize("name", ["out.tif", "out.tif.aux.xml", "out.qml", "out.toml", "out.parquet"])
def test_no_file_of_another_is_replaced(place: Path, cli: Callable[..., Done], name: str):
    (place / name).write_text("mine")
    words = ("embed", "cluster", place / "region.embeddings.parquet", "-k", 2, "-o", place / "out.parquet")
    done = cli(*words)
    assert done.code == 1
    assert f"{name}: exists already" in done.err
    assert [path.name for path in place.glob("out*")] == [name]
    assert (place / name).read_text() == "mine"


def test_all_files_of_clusters_are_there_or_none(
    place: Path, cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(cluster_files, "_write_map", broken)
    done = cli("embed", "cluster", place / "region.embeddings.parquet", "-k", 2, "-o", place / "out.parquet")
    assert done.code == 1
    assert "disk is full" in done.err
    assert not list(place.glob("out*"))


def test_vectors_are_not_replaced_by_clusters(place: Path, cli: Callable[..., Done]):
    vectors = place / "other.parquet"
    shutil.copy(place / "region.embeddings.parquet", vectors)
    done = cli("embed", "cluster", place / "region.embeddings.parquet", "-k", 2, "-o", vectors, "--overwrite")
    assert done.code == 1
    assert "holds vectors" in done.err
    assert vectors.read_bytes() == (place / "region.embeddings.parquet").read_bytes()


def test_refused(place: Path, cli: Callable[..., Done], tmp_path: Path):
    vectors, clusters, toml = place / "region.embeddings.parquet", place / "clusters.parquet", place / "clusters.toml"
    other = tmp_path / "other.toml"
    other.write_text('[[class]]\nname = "wood"\n')
    reserved = tmp_path / "reserved.toml"
    reserved.write_text(toml.read_text().replace('"Cluster 1"', '"known"'))
    out = ("-o", tmp_path / "out.parquet")
    for words, told in (
        ((vectors, "-k", 1), "-k must lie in 2–253"),
        ((vectors, "-k", 250), "too few for 250 clusters"),
        ((vectors, "-k", 3, "--method", "hdbscan"), "-k is for kmeans"),
        ((clusters,), "holds no vectors"),
        ((clusters, "--rename", other), "change the titles, and leave the names"),
        ((clusters, "--rename", reserved), "is reserved"),
        ((clusters, "--rename", toml, "-k", 3), "leave -k out"),
        ((clusters, "--rename", toml, "--method", "hdbscan", "--seed", 4), "leave --method, --seed out"),
        ((vectors, "--rename", toml), "its labels are no clusters"),
    ):
        done = cli("embed", "cluster", *words, *out)
        assert done.code == 1, words
        assert told in done.err, done.err
        assert len(done.err.strip().splitlines()) == 1, done.err
    assert not list(tmp_path.glob("out*"))
