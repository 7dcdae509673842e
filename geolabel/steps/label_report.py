"""The folder that `label --report` writes: balance, confusion, disagreement, doubts, and a page to read them on."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.labels.balance import balance
from geolabel.labels.confusion import Confusion
from geolabel.labels.scheme import Scheme
from geolabel.steps import label_layers
from geolabel.steps.label_doubts import MOST_TILES, find_doubts
from geolabel.steps.label_page import page_of
from geolabel.steps.label_tables import doubts_columns, write_balance, write_columns, write_confusion
from geolabel.steps.record import write_record
from geolabel.views.label_report import label_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.labels.balance import Balance
    from geolabel.steps.label_doubts import Judged
    from geolabel.tiling import TileIndex

_DISPUTES = 20


def write_report(index: TileIndex, base: Path, folder: Path, *, overwrite: bool = False, seed: int = 0) -> None:
    """Write the report of a labelled index into `folder`, whole or not at all.

    Paths of the index's sources are relative to `base`. Raises InputError where a raster cannot be read, OutputError.
    """
    attributions = list(dict.fromkeys(str(one["attribution"]) for one in index.label_sources if one.get("attribution")))
    area_ha = None if _is_tagged(index) else label_layers.tile_areas(index)
    counted = balance(((name, index.share(name)) for name in index.class_names), index.column("known"), area_ha)
    confusions = [Confusion.of(entry, index.class_names) for entry in index.labelling.get("confusion") or ()]
    with files.new_directory(folder, "label", overwrite=overwrite) as draft:
        write_balance(draft / "balance.csv", counted)
        if confusions:
            write_confusion(draft / "confusion.csv", confusions)
        about = "; ".join(attributions)
        disagreement = _write_disagreement(draft, index, confusions, area_ha, about)
        judged = find_doubts(index, base, seed=seed)
        _write_doubts(draft, index, judged, about)
        notes = list(_notes(index))
        summary = _summary(counted, confusions, disagreement, judged)
        files.write_json(draft / "summary.json", summary | {"notes": notes})
        page = page_of(index, base, counted, confusions, disagreement, judged, notes, made=set(draft.iterdir()))
        (draft / "report.html").write_text(label_page(page), encoding="utf-8")
        record = {
            "format": 1,
            "command": "label",
            "inputs": {"label_sources": list(index.label_sources), "sources": list(index.sources)},
            "options": {"seed": seed, "most_tiles": MOST_TILES},
            "counts": {"tiles": len(index), "judged": len(judged.doubts or ())},
            "attribution": attributions,
            "versions": files.versions() | {name: version(name) for name in ("scikit-learn", "cleanlab")},
        }
        write_record(draft, record)


def _write_disagreement(
    draft: Path, index: TileIndex, confusions: Sequence[Confusion], area_ha: NDArray[np.float64] | None, about: str
) -> dict[str, Any]:
    if not confusions:
        return {"skipped": "there is one source of labels, and nothing to disagree with"}
    names = list(dict.fromkeys(name for one in confusions for name in (one.rows, one.columns)))
    layer = label_layers.disagreement_layer(index, names, area_ha, about) if area_ha is not None else None
    if layer is None:
        return {"skipped": "the index does not hold any more what each source says of a tile"}
    label_layers.write_disagreement(draft / "disagreement.gpkg", layer)
    return {"tiles": len(layer.geometries), "ha": round(float(layer.columns["disagree_ha"].sum()), 4)}


def _write_doubts(draft: Path, index: TileIndex, judged: Judged, about: str) -> None:
    if judged.doubts is None:
        return
    row = judged.row[judged.doubts.row]
    columns = doubts_columns(index, row, judged.doubts)
    write_columns(draft / "doubts.csv", columns)
    if index.has_place()[row].any():
        label_layers.write_doubts(draft / "doubts.gpkg", label_layers.doubts_layer(index, row, columns, about))


def _summary(
    counted: Balance, confusions: Sequence[Confusion], disagreement: dict[str, Any], judged: Judged
) -> dict[str, Any]:
    doubts = judged.doubts
    found = (
        {"skipped": judged.about}
        if doubts is None
        else {"judged": len(doubts), "differs": int(doubts.differs.sum()), "about": judged.about}
    )
    return {
        **files.to_json(counted),
        "confusion": [
            {
                "sources": [one.rows, one.columns],
                "both_ha": one.both_ha,
                "agree_ha": one.agree_ha,
                "agreement": one.agreement,
                "kappa": one.kappa,
                "disputes": [
                    {one.rows: pair.row, one.columns: pair.column, "ha": pair.ha} for pair in one.disputes(_DISPUTES)
                ],
            }
            for one in confusions
        ],
        "disagreement": disagreement,
        "doubts": {"known": judged.known, "looked_at": len(judged.row), **found},
    }


def _is_tagged(index: TileIndex) -> bool:
    """Whether labels say that a class is there, not how much of it."""
    return any(entry.get("kind") == "tags" for entry in index.label_sources)


def _notes(index: TileIndex) -> Iterator[str]:
    """What a reader of the numbers should know."""
    stride, size = index.tiling.get("stride"), index.tiling.get("size")
    if stride and size and stride < min(size):
        yield "Tiles overlap: the class balance counts a place once for each tile it lies in, the confusion only once."
    if index.labelling.get("confusion") and len(Scheme.from_json(index.scheme).groups()) > 1:
        yield "The scheme has several groups of classes: confusion and disagreement count a place once for each."
    if _is_tagged(index):
        yield "Tags say that a class is there, not on how much of a tile: shares are shares of tiles."
    if index.labelling.get("weak_negatives_m"):
        yield "Weak negatives are among the labels: tiles far from any positive count as known to be without."
