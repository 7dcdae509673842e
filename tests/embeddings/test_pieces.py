"""Pieces hold every vector once, in order, and none is large."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geolabel.embeddings import pieces as module
from geolabel.embeddings.pieces import pieces
from geolabel.steps.embed.encode import encode
from tests.steps.embed.encoders import save_encoder


def test_pieces(tmp_path: Path, write_raster, monkeypatch):
    bands = ("red", "green", "blue", "nir")
    pixels = np.random.default_rng(0).integers(500, 2_000, (4, 80, 96)).astype("uint16")
    path = write_raster("region.tif", pixels, nodata=0, descriptions=bands)
    model = save_encoder(tmp_path / "e.safetensors", bands, tile_px=(8, 8))
    report = encode(path, model=model, output=tmp_path / "v.parquet", colours=False)
    whole = np.concatenate([part for _, part in pieces(report.output)])
    monkeypatch.setattr(module, "_NUMBERS", 7 * report.size)
    found = list(pieces(report.output))
    assert [first for first, _ in found] == list(range(0, 120, 7))
    assert max(len(part) for _, part in found) == 7
    assert (np.concatenate([part for _, part in found]) == whole).all()
