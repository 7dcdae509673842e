"""What the rows share: a trunk that has seen a large planted set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from safetensors.torch import save_file

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
