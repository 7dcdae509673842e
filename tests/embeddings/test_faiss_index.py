"""The index beside a file: it finds nearly all, and knows when it is out of date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from geolabel.embeddings.index import build_index, index_folder, is_fresh, nearest_by_index
from geolabel.errors import InstallError
from tests.embeddings import made

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("norm", [True, False])
def test_it_finds_nearly_all_of_the_nearest(tmp_path: Path, norm: bool) -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(4)
    vectors = made.unit(rng, 5000, 8) * (1 if norm else rng.uniform(0.5, 2, (5000, 1)).astype(np.float32))
    made.write(tmp_path / "e.parquet", made.tiles(5000), vectors.astype(np.float16), norm=norm)
    build_index(tmp_path / "e.parquet")
    query = vectors[[17]]
    score = vectors @ query[0] if norm else -np.linalg.norm(vectors - query, axis=1)
    found = nearest_by_index(tmp_path / "e.parquet", query, 100)
    assert len(np.intersect1d(found, np.argsort(-score)[:100])) >= 97


def test_an_old_index_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    path, rng = tmp_path / "e.parquet", np.random.default_rng(4)
    made.write(path, made.tiles(200), made.unit(rng, 200, 8))
    assert not is_fresh(path)
    build_index(path)
    assert is_fresh(path)
    made.write(path, made.tiles(200), made.unit(rng, 200, 8))
    assert not is_fresh(path)
    build_index(path)
    assert is_fresh(path)
    (index_folder(path) / "run.json").write_text("{")
    assert not is_fresh(path)


def test_without_faiss_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.write(tmp_path / "e.parquet", made.tiles(9), made.unit(np.random.default_rng(0), 9, 4))
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InstallError, match=r"--index needs FAISS: pip install 'geolabel\[search\]'"):
        build_index(tmp_path / "e.parquet")
