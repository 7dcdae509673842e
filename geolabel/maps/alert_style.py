"""The QGIS style (QML) of alerts: the class's colour, the surer the fuller; withdrawn ones hatched; dates; map tips."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel.maps import qml
from geolabel.maps.map_tips import alert_tip
from geolabel.maps.qml import Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.maps.style import ClassStyle

_LEVELS = (
    ("high", "\"level\" = 'high'", 130, "solid"),
    ("nominal", "ELSE", 70, "solid"),
    ("low", "\"level\" = 'low'", 0, "dash"),
)
"""Name, filter, alpha of the fill (0 to 255), outline. What has no known level is nominal: nothing stays unseen."""
_OUTLINE_MM, _CASING_MM = 0.5, 1.1
_CASING = (255, 255, 255, 170)
"""A pale line below the outline, by which it stands out from forest and from bare soil alike."""
_GREY = (120, 120, 120)
_WITHDRAWN = "coalesce(\"status\", '') = 'withdrawn'"


def alerts_qml(styles: Sequence[ClassStyle]) -> str:
    """Style of a layer of alerts, by its column `title`, in the order given. Raises SchemeError (a title twice).

    QGIS's temporal controller shows an alert from `date_first` on.
    """
    qml.check_unique("title", [style.title for style in styles])
    root = qml.document("Symbology|MapTips|Temporal")
    # mode 1: one date a feature; accumulated: what was felled stays so
    dates = {"mode": "1", "startField": "date_first", "accumulate": "1", "limitMode": "0", "fixedDuration": "0"}
    ET.SubElement(root, "temporal", dates, enabled="1", durationUnit="d")
    renderer = ET.SubElement(root, "renderer-v2", type="RuleRenderer", symbollevels="0")
    rules = ET.SubElement(renderer, "rules", key="alerts")
    symbols = ET.SubElement(renderer, "symbols")
    for position, style in enumerate(styles):
        where = f'NOT ({_WITHDRAWN}) AND "title" = {_literal(style.title)}'
        group = ET.SubElement(rules, "rule", key=f"class-{position}", label=style.title, filter=where)
        for level, condition, alpha, line in _LEVELS:
            key = f"{position}-{level}"
            label = f"{level} confidence"
            ET.SubElement(group, "rule", key=key, label=label, filter=condition, symbol=key)
            casing = Fill((*style.rgb, alpha), _CASING, _CASING_MM)
            qml.polygon(symbols, key, [casing, Fill((0, 0, 0, 0), (*style.rgb, 255), _OUTLINE_MM, "no", line)])
    withdrawn = {"key": "withdrawn", "label": "withdrawn", "filter": _WITHDRAWN, "symbol": "withdrawn"}
    ET.SubElement(rules, "rule", withdrawn)
    hatched = Fill((*_GREY, 160), (*_GREY, 255), _OUTLINE_MM, "b_diagonal", "dot")
    qml.polygon(symbols, "withdrawn", [hatched])
    qml.map_tip(root, alert_tip())
    return qml.text(root)


def _literal(words: str) -> str:
    """Words as a text of QGIS's expressions."""
    escaped = words.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
