"""What the rows share: a trunk that has seen a large planted set; a planted land, and an embedder that knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from safetensors.torch import save_file

from tests.rows.checkered import QUICK, typed, write_land
from tests.rows.planted import RECIPE, learn, marked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that was trained on 500 tiles with the marks of four classes."""
    found = learn(marked(90, (0.3,) * 4, 500, 2.0), replace(RECIPE, seed=9, epochs=5))
    assert found.average_precision > 0.95
    path = tmp_path_factory.mktemp("pretrained") / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in found.network.state_dict().items()}, path)
    return path


@pytest.fixture(scope="session")
def checkered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the planted land, its maps of labels and its tiles; not to be written to."""
    folder = tmp_path_factory.mktemp("checkered")
    write_land(folder)
    return folder


@pytest.fixture(scope="session")
def embedder(checkered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder: trained on the labels of its tiles, by triplets."""
    run = tmp_path_factory.mktemp("embedder") / "run"
    typed("embed", "train", checkered / "tiles.parquet", "-o", run, *QUICK)
    return run
