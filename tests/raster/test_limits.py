"""What a header asks of the memory is looked at before any of it is given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from geolabel import raster
from geolabel.errors import InputError
from geolabel.raster.limits import MOST_BLOCK_BYTES, check_block

if TYPE_CHECKING:
    from tests.conftest import WriteRaster


def opened(side: int, bands: int, dtype: str, interleaved: str) -> Any:
    return SimpleNamespace(
        block_shapes=[(side, side)] * bands,
        count=bands,
        dtypes=[dtype] * bands,
        interleaving=SimpleNamespace(name=interleaved),
    )


@pytest.mark.parametrize(
    ("side", "bands", "dtype", "interleaved", "fits"),
    [
        (1 << 14, 1, "uint8", "band", True),  # 256 MiB to the byte
        (1 << 14, 3, "uint8", "band", True),  # one of them at a time
        (1 << 14, 3, "uint8", "pixel", False),
        (1 << 14, 1, "uint16", "band", False),
        (512, 65, "float64", "pixel", True),
    ],
)
def test_a_block_is_what_is_decoded_together(side: int, bands: int, dtype: str, interleaved: str, fits: bool) -> None:
    together = bands if interleaved == "pixel" else 1
    assert (side * side * together * np.dtype(dtype).itemsize <= MOST_BLOCK_BYTES) == fits
    if fits:
        check_block("a.tif", opened(side, bands, dtype, interleaved))
    else:
        with pytest.raises(InputError, match=rf"a\.tif: is stored in blocks of {side} × {side} px, .* -of COG"):
            check_block("a.tif", opened(side, bands, dtype, interleaved))


def test_what_is_stored_as_usual_fits(write_raster: WriteRaster) -> None:
    for name, how in (("strips.tif", {}), ("tiles.tif", {"tiled": True, "blockxsize": 256, "blockysize": 256})):
        assert raster.describe(write_raster(name, np.ones((3, 512, 512), "uint16"), **how)).width == 512
