"""What `geolabel change` refuses: in one line, before any work where it can, and with nothing left behind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine

from tests.cli.change_scene import CRS, FIRST, LEFT, PLACE, TOP, picture, write_picture
from tests.cli.test_bad_input import fails

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dates, files that are something else, and a strange work folder."""
    found = tmp_path_factory.mktemp("errors")
    before, after = picture((), 1), picture((FIRST,), 2)
    write_picture(found / "2019.tif", before)
    write_picture(found / "2020.tif", after)
    write_picture(found / "undated.tif", after)
    write_picture(found / "far-2020.tif", after, transform=Affine.translation(100_000, 0) @ PLACE)
    write_picture(found / "nir-2020.tif", after[[0, 2]], bands=("green", "nir"))
    write_picture(found / "other-2020.tif", after[:2], bands=("swir1", "swir2"))
    write_picture(found / "empty-2020.tif", after * 0)
    write_picture(found / "grey-2019.tif", np.broadcast_to(before[1], before.shape).copy())
    here = shapely.box(LEFT, TOP - 500, LEFT + 500, TOP)
    geopandas.GeoDataFrame({"a": [1]}, geometry=[here], crs=CRS).to_file(found / "plain.gpkg")
    geopandas.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4326").to_file(found / "off.gpkg")
    (found / "there").mkdir()
    (found / "there" / "mine.txt").write_text("keep me")
    (found / "prediction").mkdir()
    shutil.copy(found / "2020.tif", found / "prediction" / "probabilities.tif")
    (found / "2020-far").mkdir()
    shutil.copy(found / "far-2020.tif", found / "2020-far" / "probabilities.tif")
    (found / "taken.work").mkdir()
    (found / "taken.work" / "mine.txt").write_text("keep me")  # an empty one is what a killed run leaves, and is swept
    return found


REFUSED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "one image": (("2019.tif",), ("two images at least", "2019.tif")),
    "no date": (("2019.tif", "undated.tif"), ("undated.tif", "--dates")),
    "too few dates": (("2019.tif", "2020.tif", "--dates", "2019"), ("1 dates for 2 images",)),
    "no such day": (("2019.tif", "2020.tif", "--dates", "2019,soon"), ("'soon' is no date", "2020-07-31")),
    "one date twice": (("2020.tif", "far-2020.tif"), ("both of 2020-07-01", "--dates")),
    "missing": (("2019.tif", "gone-2020.tif"), ("gone-2020.tif", "no such file")),
    "elsewhere": (("2019.tif", "far-2020.tif"), ("far-2020.tif", "does not overlap")),
    "no band in common": (("2019.tif", "other-2020.tif"), ("shares no band", "--bands")),
    "no red": (("2019.tif", "nir-2020.tif"), ("forest is told by red and green", "green, nir")),
    "nothing seen": (("2019.tif", "empty-2020.tif"), ("no place was seen at two dates", "nodata")),
    "no forest": (("grey-2019.tif", "2020.tif"), ("no forest stands out", "--model")),
    "no such class": (("2019.tif", "2020.tif", "--class", "quarry"), ("give a --model",)),
    "no such model": (("2019.tif", "2020.tif", "--model", "nope"), ("nope", "amazon-mining-rgb")),
    "threshold below grow": (("2019.tif", "2020.tif", "--threshold", ".4"), ("--grow 0.5", "--threshold 0.4")),
    "threshold of one": (("2019.tif", "2020.tif", "--threshold", "1"), ("want 0 < grow",)),
    "output there": (("2019.tif", "2020.tif", "-o", "there"), ("there", "exists already", "--overwrite")),
    "a stranger's": (("2019.tif", "2020.tif", "-o", "there", "--overwrite"), ("did not make", "-o")),
    "over an input": (("2019.tif", "2020.tif", "-o", "prediction/..", "--overwrite"), ("input", "-o")),
    "work folder taken": (("2019.tif", "2020.tif", "-o", "taken"), ("taken.work", "none of geolabel's")),
    "no previous": (("2019.tif", "2020.tif", "--previous", "no.gpkg"), ("--previous", "no such file")),
    "no protected": (("2019.tif", "2020.tif", "--protected", "no.gpkg"), ("--protected", "no such file")),
    "no admin": (("2019.tif", "2020.tif", "--admin", "no.gpkg"), ("--admin", "no such file")),
    "no aoi": (("2019.tif", "2020.tif", "--aoi", "no.gpkg"), ("--aoi", "no such file")),
    "aoi elsewhere": (("2019.tif", "2020.tif", "--aoi", "off.gpkg"), ("off.gpkg", "does not touch")),
    "previous is no alerts": (("2019.tif", "2020.tif", "--previous", "plain.gpkg"), ("no layer of alerts", "alert_id")),
    "previous is a raster": (("2019.tif", "2020.tif", "--previous", "2019.tif"), ("not a vector file",)),
    "previous is empty": (("2019.tif", "2020.tif", "--previous", "there"), ("alerts.gpkg", "no such file")),
    "zones without names": (("2019.tif", "2020.tif", "--protected", "plain.gpkg"), ("no field", "there are a")),
    "no such name": (("2019.tif", "2020.tif", "--admin", "plain.gpkg", "--admin-name", "b"), ("no field 'b'",)),
    "mixed": (("2019.tif", "prediction", "--dates", "2019,2020"), ("2019.tif", "no prediction folder", "images")),
    "predictions of two places": (
        ("prediction", "2020-far", "--dates", "2019,2020"),
        ("2020-far", "another grid", "give the images instead"),
    ),
    "model for predictions": (
        ("prediction", "prediction", "--dates", "2019,2020", "--unsupervised"),
        ("is a prediction already",),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(cli: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.chdir(folder)
    words, says = REFUSED[kind]
    out = () if "-o" in words else ("-o", "out")
    fails(cli, folder, "change", *words, *out, "--as-they-are", says=says)


@pytest.mark.parametrize("path", ["plain.gpkg", "2019.tif", "there"])
def test_a_previous_that_is_none_stops_before_any_work(
    cli: Callable[..., Done], folder: Path, monkeypatch: pytest.MonkeyPatch, path: str
):
    def work(*_: object, **__: object) -> None:
        raise AssertionError("work began")

    monkeypatch.setattr("geolabel.steps.change.source_of", work)
    words = ("change", folder / "2019.tif", folder / "2020.tif", "--previous", folder / path, "-o", folder / "out")
    fails(cli, folder, *words, says=())


def test_what_typer_refuses(cli: Callable[..., Done], folder: Path):
    for words, says in ((("--what", "more"), "'more' is not one of"), (("--mmu", "half"), "is no area")):
        done = cli("change", folder / "2019.tif", folder / "2020.tif", *words)
        assert done.code == 2
        assert says in done.err
