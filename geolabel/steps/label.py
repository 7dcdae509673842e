"""`geolabel label`: attach the share of each class in each tile, and how much of the tile anybody knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from geolabel import files
from geolabel.errors import OptionError, OutputError
from geolabel.labels.confusion import Confusion
from geolabel.labels.scheme_file import find_scheme
from geolabel.labels.shares import check_min_known
from geolabel.progress import log
from geolabel.steps.label_maps import Given, label_by_maps
from geolabel.steps.label_tags import label_by_tags, regrouped
from geolabel.steps.label_targets import Targets, with_targets
from geolabel.steps.making import makes
from geolabel.tiling.index import read_index, write_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex

Merge = Literal["priority", "agreement", "separate"]


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A label source as it was understood."""

    name: str
    file: str
    read_as: str
    date: str | None
    """Of its data, where it says."""


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """What was found of a class."""

    name: str
    share: float | None
    """Mean over the tiles in which the class is known, present or not; None where it is known in none."""
    tiles: int
    """Tiles with any share of it."""
    tiles_known: int


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What `label` attached."""

    output: Path
    tiles: int
    tiles_known: int
    """Tiles of which the sources know at least --min-known."""
    known_share: float
    """Mean share of a tile on which the sources speak."""
    agreement: float | None
    """Where two sources speak, the share of the area on which they say the same; None for one source."""
    sources: tuple[SourceSummary, ...]
    classes: tuple[ClassSummary, ...]
    values_unknown: dict[str, int]
    """Values of the sources that no class stands for, with how often they came: features, or pixels."""
    report: Path | None
    """Folder of the report, where one was asked for."""


@makes("label", "tiles", "osm", "clc", "vector", "raster", "legend", "tags", "scheme", in_place="tiles")
def label(
    tiles: Path,
    *,
    osm: Sequence[Path] = (),
    clc: Sequence[Path] = (),
    vector: Sequence[Path] = (),
    field: str | None = None,
    layer: str | None = None,
    raster: Sequence[Path] = (),
    legend: Path | None = None,
    tags: Path | None = None,
    scheme: str | Path | None = None,
    merge: Merge = "priority",
    exact: bool = False,
    min_known: float = 0.5,
    dominant: float | None = None,
    presence: Mapping[str, float] | float | None = None,
    weak_negatives_m: float | None = None,
    report: Path | None = None,
    output: Path | None = None,
    overwrite: bool = False,
) -> LabelReport:
    """Attach labels to a tile index; without `output`, in place.

    Where several sources speak of a place, `merge` decides: "priority" (--vector, then --osm, --raster, --clc; of one
    kind the earlier), "agreement" (known only where all say the same), "separate" (the classes of each stay apart).
    Raises OptionError, InputError, CRSError, TableError, SchemeError, EmptyError, OutputError.
    """
    maps = Given(tuple(vector), tuple(osm), tuple(raster), tuple(clc), field, layer, legend)
    _check_options(maps, tags=tags, scheme=scheme, merge=merge, exact=exact, report=report)
    check_min_known(min_known)
    target = output or tiles
    own_scheme = Path(scheme) if scheme and Path(scheme).suffix == ".toml" else None
    inputs = (*maps.paths(), legend, tags, own_scheme)
    if report:
        from geolabel.labels.doubts import check_installed

        check_installed()
    if output:
        files.check_new(output, overwrite=overwrite, inputs=inputs)
    else:
        files.claim_to_change(tiles)
    if report:
        _check_report(report, target, (*inputs, tiles), overwrite=overwrite)
    targets = Targets(dominant, presence, weak_negatives_m)
    index = read_index(tiles)
    wanted = find_scheme(str(scheme)) if scheme else None
    targets.check(wanted, apart=merge == "separate")
    unknown: dict[str, int] = {}
    traces: Mapping[str, NDArray[np.int64]] = {}
    if tags:
        labelled = label_by_tags(index, tags, wanted, target)
    elif maps.paths():
        labelled, unknown, traces = label_by_maps(
            index, tiles, maps, wanted, merge=merge, exact=exact, min_known=min_known, target=target
        )
    else:
        assert wanted is not None
        labelled = regrouped(index, wanted, tiles)
    labelled = with_targets(labelled, targets, traces)
    # the sources of the labels are named from the new place already
    moved = labelled.moved(tiles, target)
    if tags or maps.paths():
        moved = replace(moved, label_sources=labelled.label_sources)
    write_index(target, moved, overwrite=overwrite or output is None)
    if report:
        from geolabel.steps.label_report import write_report

        write_report(moved, target.parent, report, overwrite=overwrite)
    return _report(labelled, target, unknown, report)


def _check_options(
    maps: Given, *, tags: Path | None, scheme: str | Path | None, merge: Merge, exact: bool, report: Path | None
) -> None:
    if not (maps.paths() or tags or scheme):
        raise OptionError(
            "nothing to label with: give --osm FILE, --clc FILE, --vector FILE --field NAME, --raster FILE, --tags CSV"
        )
    if tags and maps.paths():
        raise OptionError("--tags names chips, --osm, --clc, --vector and --raster describe places: give one kind")
    if exact and merge == "agreement":
        raise OptionError("--exact checks --merge priority or separate; agreement is measured along lines only")
    if exact and report and len(maps.paths()) > 1:
        raise OptionError("--report says where sources disagree, which --exact does not measure; leave one of them out")
    if (maps.field or maps.layer) and not maps.vector:
        raise OptionError("--field and --layer are about --vector FILE, which is missing")
    if maps.legend and not maps.raster:
        raise OptionError("--legend is about --raster FILE, which is missing")


def _check_report(report: Path, target: Path, inputs: Sequence[Path | None], *, overwrite: bool) -> None:
    files.check_new(report, overwrite=overwrite, folder="label", inputs=inputs)
    if report.resolve() in target.resolve().parents:
        raise OutputError(f"{target}: lies in the folder of the report, which is made anew; write it elsewhere with -o")


def _report(index: TileIndex, output: Path, unknown: dict[str, int], report: Path | None) -> LabelReport:
    known, names = index.column("known"), index.class_names
    for value, count in sorted(unknown.items(), key=lambda item: -item[1])[:10]:
        log.warning("%s: no class stands for it (%d times): unknown there", value, count)
    classes = []
    anything = np.zeros(len(index), dtype=bool)
    for name in names:
        share = index.share(name)
        told = np.isfinite(share)
        anything |= told
        mean = round(float(share[told].mean(dtype=np.float64)), 4) if told.any() else None
        classes.append(ClassSummary(name, mean, int((share[told] > 0).sum()), int(told.sum())))
    tables = [Confusion.of(entry, names) for entry in index.labelling.get("confusion") or ()]
    both_ha = sum(table.both_ha for table in tables)
    return LabelReport(
        output=output,
        tiles=len(index),
        tiles_known=int(anything.sum()),
        known_share=float(np.mean(known)),
        agreement=sum(table.agree_ha for table in tables) / both_ha if both_ha else None,
        sources=tuple(
            SourceSummary(
                str(entry.get("name", entry["kind"])),
                str(entry["path"]),
                str(entry.get("coding") or entry.get("field") or entry["kind"]),
                entry.get("date"),
            )
            for entry in index.label_sources
        ),
        classes=tuple(classes),
        values_unknown=unknown,
        report=report,
    )
