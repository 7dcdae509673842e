"""Reports for people (tables) and for programs (`--json`): the only place that prints to stdout."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from geolabel import files

_SHORT = {
    "average_precision": "AP",
    "positives": "present",
    "name": "",
    "auc": "AUC",
    "f1": "F1",
    "f2": "F2",
    "map_at_r": "MAP@R",
    "soft_map_at_r": "soft MAP@R",
    "valid_share": "valid",
    "knc": "kNC",
    "gsil": "gSil",
    "iou": "IoU",
    "map_at_1_compat": "MAP@1 compat",
    "map_at_10_compat": "MAP@10 compat",
    "gsil_compat": "gSil compat",
}
_ONLY_JSON = {
    *("tp", "fp", "tn", "fn", "sensitivity", "specificity", "g_mean", "jaccard", "binary_accuracy"),
    *("brier", "ece", "auc_random", "f1_random"),
}
"""What a table of scores has no room for."""
_STATE_COLORS = {"ok": "green", "note": "yellow", "broken": "red"}
_LEFT_OUT = {"priority": 0}
"""A column is left out where no row says anything; that is an empty text, None, or this."""
_COMMAND = "command"
_SHARE, _COLOR = "share", "color"
"""Columns that become one, a bar, where a row has both."""
_SWATCH = "\u2588\u2588"
_BAR_CELLS, _NARROW_CELLS, _WIDE = 16, 6, 100
"""Cells of a bar, in a console of so many columns and in a narrower one."""
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"
"""Blocks that are so many eighths of a cell wide."""
_ANY_WIDTH = 10_000
"""Columns of a console in which every table fits."""
_CODES = ("value", "year")
"""Numbers that are names: without separators."""


def show(report: Any, *, as_json: bool) -> None:
    """Print a step's report: one JSON object, or tables."""
    if as_json:
        print(json.dumps(files.to_json(report), ensure_ascii=False))  # noqa: T201 - this is the printing module
        return
    console = Console(highlight=False, markup=False)
    _show_fields(console, report)


def _show_fields(console: Console, report: Any) -> None:
    """Plain values first, then tables, then sentences and lists of files: what is to be read is not scrolled away."""
    values = [(column.name, getattr(report, column.name)) for column in fields(report)]
    for _, value in [pair for pair in values if is_dataclass(pair[1])]:
        values += [(inner.name, getattr(value, inner.name)) for inner in fields(value)]
    facts = Table.grid(padding=(0, 2))
    for name, value in values:
        if _is_plain(name, value) and value not in ("", ()):
            facts.add_row(_title(name), _text(value))
    if facts.row_count:
        console.print(facts)
    for name, value in values:
        if _is_rows(value):
            console.print(_rows(_title(name), value, console))
        elif isinstance(value, dict) and value:
            console.print(_mapping(_title(name), value))
    _show_lines(console, values)


def _show_lines(console: Console, values: list[tuple[str, Any]]) -> None:
    """Sentences; and what is to be copied: files, and commands whole, whatever the width."""
    for name, value in values:
        if _is_paths(value):
            console.print(Text(_title(name), "bold"), *value, sep="\n  ")
        elif _is_sentences(value):
            console.print(Text(_title(name), "bold"), *(Padding(line, (0, 0, 0, 2), expand=False) for line in value))
        elif name == _COMMAND:
            console.print(Text(_title(name), "bold"), f"  {value}", sep="\n", soft_wrap=True)


def _is_plain(name: str, value: Any) -> bool:
    return name != _COMMAND and not (
        is_dataclass(value) or _is_rows(value) or _is_paths(value) or _is_sentences(value) or isinstance(value, dict)
    )


def _is_paths(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Path)


def _is_sentences(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, str) and item.endswith(".") for item in value)


def _is_rows(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and is_dataclass(value[0])


def _rows(title: str, rows: Any, console: Console) -> Table:
    """A table; where it is wider than the console, what is the same in all of its rows stands below it, once."""
    names = [column.name for column in fields(rows[0]) if column.name not in _ONLY_JSON]
    names = [name for name in names if any(_says(name, getattr(row, name)) for row in rows)]
    table = _columns(title, rows, names, console)
    wide = console.measure(table, options=console.options.update(max_width=_ANY_WIDTH)).maximum > console.width
    same = [name for name in names[1:] if len({_text(getattr(row, name)) for row in rows}) == 1] if wide else []
    if len(rows) == 1 or not same:
        return table
    table = _columns(title, rows, [name for name in names if name not in same], console)
    told = (f"{_SHORT.get(name) or _title(name)} {_text(getattr(rows[0], name))}" for name in same)
    table.caption, table.caption_justify = f"in all of them: {', '.join(told)}", "left"
    return table


def _columns(title: str, rows: Any, names: list[str], console: Console) -> Table:
    cells_a_bar = _BAR_CELLS if console.width >= _WIDE else _NARROW_CELLS
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD)
    barred = _SHARE in names and hasattr(rows[0], _COLOR)
    names = [name for name in names if not (barred and name == _COLOR)]  # the bar has it
    for name in names:
        numeric = any(isinstance(getattr(row, name), int | float) for row in rows)
        left = not numeric or (barred and name == _SHARE)
        table.add_column(_SHORT.get(name, _title(name)), justify="left" if left else "right", overflow="fold")
    for row in rows:
        style = _STATE_COLORS.get(getattr(row, "state", ""))
        cells = [
            _bar(getattr(row, name), getattr(row, _COLOR), cells_a_bar)
            if barred and name == _SHARE
            else _cell(name, getattr(row, name), swatches=console.is_terminal)
            for name in names
        ]
        table.add_row(*cells, style=style)
    return table


def _says(name: str, value: Any) -> bool:
    if isinstance(value, tuple) and value and (isinstance(value[0], tuple) or is_dataclass(value[0])):
        return False  # a table in a cell
    return value is not None and value != "" and value != _LEFT_OUT.get(name)


def _cell(name: str, value: Any, *, swatches: bool) -> str | Text:
    if name == _COLOR and swatches and value:
        return Text.assemble((_SWATCH, value), " ", value)
    if name in _CODES:
        return "–" if value is None else str(value)
    return _text(value)


def _bar(share: float | None, color: str, most: int) -> Text:
    """A share in percent, and as a bar in the colour of its class."""
    if share is None or share != share:  # noqa: PLR0124 - NaN
        return Text("–")
    eighths = max(1, round(share * most * 8)) if share > 0 else 0
    whole, rest = divmod(eighths, 8)
    blocks = "\u2588" * whole + (_EIGHTHS[rest] if rest else "")
    return Text.assemble(f"{100 * share:5.1f} % ", (blocks, color or "default"))


def _mapping(title: str, values: dict[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD)
    inner = [value for value in values.values() if isinstance(value, dict)]
    if not inner:
        table.show_header = False
        table.add_column()
        table.add_column(justify="right")
        for name, value in values.items():
            table.add_row(str(name), _text(value))
        return table
    table.add_column()  # outer keys are columns: there are few parts and many classes
    for name in values:
        table.add_column(str(name), justify="right")
    for name in inner[0]:
        table.add_row(str(name), *(_text(value[name]) for value in inner))
    return table


def _title(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "–" if value != value else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR0124, PLR2004
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple | list):
        return ", ".join(f"{item:.6g}" if isinstance(item, float) else str(item) for item in value) or "–"
    return str(value)
