"""The layer of tiles that lie far apart: its seconds and bytes go by the tiles."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import rasterio
from affine import Affine

from geolabel.grid import Grid, Window
from geolabel.steps.explaining.layer import write_tile_layer

if TYPE_CHECKING:
    from pathlib import Path

SIDE, AWAY = 256, 20_000


def index_of(starts: list[int]) -> Any:
    columns = {"col_off": starts, "row_off": starts, "width": [SIDE] * len(starts), "height": [SIDE] * len(starts)}
    known = {name: np.array(values) for name, values in columns.items()} | {"source": np.array(["a.tif"] * len(starts))}
    return SimpleNamespace(column=known.__getitem__)


def written(path: Path, starts: list[int], methods: list[str]) -> float:
    """Seconds to write the layer of tiles on the diagonal, from these rows and columns on."""
    rng = np.random.default_rng(0)
    explained = [
        SimpleNamespace(
            case=SimpleNamespace(row=row, class_at=0),
            valid=np.ones((SIDE, SIDE), bool),
            reasons={way: SimpleNamespace(relevance=rng.normal(size=(SIDE, SIDE)).astype("f4")) for way in methods},
        )
        for row in range(len(starts))
    ]
    window = Window(starts[0], starts[0], starts[-1] + SIDE - starts[0], starts[-1] + SIDE - starts[0])
    grid = Grid("EPSG:32631", Affine(10, 0, 400_000, 0, -10, 5_500_000), 30_000, 30_000)
    began = time.perf_counter()
    write_tile_layer(
        path, index_of(starts), "a.tif", (grid, window), cast("Any", explained), ["mine"], cast("Any", methods), ("me",)
    )
    return time.perf_counter() - began


def test_tiles_far_apart_take_no_more_than_those_close_by(tmp_path: Path) -> None:
    written(tmp_path / "warm.tif", [100, 400], ["lime"])
    near = written(tmp_path / "near.tif", [100, 2 * SIDE + 100], ["lime", "occlusion"])
    far = written(tmp_path / "far.tif", [100, AWAY + 100 - SIDE], ["lime", "occlusion"])
    assert far < near + 1
    sizes = [(tmp_path / f"{name}.tif").stat().st_size for name in ("near", "far")]
    assert sizes[1] < sizes[0] + 100_000
    with rasterio.open(tmp_path / "far.tif") as layer:
        assert layer.shape == (AWAY, AWAY)
        assert layer.descriptions == ("mine, lime", "mine, occlusion")
        assert layer.tags()["TIFFTAG_COPYRIGHT"] == "me"
        assert layer.transform.c == pytest.approx(400_000 + 1_000)
        first, last = (layer.read(2, window=((at, at + 300), (at, at + 300))) for at in (0, AWAY - 300))
        assert np.isnan(layer.read(1, window=((9_000, 9_600), (9_000, 9_600)))).all()
    assert np.isfinite(first).sum() == np.isfinite(last).sum() == SIDE * SIDE
    assert np.isfinite(first[:SIDE, :SIDE]).all()
    assert np.isfinite(last[-SIDE:, -SIDE:]).all()
    assert "mine, lime: speaks for" in (tmp_path / "far.qml").read_text()
