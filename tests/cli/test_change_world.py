"""`geolabel change` on the made-up world: alerts beside the truth, and everything that its folder holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image
from scipy import ndimage

from geolabel.alerts import COLUMNS
from geolabel.steps.demo_world import write_world
from geolabel.world import CLASSES, World
from tests.alerts.made import geodesic_ha
from tests.cli.change_scene import burned, overlapping, read_alerts, read_band

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from geopandas import GeoDataFrame

    from tests.cli.conftest import Done

SIZE, SEED = 512, 7
FOREST = next(entry.code for entry in CLASSES if entry.name == "forest")
UNKNOWN = {"protected_ha"}
"""NaN: protected areas were not given."""


@dataclass(frozen=True)
class Front:
    """The world at two dates, and its alerts."""

    folder: Path
    world: World
    alerts: GeoDataFrame

    @property
    def out(self) -> Path:
        return self.folder / "after.alerts"

    def lost(self) -> np.ndarray:
        """Where forest went, in sight of both dates."""
        before, after = self.world.before, self.world.after
        found = (before.truth == FOREST) & (after.truth != FOREST)
        for scene in (before, after):
            found &= scene.valid & ~scene.cloud & ~scene.shadow
        return found


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Front:
    folder = tmp_path_factory.mktemp("front")
    world = write_world(folder, SIZE, SEED)
    words = (folder / "before.tif", folder / "after.tif", "--dates", "2019-07-15,2021-08-02")
    done = cli("change", *words, "-o", folder / "after.alerts", "--json")
    assert done.code == 0, done.err
    return Front(folder, world, read_alerts(folder / "after.alerts"))


def test_clearings_are_found_and_little_else(front: Front):
    lost = front.lost()
    ids = burned(front.alerts, front.out / "loss.tif")
    objects, count = ndimage.label(lost)
    numbers = np.arange(1, count + 1)
    large = numbers[ndimage.sum(lost, objects, numbers) >= 50]  # half a hectare
    assert len(large) > 8
    touched = np.isin(large, objects[ids > 0])
    assert touched.mean() >= 0.8
    true = np.isin(np.arange(1, len(front.alerts) + 1), ids[lost])
    assert true.mean() >= 0.7


def test_the_raster_is_the_alerts_burned(front: Front):
    loss = read_band(front.out / "loss.tif")
    ids = burned(front.alerts, front.out / "loss.tif")
    assert set(np.unique(loss)) == {0, 1, 254, 255}
    assert ((loss == 1) == (ids > 0)).all()
    assert (loss[~front.world.before.valid & ~front.world.after.valid] == 255).all()
    pixels_ha = (loss == 1).sum() / 100
    assert front.alerts["area_ha"].sum() == pytest.approx(pixels_ha, rel=0.01)
    # half a hectare, less what the ellipsoid adds to a pixel
    assert front.alerts["area_ha"].min() >= 0.5
    for geometry, area_ha in zip(front.alerts.geometry, front.alerts["area_ha"], strict=True):
        assert area_ha == pytest.approx(geodesic_ha(geometry, front.alerts.crs), rel=1e-4)


def test_confidence_is_the_mean_of_its_pixels(front: Front):
    with rasterio.open(front.out / "loss-confidence.tif") as dataset:
        level, scale, nodata = dataset.read(1), dataset.scales[0], dataset.nodata
    assert (scale, nodata) == (0.004, 255)
    ids = burned(front.alerts, front.out / "loss.tif")
    inside = ids > 0
    told = np.where(inside & (level != 255), level, 0)
    mean = np.bincount(ids[inside], told[inside])[1:] / np.bincount(ids[inside])[1:] * scale
    assert front.alerts["confidence"].to_numpy() == pytest.approx(mean, abs=0.02)  # filled holes do not count
    assert (ndimage.maximum(level, ids, np.arange(1, len(front.alerts) + 1)) * scale >= 0.7 - 1e-9).all()
    assert (level[inside] != 255).mean() > 0.95


def test_the_layer_has_the_schema(front: Front):
    expected = [name for name in COLUMNS if name != "nbr_drop"]  # no short-wave infrared
    assert list(front.alerts.columns) == [*expected, "geometry"]
    assert front.alerts["alert_id"].is_unique
    for name in set(expected) - UNKNOWN:
        assert front.alerts[name].notna().all(), name
    assert set(front.alerts["class"]) == {"forest"}
    assert set(front.alerts["title"]) == {"Forest loss"}
    assert set(front.alerts["status"]) == {"new"}
    assert set(front.alerts["level"]) <= {"low", "nominal"}  # one image alone is never high
    assert set(front.alerts["spectral"]) <= {"agrees", "disagrees"}
    assert (front.alerts["date_window_days"] == 749).all()
    assert front.alerts.geometry.is_valid.all()
    assert overlapping(front.alerts) == 0


def test_every_file_is_there_and_says_the_same(front: Front):
    names = {path.name for path in front.out.iterdir()}
    wanted = {"alerts.gpkg", "alerts.geojson", "loss.tif", "loss-confidence.tif", "summary.csv", "summary.json"}
    assert wanted | {"chips", "report.html", "project.qgz", "run.json"} <= names
    assert not [path.name for path in front.folder.iterdir() if path.name.endswith((".work", ".draft"))]
    ids = set(front.alerts["alert_id"])
    geojson = json.loads((front.out / "alerts.geojson").read_text())
    assert {feature["properties"]["alert_id"] for feature in geojson["features"]} == ids
    places = geopandas.read_file(front.out / "alerts.geojson")
    assert places.crs == "EPSG:4326"
    back = places.to_crs(front.alerts.crs).set_index("alert_id").loc[front.alerts["alert_id"]]
    apart = shapely.hausdorff_distance(back.geometry.to_numpy(), front.alerts.geometry.to_numpy())
    assert apart.max() < 0.05  # metres: seven decimals of a degree
    page = (front.out / "report.html").read_text()
    assert all(name in page for name in ids)
    chips = {path.name for path in (front.out / "chips").iterdir()}
    assert chips == {f"{name}-{when}.jpg" for name in ids for when in ("before", "after")}
    for day, scene, row in zip(
        ("2019-07-15", "2021-08-02"),
        (front.world.before, front.world.after),
        json.loads((front.out / "run.json").read_text())["images"],
        strict=True,
    ):
        sky = read_band(front.out / f"sky-{day}.tif")
        assert (sky == 1).sum() / (sky != 255).sum() == pytest.approx(row["cloud"], abs=1e-3)
        assert (sky[scene.cloud] == 1).mean() > 0.5
    picture = np.asarray(Image.open(front.out / "chips" / min(chips)))
    assert picture.std() > 5
    total = json.loads((front.out / "summary.json").read_text())["total"]
    assert total["alerts"] == len(ids)
    assert total["area_ha"] == pytest.approx(front.alerts["area_ha"].sum())


def test_the_record_says_how(front: Front):
    record = json.loads((front.out / "run.json").read_text())
    assert record["command"] == "change"
    assert [image["path"] for image in record["inputs"]["images"]] == ["before.tif", "after.tif"]
    assert [image["date"] for image in record["inputs"]["images"]] == ["2019-07-15", "2021-08-02"]
    assert all(len(image["fingerprint"]) == 32 for image in record["inputs"]["images"])
    assert "colour" in record["inputs"]["model"]["name"]
    assert record["inputs"]["model"]["fingerprint"] == ""
    options = record["options"]
    assert {name: options[name] for name in ("class_name", "what", "mmu_ha", "threshold", "grow")} == {
        "class_name": "forest", "what": ["loss"], "mmu_ha": 0.5, "threshold": 0.7, "grow": 0.5,
    }  # fmt: skip
    assert str(front.folder) not in json.dumps(record)
    assert [0.01 < image["cloud"] < 0.2 for image in record["images"]] == [True, True]


def test_a_third_date_and_a_run_before(front: Front, cli: Callable[..., Done]):
    """A later image with its clouds elsewhere; the forest of one clearing is back on it."""
    after = front.world.after
    hidden = after.cloud | after.shadow
    image = np.where(hidden, front.world.before.image, after.image)
    moved = np.roll(hidden, (90, 60), axis=(0, 1))
    image = np.where(moved, np.roll(np.where(hidden, after.image, 0), (90, 60), axis=(1, 2)), image)
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    image = np.where(image == 0, 0, np.clip(image + noise, 1, 65_535)).astype("uint16")
    ids = burned(front.alerts, front.out / "loss.tif")
    sizes = np.where(front.alerts["confidence"] > 0.8, front.alerts["area_ha"], 0)
    for back in np.argsort(-sizes):  # a large one in sight
        rows, cols = (slice(int(part.min()) - 4, int(part.max()) + 5) for part in np.nonzero(ids == back + 1))
        if not moved[rows, cols].any() and rows.start >= 0 and cols.start >= 0:
            break
    forest = (front.world.before.truth == FOREST) & front.world.before.valid & ~hidden
    sound = np.argwhere(ndimage.minimum_filter(forest & ~front.world.before.cloud, 9))
    source = np.random.default_rng(1).permutation(sound)[: image[0, rows, cols].size]
    image[:, rows, cols] = front.world.before.image[:, source[:, 0], source[:, 1]].reshape(image[:, rows, cols].shape)
    path = front.folder / "later.tif"
    with rasterio.open(front.folder / "after.tif") as like:
        profile = like.profile | {"driver": "GTiff"}
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(image)
            dataset.descriptions = like.descriptions
    words = (front.folder / "after.tif", path, "--dates", "2021-08-02,2022-08-10", "--previous", front.out)
    done = cli("change", *words, "-o", front.folder / "later.alerts")
    assert done.code == 0, done.err
    found = read_alerts(front.folder / "later.alerts").set_index("alert_id")
    assert set(front.alerts["alert_id"]) <= set(found.index)
    old = found.loc[front.alerts["alert_id"]]
    assert old["status"].iloc[back] == "withdrawn"
    assert (old["status"] == "withdrawn").sum() <= 2
    assert (old["status"] == "confirmed").mean() > 0.5
    assert set(old["n_obs"]) == {1, 2}
    assert overlapping(found) == pytest.approx(0, abs=1)
    standing = found["status"] != "withdrawn"
    assert found["new_ha"][~standing].sum() == pytest.approx(-found["area_ha"][~standing].sum())
    total = front.alerts["new_ha"].sum() + found["new_ha"].sum()  # the law: what is new adds up to what stands
    assert total == pytest.approx(found["area_ha"][standing].sum(), abs=0.01)
