"""What QGIS shows where the pointer rests on a polygon: HTML, with expressions between [% and %].

Plain tables and pictures only: newer QGIS shows map tips without a browser. A column that a layer lacks would leave
its expression as text, so each tip belongs to one kind of layer.
"""

from __future__ import annotations

_FOLDER = "file_path(layer_property(@layer_id, 'path'))"
"""Of the layer's file, whether it came by a project or was opened alone; empty where it lies in a database."""
_WIDTH_PX = 200


def detection_tip() -> str:
    """For detections: class, probability, area."""
    rows = (
        _row("Area", "format_number(\"area_ha\", 2) || ' ha'"),
        _row("Probability", _percent("probability") + " || ' (highest ' || " + _percent("probability_max") + " || ')'"),
    )
    return _card("", rows)


def alert_tip() -> str:
    """For alerts: what, when, how large, how sure, what stands there now, whose land; pictures of before and after."""
    first = (
        f"{_date('date_first')} || if(\"date_window_days\" > 0, ' (within ' || \"date_window_days\" || ' days)', '')"
    )
    last = f"{_date('date_last')} || ' (' || \"n_obs\" || if(\"n_obs\" = 1, ' image)', ' images)')"
    protected = f"{_escaped('protected_name')} || ' (' || format_number(\"protected_ha\", 2) || ' ha)'"
    rows = (
        _row("Area", "format_number(\"area_ha\", 2) || ' ha'"),
        _row("First seen", first),
        _row("Last seen", last),
        _row("Confidence", f"{_percent('confidence')} || ' (' || {_escaped('level')} || ')'"),
        _row("Driver", _escaped("driver"), where=_given("driver")),
        _row("Protected", protected, where=_given("protected_name")),
        _row("Unit", _escaped("admin"), where=_given("admin")),
    )
    pictures = "".join(_picture(when) for when in ("before", "after"))
    status = f' <span style="color:#666666">[% {_escaped("status")} %]</span>'
    return _card(status, rows, f"<table><tr>{pictures}</tr></table>")


def _card(beside: str, rows: tuple[str, ...], below: str = "") -> str:
    """A title in its class's colour, with something beside it, over a table and something below."""
    head = f'<b style="color:[% "color" %]">&#9632;</b> <b>[% {_escaped("title")} %]</b>{beside}'
    return f'<div style="font-family:sans-serif">{head}<table>{"".join(rows)}</table>{below}</div>'


def _row(name: str, value: str, where: str = "") -> str:
    """A line of the card; where a condition is given and does not hold, nothing."""
    start, end = f'<tr><td style="color:#666666">{name}&nbsp;</td><td>', "</td></tr>"
    return f"[% if({where}, '{start}' || {value} || '{end}', '') %]" if where else f"{start}[% {value} %]{end}"


def _picture(when: str) -> str:
    """A cell with a picture out of the folder `chips` beside the layer's file; none where there is none."""
    path = f"{_FOLDER} || '/chips/' || \"alert_id\" || '-{when}.jpg'"
    address = f"'file://' || if(left({path}, 1) = '/', '', '/') || {_quoted(path)}"
    image = f"'<td>{when} ' || {_escaped(f'source_{when}')} || '<br><img width=\"{_WIDTH_PX}\" src=\"' || {address}"
    return f"[% if(file_exists({path}), {image} || '\"></td>', '') %]"


def _quoted(path: str) -> str:
    """A path as part of an address: what would end it there is written in hexadecimal."""
    for sign, code in (("%", "%25"), ("#", "%23"), ("?", "%3F"), ('"', "%22")):
        path = f"replace({path}, '{sign}', '{code}')"
    return path


def _escaped(column: str) -> str:
    """A column's text, which may hold anything, as HTML."""
    value = f"coalesce(\"{column}\", '')"
    for sign, code in (("&", "&amp;"), ("<", "&lt;")):
        value = f"replace({value}, '{sign}', '{code}')"
    return value


def _given(column: str) -> str:
    return f"coalesce(\"{column}\", '') <> ''"


def _percent(column: str) -> str:
    return f"round(100 * \"{column}\") || ' %'"


def _date(column: str) -> str:
    """A date, which some formats keep as text."""
    return f"coalesce(format_date(to_date(\"{column}\"), 'yyyy-MM-dd'), '')"
