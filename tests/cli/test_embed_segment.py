"""`geolabel embed segment` as it is typed: texture that no colour tells, and a real scene with polygons."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio

from geolabel.errors import EmptyError
from geolabel.steps.embed.segmentation import learn as segment_learn
from geolabel.steps.embed.segmentation import scores as segment_scores
from geolabel.steps.embed.segmentation.scores import score_probes
from tests.steps.embed.segment_scene import NODATA_COLS, truth, write_labels, write_network, write_stripes


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stripes")
    write_stripes(folder / "region.tif")
    write_labels(folder)
    write_network(folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def words(scene):
    labels = ("--labels", scene / "labels.tif", "--legend", scene / "legend.csv", "--block", "640m", "--buffer", "50m")
    return ("embed", "segment", scene / "region.tif", "--model", scene / "model.safetensors", *labels)


@pytest.fixture(scope="module")
def segmented(scene, words, cli):
    found = cli(*words, "--probe", "logistic", "--pixels", 3000, "-o", scene / "found", "--json")
    assert found.code == 0, found.err
    return found.json


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.profile


def test_what_a_network_sees_tells_a_texture_that_no_colour_tells(segmented):
    ways = {row["way"]: row for row in segmented["ways"]}
    assert list(ways) == ["logistic", "colours", "majority"]
    assert ways["logistic"]["mean_iou"] > 0.85
    assert ways["colours"]["mean_iou"] < 0.55
    assert ways["majority"]["mean_iou"] < 0.5
    assert segmented["probe"] == "logistic"


def test_the_map_shows_the_classes_where_they_are(scene, segmented):
    found, profile = read(scene / "found" / "classes.tif")
    assert profile["nodata"] == 255
    assert (found[:, :NODATA_COLS] == 255).all()
    there = found[:, NODATA_COLS:]
    assert (there == truth()[:, NODATA_COLS:] + 1).mean() > 0.95
    areas = {row["name"]: row["area_ha"] for row in segmented["classes"]}
    assert areas["across"] == pytest.approx((there == 2).sum() * 0.01, rel=0.01)


def test_the_folder_says_how_it_was_made(scene, segmented):
    folder = scene / "found"
    assert {path.name for path in folder.iterdir()} == {
        *("classes.tif", "classes.tif.aux.xml", "classes.qml", "metrics.json", "scores.csv", "run.json"),
        "probe.safetensors",
    }
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    logistic = next(row for row in segmented["ways"] if row["way"] == "logistic")
    assert metrics["ways"]["logistic"]["mean_iou"] == logistic["mean_iou"]
    labelled = truth()[16:, NODATA_COLS:]
    assert metrics["pixels"]["down"]["labelled"] == (labelled == 0).sum()
    with (folder / "scores.csv").open(encoding="utf-8") as stream:
        rows = {row["way"]: row for row in csv.DictReader(stream)}
    assert float(rows["logistic"]["mean_iou"]) == pytest.approx(logistic["mean_iou"], abs=1e-6)
    assert float(rows["colours"]["iou.down"]) < 0.7
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "embed segment"
    assert [entry["path"] for entry in record["inputs"]] == [
        "region.tif",
        "model.safetensors",
        "labels.tif",
        "legend.csv",
    ]


def test_the_same_call_gives_the_same_bytes(scene, segmented, words, cli):
    assert segmented
    assert cli(*words, "--probe", "logistic", "--pixels", 3000, "-o", scene / "again").code == 0
    for path in (scene / "found").iterdir():
        assert path.read_bytes() == (scene / "again" / path.name).read_bytes(), path.name


def test_a_probe_draws_another_raster(scene, segmented, cli, tmp_path):
    write_stripes(tmp_path / "other.tif", 160)
    model = ("--model", scene / "model.safetensors")
    found = cli(
        "embed",
        "segment",
        tmp_path / "other.tif",
        *model,
        "--probe-from",
        scene / "found",
        "-o",
        tmp_path / "o",
        "--json",
    )
    assert found.code == 0, found.err
    assert found.json["ways"] == []
    there = read(tmp_path / "o" / "classes.tif")[0][:, NODATA_COLS:]
    assert (there == truth(160)[:, NODATA_COLS:] + 1).mean() > 0.9
    same = cli(
        "embed", "segment", scene / "region.tif", *model, "--probe-from", scene / "found", "-o", tmp_path / "same"
    )
    assert same.code == 0, same.err
    assert np.array_equal(read(tmp_path / "same" / "classes.tif")[0], read(scene / "found" / "classes.tif")[0])
    assert segmented["probe"] == found.json["probe"]


def test_tiles_at_a_stride_do_for_a_network_without_a_map(scene, words, cli):
    more = ("--probe", "forest", "--pixels", 1500, "--folds", 2, "--stride", 16, "-o", scene / "tiles", "--json")
    found = cli(*words, *more)
    assert found.code == 0, found.err
    ways = {row["way"]: row for row in found.json["ways"]}
    assert found.json["tiles_apart_px"] == 16
    assert ways["forest"]["mean_iou"] > ways["colours"]["mean_iou"] + 0.15
    assert ways["forest"]["mean_iou_deviation"] > 0


def test_a_probe_is_chosen_by_training_blocks_and_doubts_are_told(scene, words, cli, monkeypatch, tmp_path):
    """Blocks that choose a probe do not test it; a network that learned here is judged too well."""
    asked = {}

    def watched(features, sample, names, rounds, seed, *, what="probes"):
        asked[what] = rounds
        return score_probes(features, sample, names, rounds, seed, what=what)

    monkeypatch.setattr(segment_learn, "score_probes", watched)
    monkeypatch.setattr(segment_scores, "score_probes", watched)
    write_network(tmp_path / "here.safetensors", trained_on=scene / "region.tif")
    more = ("--model", tmp_path / "here.safetensors", "--pixels", 600, "--folds", 2, "-o", tmp_path / "f", "--json")
    found = cli(*words, *more)
    assert found.code == 0, found.err
    assert [line.split(",")[0] for line in found.json["doubts"]] == [
        "The network was trained on this image",
        "The probe was chosen by blocks of all folds",
    ]
    assert json.loads((tmp_path / "f" / "metrics.json").read_text(encoding="utf-8"))["doubts"] == found.json["doubts"]
    for (train, test), (tried, chooses) in zip(asked["probes"], asked["choice of the probe"], strict=True):
        assert tried.any()
        assert chooses.any()
        assert not (tried & chooses).any()
        assert not ((tried | chooses) & ~train).any()
        assert not ((tried | chooses) & test).any()


def test_where_training_blocks_are_too_few_to_choose_a_probe_that_is_told(words, cli, monkeypatch, tmp_path):
    def few(*_):
        raise EmptyError("1 block")

    monkeypatch.setattr(segment_learn, "inner_rounds", few)
    found = cli(*words, "--pixels", 600, "-o", tmp_path / "f", "--json")
    assert found.code == 0, found.err
    assert found.json["probe"] == "logistic"
    assert [row["way"] for row in found.json["ways"]] == ["logistic", "forest", "colours", "majority"]
    assert "too few blocks to choose a probe by; logistic is taken" in found.err


def test_what_does_not_fit_is_refused_in_one_line(scene, segmented, words, cli, tmp_path):
    assert segmented
    write_network(tmp_path / "other.safetensors", seed=1)
    region = ("embed", "segment", scene / "region.tif", "--model")
    refused = {
        "--labels": (*region, scene / "model.safetensors"),
        "not of": (*region, tmp_path / "other.safetensors", "--probe-from", scene / "found", "-o", tmp_path / "a"),
        "no such file": (*region, scene / "model.safetensors", "--probe-from", tmp_path, "-o", tmp_path / "b"),
        "about --labels": (*region, scene / "model.safetensors", "--legend", scene / "legend.csv"),
        "exists already": (*words, "-o", scene / "found"),
        "--pixels": (*words, "--pixels", 0, "-o", tmp_path / "c"),
        "smaller --block": (*words, "--block", "90km", "-o", tmp_path / "d"),
        "leave --probe, --pixels, --seed, --block, --buffer, --test, --folds out": (
            *(*region, scene / "model.safetensors", "--probe-from", scene / "found", "--probe", "forest"),
            *("--pixels", 9, "--seed", 1, "--block", "1km", "--buffer", 0, "--test", 0.5, "--folds", 3),
        ),
        "leave --seed out": (*region, scene / "model.safetensors", "--probe-from", scene / "found", "--seed", 1),
    }
    for what, typed in refused.items():
        found = cli(*typed)
        assert found.code == 1, what
        assert what in found.err
        assert len(found.err.strip().splitlines()) == 1
    assert not [path for path in tmp_path.iterdir() if path.name != "other.safetensors"]


def test_a_real_scene_with_polygons(shared_data, cli, tmp_path):
    """Pará 1988: four classes that differ in colour; the command says where colours alone do as well."""
    import torch

    from geolabel.learn.encoder import start_encoder
    from geolabel.learn.store import save_predictor
    from geolabel.model import NORM_OUTPUT, OUTPUT_SIZE, BandContract, ModelCard

    folder = shared_data / "para-landsat"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder}")
    with rasterio.open(folder / "landsat5_1988_para.tif") as dataset:
        pixels, names = dataset.read(masked=True), [name.lower() for name in dataset.descriptions]
    bands = tuple(
        BandContract(name, 1.0, 0.0, float(band.mean()), float(band.std()))
        for name, band in zip(names, pixels, strict=True)
    )
    settings = {OUTPUT_SIZE: 1, NORM_OUTPUT: True}
    told = ModelCard(
        "small-cnn-reflect", (), {}, bands, "uint8", 30.0, (32, 32), {}, {}, settings=settings, kind="embedder"
    )
    save_predictor(tmp_path / "model.safetensors", start_encoder(told, "none", 0, torch.device("cpu")))
    labels = ("--labels", folder / "training_lsat.geojson", "--field", "class", "--block", "1km", "--buffer", "90m")
    found = cli(
        *("embed", "segment", folder / "landsat5_1988_para.tif", "--model", tmp_path / "model.safetensors"),
        *(*labels, "--pixels", 1500, "--probe", "logistic", "-o", tmp_path / "found", "--json"),
    )
    assert found.code == 0, found.err
    ways = {row["way"]: row for row in found.json["ways"]}
    assert {row["name"] for row in found.json["classes"]} == {"cleared", "fallen_dry", "forest", "water"}
    assert ways["logistic"]["accuracy"] > 0.85 > ways["majority"]["accuracy"]
    assert ways["colours"]["mean_iou"] > 0.9
    assert "colours" in found.err or ways["logistic"]["mean_iou"] > ways["colours"]["mean_iou"]
    classes, _ = read(tmp_path / "found" / "classes.tif")
    assert ((classes == 255) == np.ma.getmaskarray(pixels).all(axis=0)).all()
    # forest covers most of the scene
    assert np.bincount(classes[classes != 255])[1:].argmax() == [row["name"] for row in found.json["classes"]].index(
        "forest"
    )
