"""The columns of a tile index as they are in a file: of the right types, and with windows that can be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from geolabel.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

_LARGEST = 2**31 - 1
_WINDOWS = {"col_off": 0, "row_off": 0, "width": 1, "height": 1}
"""Column → its least value."""
_ROUNDED = 1e-3
"""Shares are sums of many parts."""


def check_columns(table: pa.Table) -> None:
    """Raise DamagedError for a column of another type, for a gap in it, and for values that no tile has."""
    import pyarrow as pa

    twice = [name for name in table.column_names if table.column_names.count(name) > 1]
    if twice:
        raise DamagedError(f"there are two columns {twice[0]!r}")
    if not table.num_rows:  # columns without a value may be of no type
        return
    for name, (is_so, what, gaps) in _wanted(table).items():
        column = table[name]
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not is_so(kind):
            raise DamagedError(f"column {name!r} must hold {what}, has {str(column.type)[:60]}")
        if not gaps and column.null_count:
            raise DamagedError(f"column {name!r} has {column.null_count:,} gaps")
    _check_values(table)


def _check_values(table: pa.Table) -> None:
    """Raise DamagedError for windows and shares that cannot be; NaN is a share that nobody knows or looked at."""
    import pyarrow.compute as pc

    for name, least in _WINDOWS.items():
        low, high = pc.min_max(table[name]).as_py().values()
        if not least <= low <= high <= _LARGEST:
            raise DamagedError(f"column {name!r} must lie from {least} to {_LARGEST}, goes from {low} to {high}")
    for name in ("valid", *(name for name in table.column_names if name.startswith("label.") or name == "known")):
        low, high = pc.min_max(table[name]).as_py().values()
        if low is not None and not math.isnan(low) and not 0 <= low <= high <= 1 + _ROUNDED:
            raise DamagedError(f"column {name!r} must lie from 0 to 1, goes from {low:g} to {high:g}")


def _wanted(table: pa.Table) -> dict[str, tuple[Callable[[pa.DataType], bool], str, bool]]:
    """Column → what its type must be, that in words, and whether it may have gaps."""
    import pyarrow as pa

    def is_text(kind: pa.DataType) -> bool:
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def is_bytes(kind: pa.DataType) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_null(kind))

    wanted: dict[str, tuple[Callable[[pa.DataType], bool], str, bool]] = {
        **dict.fromkeys(("tile", *_WINDOWS), (pa.types.is_integer, "whole numbers", False)),
        "source": (is_text, "texts", False),
        "valid": (pa.types.is_floating, "numbers", False),
        "geometry": (is_bytes, "outlines (WKB)", True),
        "split": (lambda kind: is_text(kind) or pa.types.is_null(kind), "texts", True),
        "known": (pa.types.is_floating, "numbers", True),
        "fold": (pa.types.is_integer, "whole numbers", False),
    }
    labels = (name for name in table.column_names if name.startswith("label."))
    return {name: wanted[name] for name in wanted if name in table.column_names} | dict.fromkeys(
        labels, (pa.types.is_floating, "numbers", True)
    )
