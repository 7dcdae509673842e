"""A planted set as files: a raster of its chips, and an index of them with labels and parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import rasterio
from affine import Affine

from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.steps.tile import tile
from geolabel.tiling.index import LABEL_PREFIX, dictionary, read_index, write_index

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rows.planted import Planted

_COLS = 20


def write_planted(planted: Planted, folder: Path) -> Path:
    """The index: the first tiles train, the next validate, the others test."""
    count, bands, height, width = planted.pixels.shape
    grid = planted.pixels.reshape(count // _COLS, _COLS, bands, height, width).transpose(2, 0, 3, 1, 4)
    image = grid.reshape(bands, count // _COLS * height, _COLS * width)
    raster, path = folder / "region.tif", folder / "tiles.parquet"
    shape = {"width": image.shape[2], "height": image.shape[1], "count": bands, "dtype": "uint8"}
    place = {"crs": "EPSG:32631", "transform": Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)}
    with rasterio.open(raster, "w", driver="GTiff", **shape, **place) as dataset:
        dataset.write(image)
        dataset.descriptions = ("red", "green", "blue")
    tile([raster], output=path, size=height)
    index = read_index(path)
    assert len(index) == count
    classes = [(head, name) for head in planted.heads for name in head.classes]
    told = planted.truth if planted.told is None else planted.told
    parts = np.repeat(["train", "val", "test"], [planted.train, planted.val, count - planted.train - planted.val])
    scheme = Scheme(
        "planted", tuple(LabelClass(name, group=head.name * (head.kind == "softmax")) for head, name in classes)
    )
    labels = {LABEL_PREFIX + name: pa.array(told[:, at].astype(np.float32)) for at, (_, name) in enumerate(classes)}
    columns = {"known": pa.array(np.ones(count, np.float32)), "split": dictionary(parts.tolist()), **labels}
    split = {"method": "random", "by": None, "seed": 0}
    write_index(path, index.with_columns(columns, scheme=complete(scheme).to_json(), split=split), overwrite=True)
    return path
