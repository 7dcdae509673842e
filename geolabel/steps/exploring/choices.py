"""What is asked of an exploration, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from geolabel.checked import MAX_CLASSES
from geolabel.errors import OptionError, TileIndexError
from geolabel.exploration.projection import Method

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.steps.exploring.classes import Labels

Grouping = Literal["kmeans", "hdbscan", "none"]
_DIMS = (2, 3)


@dataclass(frozen=True, slots=True)
class Choices:
    """How tiles are projected and grouped."""

    methods: tuple[Method, ...]
    dims: tuple[int, ...]
    """2, 3, or both, of each method."""
    clusters: Grouping
    k: int
    """Clusters of k-means."""
    seed: int


def choices_of(method: Sequence[str], dims: Sequence[int | str], clusters: str, k: int, seed: int) -> Choices:
    """Names and numbers as they were given. Raises OptionError."""
    methods = tuple(dict.fromkeys(method))
    if not methods or not set(methods) <= set(get_args(Method)):
        raise OptionError(f"--method {','.join(methods)}: there are {', '.join(get_args(Method))}, with commas between")
    sides = tuple(dict.fromkeys(str(side) for side in dims))
    if not sides or not set(sides) <= set(map(str, _DIMS)):
        raise OptionError(f"--dims {','.join(sides)}: a projection has 2 or 3 dimensions; give 2, 3, or 2,3")
    if clusters not in get_args(Grouping):
        raise OptionError(f"--clusters {clusters}: there are {', '.join(get_args(Grouping))}")
    if not 2 <= k <= MAX_CLASSES:  # noqa: PLR2004 - one cluster would say nothing
        raise OptionError(f"-k must lie in 2–{MAX_CLASSES}, got {k}")
    return Choices(cast("tuple[Method, ...]", methods), tuple(map(int, sides)), cast("Grouping", clusters), k, seed)


def check_numbers(most: int, label_share: float) -> None:
    """Raise OptionError where a number makes no sense."""
    if most < 5:  # noqa: PLR2004 - see LEAST
        raise OptionError(f"--most must be at least 5, got {most}")
    if not 0 <= label_share <= 1:
        raise OptionError(f"--label-share must lie in 0–1, got {label_share:g}")


def check_labels(choices: Choices, labels: Labels, tiles: Path) -> None:
    """Raise TileIndexError where LDA is asked for, and there are not two classes to part."""
    if "lda" in choices.methods and not labels.tell_apart:
        raise TileIndexError(
            f"{tiles}: --method lda parts classes, and fewer than two are labelled; attach labels with geolabel label, "
            "lower --label-share, or take umap or pca"
        )
