"""Changes by a model that sees both dates at once: a learned one, or the change vector of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel.errors import OptionError
from geolabel.model import read_card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.raster import RasterInfo
    from geolabel.steps.changes.choices import Choices
    from geolabel.steps.changes.evidence import Evidence


def is_of_pairs(model: Path) -> bool:
    return False


def unsupervised_model(images: Sequence[RasterInfo], model: str | Path | None, work: Path) -> Path:
    raise OptionError("later")


def by_pairs(images: Sequence[RasterInfo], model: Path, choices: Choices, work: Path) -> Evidence:
    raise OptionError("later")
