"""Arrays of a model file, checked before anything is computed with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def take(arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic], *shape: int | None) -> NDArray[Any]:
    """The array `name`, of a type and a shape (None: any size), in C order, finite. Raises ModelError."""
    found = arrays.get(name)
    if found is None:
        raise damaged(f"{name} is missing")
    fits = found.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, found.shape, strict=True))
    if found.dtype != dtype or not fits:
        wanted = " × ".join("n" if size is None else str(size) for size in shape)
        raise damaged(f"{name} is {found.dtype} {found.shape}, not {np.dtype(dtype)} {wanted}")
    if not np.isfinite(found).all():
        raise damaged(f"{name} holds values that are no numbers")
    return np.array(found, order="C")


def within(values: NDArray[Any], low: float, high: float, name: str) -> None:
    """Raise ModelError where a value is less than `low` or more than `high`."""
    if values.size and not (low <= values.min() and values.max() <= high):
        raise damaged(f"{name} holds values beyond {low:g}–{high:g}")


def damaged(what: str) -> ModelError:
    """The error of arrays that contradict each other."""
    return ModelError(f"the model's arrays are damaged: {what}; train or copy the model again")
