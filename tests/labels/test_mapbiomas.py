"""A real map of MapBiomas as a label source: each class's pixels in the tiles, against counting them with NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from geolabel.labels.scheme_file import find_scheme
from geolabel.steps.label import label
from geolabel.steps.tile import tile
from geolabel.tiling.index import TileIndex, read_index

NOT_OBSERVED = 27
CORNERS = {"gold": (4050, 2550), "edge": (4500, 0)}
"""Column and row of a region with mines in it, and of one not all of which is observed."""
WIDTH, HEIGHT, SIZE = 1000, 900, 128
"""Of the region, which no whole number of tiles fills."""


@pytest.fixture(scope="session")
def cover(shared_data: Path) -> Path:
    """Land cover of Amapá, 2020."""
    path = shared_data / "mapbiomas-amapa" / "utm_cover_AP_rio_2020.tif"
    if not path.is_file():
        pytest.skip(f"real data is not here: {path}")
    return path


def codes_and_tiles(cover: Path, corner: str, folder: Path) -> tuple[np.ndarray, Path]:
    """A region's codes, and the tiles of a made-up raster on the same pixels."""
    col, row = CORNERS[corner]
    with rasterio.open(cover) as dataset:
        codes = dataset.read(1, window=Window(col, row, WIDTH, HEIGHT))
        profile = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 1, "dtype": "uint8"}
        a, b, left, d, e, top = dataset.transform[:6]
        place = Affine(a, b, left + col * a, d, e, top + row * e)
        profile |= {"crs": dataset.crs, "transform": place}
    with rasterio.open(folder / "region.tif", "w", **profile) as dataset:
        dataset.write(np.ones((1, HEIGHT, WIDTH), np.uint8))
    tile([folder / "region.tif"], size=SIZE, min_valid=0, output=folder / "tiles.parquet")
    return codes, folder / "tiles.parquet"


def windows(index: TileIndex) -> list[tuple[slice, slice]]:
    """Rows and columns of each tile in the region."""
    col, row, width, height = (index.column(name) for name in ("col_off", "row_off", "width", "height"))
    return [(slice(y, y + h), slice(x, x + w)) for x, y, w, h in zip(col, row, width, height, strict=True)]


def pixels(share: np.ndarray, tiles: list[np.ndarray]) -> np.ndarray:
    """Shares as numbers of pixels, which they are whole numbers of but for the rounding of 32 bits."""
    found = np.nan_to_num(share.astype(float)) * np.array([one.size for one in tiles])
    np.testing.assert_allclose(found, found.round(), atol=0.01)
    return found.round().astype(int)


@pytest.mark.parametrize("corner", CORNERS)
def test_pixels_of_each_class(cover: Path, tmp_path: Path, corner: str) -> None:
    codes, path = codes_and_tiles(cover, corner, tmp_path)
    label(path, raster=[cover], scheme="mapbiomas", min_known=0)
    index = read_index(path)
    tiles = [codes[window] for window in windows(index)]
    assert sum(one.size for one in tiles) == codes.size
    known = pixels(index.column("known"), tiles)
    assert known.tolist() == [(one != NOT_OBSERVED).sum() for one in tiles]
    assert (known.sum() < codes.size) == (corner == "edge")
    scheme, totals = find_scheme("mapbiomas"), dict(zip(*np.unique(codes, return_counts=True), strict=True))
    assert set(totals) - {NOT_OBSERVED} <= {code for entry in scheme.classes for code in entry.rules.raster}
    for at, entry in enumerate(scheme.classes):
        found = pixels(index.shares[:, at], tiles)
        assert found.tolist() == [np.isin(one, entry.rules.raster).sum() for one in tiles], entry.name
        assert found.sum() == sum(totals.get(code, 0) for code in entry.rules.raster), entry.name


def test_pixels_of_mines(cover: Path, tmp_path: Path) -> None:
    codes, path = codes_and_tiles(cover, "gold", tmp_path)
    label(path, raster=[cover], scheme="mining", min_known=0)
    index = read_index(path)
    tiles = [codes[window] for window in windows(index)]
    assert (codes == 30).sum() > 4000
    assert pixels(index.shares[:, 0], tiles).tolist() == [(one == 30).sum() for one in tiles]
    assert (pixels(index.column("known"), tiles) == [one.size for one in tiles]).all()  # the rest is background


@pytest.mark.parametrize("scheme", ["mapbiomas", "mining", "forest"])
def test_the_labels_name_whose_map_it_is(cover: Path, tmp_path: Path, scheme: str) -> None:
    _, path = codes_and_tiles(cover, "gold", tmp_path)
    label(path, raster=[cover], scheme=scheme)
    (source,) = read_index(path).label_sources
    assert source["attribution"] == find_scheme(scheme).attribution
    assert source["attribution"].startswith("MapBiomas Project")
