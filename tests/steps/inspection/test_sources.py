"""Rasters that are no single file: STAC, addresses, products; each is described as the raster that other commands read.

What they hold is written here, so that the figures are known.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from affine import Affine

from geolabel.steps.inspect import inspect, look
from geolabel.steps.inspection.raster import RasterReport
from tests.faults.flaky import QuietServer
from tests.raster.test_region_products import METADATA, OFFSETS, STEM, write_jp2
from tests.raster.test_region_remote import Server, handler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import WriteRaster

PLACE = Affine(10, 0, 600_000, 0, -10, 4_900_020)
RED, NIR = (np.random.default_rng(seed).integers(1, 9000, (1, 60, 60)).astype("uint16") for seed in range(2))
MEANS = {"red": RED.mean(), "nir": NIR.mean()}


def _means(name: object) -> dict[str, float | None]:
    report = inspect(str(name))
    assert isinstance(report, RasterReport)
    assert (report.size_px, report.gsd_m) == ((60, 60), pytest.approx((10, 10), rel=0.001))
    seen = look(str(name), 30)
    assert seen is not None
    assert seen.pixels.shape == (30, 30, 3)
    return {row.band: row.mean for row in report.bands}


def _write_item(folder: Path, write_raster: WriteRaster) -> dict[str, object]:
    assets = {}
    for name, pixels in (("red", RED), ("nir", NIR)):
        write_raster(str(folder / f"{name}.tif"), pixels, transform=PLACE, nodata=0)
        bands = [{"name": name, "common_name": name}]
        assets[name] = {"href": f"./{name}.tif", "type": "image/tiff", "roles": ["data"], "eo:bands": bands}
    return {"type": "Feature", "stac_version": "1.0.0", "id": "a", "assets": assets, "links": [], "properties": {}}


def test_stac_items_and_collections(tmp_path: Path, write_raster: WriteRaster) -> None:
    item = _write_item(tmp_path, write_raster)
    bare = {key: value for key, value in item.items() if key != "stac_version"}
    contents = {
        "item": item,
        "bare": bare,
        "search": {"type": "FeatureCollection", "features": [bare]},
        "collection": {"type": "Collection", "links": [{"rel": "item", "href": "./item.json"}]},
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    for name in contents:
        assert _means(tmp_path / f"{name}.json") == pytest.approx(MEANS), name


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server()
    listening = QuietServer(("127.0.0.1", 0), handler(found, tmp_path))
    threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
    found.url = f"http://127.0.0.1:{listening.server_port}"
    yield found
    listening.shutdown()
    listening.server_close()


def test_an_address(tmp_path: Path, write_raster: WriteRaster, server: Server) -> None:
    pixels = np.concatenate([RED, NIR])
    write_raster("a.tif", pixels, transform=PLACE, nodata=0, descriptions=("red", "nir"))
    assert _means(f"{server.url}/a.tif") == pytest.approx(MEANS)
    (tmp_path / "items").mkdir()
    item = _write_item(tmp_path / "items", write_raster)
    (tmp_path / "items" / "a.json").write_text(json.dumps(item))
    assert _means(f"{server.url}/items/a.json") == pytest.approx(MEANS)


def test_a_safe_folder(tmp_path: Path) -> None:
    root = tmp_path / "S2B_MSIL2A_20230615T100031_N0509_R122_T33TUL_20230615T130000.SAFE"
    images = root / "GRANULE" / "L2A_T33TUL_A032776_20230615T100032" / "IMG_DATA" / "R10m"
    for name, pixels in (("B04", RED), ("B08", NIR)):
        write_jp2(images / f"{STEM}_{name}_10m.jp2", pixels, 10)
    (root / "MTD_MSIL2A.xml").write_text(METADATA.format(OFFSETS))
    assert _means(root) == pytest.approx(MEANS)
    report = inspect(str(root))
    assert isinstance(report, RasterReport)
    assert {(row.scale, row.offset) for row in report.bands} == {(1e-4, -0.1)}


def test_a_landsat_folder(tmp_path: Path, write_raster: WriteRaster) -> None:
    stem = "LC08_L2SP_226068_20200716_20200912_02_T1"
    for number, pixels in ((4, RED), (5, NIR)):
        write_raster(f"scene/{stem}_SR_B{number}.TIF", pixels, transform=PLACE)
    (tmp_path / "scene" / f"{stem}_MTL.xml").write_text("<a/>")
    assert _means(tmp_path / "scene") == pytest.approx(MEANS)
