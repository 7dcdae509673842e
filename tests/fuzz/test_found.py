"""What fuzzing found, and what is read in its place now."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geolabel.errors import InputError, ModelError, SchemeError, TileIndexError
from geolabel.inference import Answers, cut, dump_answers, make_plan, read_answers
from geolabel.labels.rules import OsmRule
from geolabel.learn.backbones.weights import read_weights
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.steps.changes.evidence import even_table
from geolabel.steps.embed.training.origin import Origin
from geolabel.steps.verifying.inputs import input_rows
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _encrypted(content: bytes) -> bytes:
    """The archive says that its entries are encrypted."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        starts = [entry.header_offset for entry in archive.infolist()]
    found = bytearray(content)
    for start in starts:
        found[start + 6] |= 1
    at = found.find(b"PK\1\2")
    while at >= 0:
        found[at + 8] |= 1
        at = found.find(b"PK\1\2", at + 4)
    return bytes(found)


def _npz(header: bytes) -> bytes:
    """An archive with one array, whose header is of some bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("stamp.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
    return stream.getvalue()


@pytest.mark.parametrize(
    "damaged",
    [
        _encrypted,
        lambda _: _npz(b"{'descr': '<f4', "),
        lambda _: _npz(b"(" * 500),
        lambda _: _npz(b"{'descr': '|O', 'fortran_order': False, 'shape': ()}\n"),
        lambda _: _npz(b"{'descr': '<U9', 'fortran_order': False, 'shape': (99999999999,)}\n"),
    ],
    ids=["encrypted", "cut header", "nested header", "objects", "huge"],
)
def test_a_shard_that_numpy_stumbles_over(tmp_path: Path, damaged: Callable[[bytes], bytes]) -> None:
    plan = make_plan(64, 64, (16, 16), 8)
    (shard,) = cut(plan)
    path = tmp_path / "0.npz"
    content = dump_answers(Answers.none(plan, shard, 2, None), "s")
    path.write_bytes(content)
    assert read_answers(path, plan, shard, 2, "s").predicted == 0
    path.write_bytes(damaged(content))
    with pytest.raises(InputError, match="predict the shard again"):
        read_answers(path, plan, shard, 2, "s")


def test_weights_that_are_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, w=np.zeros(3, np.float32))
    path.write_bytes(_encrypted(path.read_bytes()))
    with pytest.raises(ModelError, match="is damaged"):
        read_weights(path)


def test_a_width_without_end() -> None:
    with pytest.raises(SchemeError, match="width_m must be 100,000 at the most"):
        OsmRule.parse({"tags": "waterway=river", "width_m": 10**400})


def test_an_index_whose_columns_have_no_names(tmp_path: Path) -> None:
    path = tmp_path / "tiles.parquet"
    pq.write_table(pa.table({"source": ["a"]}), path)
    path.write_bytes(path.read_bytes().replace(b"source", b"s\xbcurce"))
    with pytest.raises(TileIndexError, match="is no tile index"):
        read_index(path)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_thresholds_at_the_ends(threshold: float) -> None:
    assert np.isfinite(even_table(threshold)).all()


def test_a_fingerprint_that_is_none(tmp_path: Path) -> None:
    told = {"inputs": {"model": "m.safetensors", "model_fingerprint": {"": None}}}
    (row,) = input_rows(told, tmp_path)
    assert row.state != "same"


def test_a_fingerprint_that_was_not_written_down(tmp_path: Path) -> None:
    (row,) = input_rows({"inputs": {"model": "m.safetensors", "model_fingerprint": None}}, tmp_path)
    assert (row.recorded, row.state) == ("", "not here")


def test_weights_of_a_name_that_no_disk_takes(tmp_path: Path) -> None:
    origin = Origin((), EmbedRecipe(weights="n" * 999))
    assert origin.record(tmp_path)["inputs"] == {}
