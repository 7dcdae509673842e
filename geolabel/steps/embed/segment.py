"""`geolabel embed segment`: classes pixel by pixel, from what a network sees, scored on places apart, and as a map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import ModelError, OptionError
from geolabel.steps.embed.segmentation.learn import Choices, Learned, learn
from geolabel.steps.embed.segmentation.map import write_classes
from geolabel.steps.embed.segmentation.probe import KeptProbe, read_probe, write_probe
from geolabel.steps.embed.segmentation.report import SegmentClass, SegmentReport, WayRow
from geolabel.steps.embed.segmentation.scene import open_segmenter
from geolabel.steps.embed.segmentation.scores import COLOURS
from geolabel.steps.embed.segmentation.table import write_scores
from geolabel.steps.making import makes
from geolabel.steps.models import find_model
from geolabel.steps.record import write_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.steps.embed.segmentation.labels import LabelFile
    from geolabel.steps.embed.segmentation.scene import Segmenter

_COMMAND = "embed segment"
_M2_PER_HA = 10_000.0


@makes("embed segment", "source", "model", "probe_from")
def segment(
    source: Path,
    *,
    model: str | Path,
    labels: LabelFile | None = None,
    probe_from: Path | None = None,
    output: Path | None = None,
    choices: Choices | None = None,
    stride: int | None = None,
    bands: Sequence[str] = (),
    scale: float | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> SegmentReport:
    """Probe a network pixel by pixel against labels, and draw the map; or draw it by the probe of an earlier folder.

    Of the labelled pixels some are drawn; whole spatial blocks of them test what was fitted on the others. The probe of
    the map has learned from all of them. Written to `<raster>.segments`, whole or not at all. Raises OptionError,
    InputError, CRSError, BandError, ContractError, ModelError, SchemeError, TableError, EmptyError, OutputError.
    """
    if (labels is None) == (probe_from is None):
        raise OptionError("give labels to learn from (--labels FILE), or a folder with a probe (--probe-from DIR)")
    target = output or Path(f"{source.stem}.segments")
    chosen, choices = find_model(str(model)), choices or Choices()
    given = (source, chosen, *(labels.inputs() if labels else (probe_from,)))
    inputs = [path for path in given if path is not None]
    files.check_readable(source, "a raster")
    for path in labels.inputs() if labels else ():
        files.check_readable(path, "labels, a legend or a scheme")
    files.check_new(target, overwrite=overwrite, folder=_COMMAND, inputs=inputs)
    kept = None
    if probe_from is not None:
        if stride is not None:
            raise OptionError("--stride is the probe's own with --probe-from; leave it out")
        kept = read_probe(probe_from)
        kept.check(probe_from, chosen)
        stride = kept.stride
    record: dict[str, Any] = {
        "format": 1,
        "command": _COMMAND,
        "inputs": [
            {"path": files.relative_to(path, target), "fingerprint": files.fingerprint(path)} for path in inputs
        ],
        "options": {"bands": list(bands), "scale": scale, "stride": stride},
    }
    with (
        open_segmenter(source, chosen, stride=stride, bands=bands, scale=scale, device=device) as opened,
        files.new_directory(target, _COMMAND, overwrite=overwrite) as draft,
    ):
        if labels is None:
            assert kept is not None
            area = _draw(draft, opened, kept, record)
            return _report(target, opened, kept, area)
        learned = learn(opened, labels, choices, target)
        write_scores(draft, learned)
        record["options"] |= {"probe": choices.probe, "pixels": choices.pixels, "seed": choices.seed}
        record |= {"labels": learned.labels, "split": learned.split}
        area = _draw(draft, opened, learned.kept, record)
        return _report(target, opened, learned.kept, area, learned)


def _draw(draft: Path, opened: Segmenter, kept: KeptProbe, record: dict[str, Any]) -> list[float]:
    """Write map, probe and record; hectares of each class."""
    if opened.way.size != kept.features:
        raise ModelError(f"the probe reads {kept.features} features of a pixel, the network gives {opened.way.size}")
    counts = write_classes(draft, opened.reader, opened.way, kept.probe, kept.styles, kept.attribution)
    write_probe(draft, kept)
    place = opened.reader.info.place
    gsd_x, gsd_y = place.gsd_m
    area = [round(count * gsd_x * gsd_y / _M2_PER_HA, 2) for count in counts.tolist()]
    found = {
        "probe": kept.kind,
        "features": kept.features,
        "tiles_apart_px": kept.stride,
        "grid": {"crs": place.crs, "transform": list(place.transform)[:6]},
        "counts": {"area_ha": dict(zip((style.name for style in kept.styles), area, strict=True))},
        "attribution": list(kept.attribution),
        "versions": files.versions(),
    }
    write_record(draft, record | found)
    return area


def _report(
    target: Path, opened: Segmenter, kept: KeptProbe, area: list[float], learned: Learned | None = None
) -> SegmentReport:
    classes = [SegmentClass(style.name, area_ha=area[at]) for at, style in enumerate(kept.styles)]
    ways: tuple[WayRow, ...] = ()
    if learned is not None:
        drawn = np.bincount(learned.sample.truth, minlength=len(classes)).tolist()
        scores, colours = (learned.way(way).pooled.iou.tolist() for way in (kept.kind, COLOURS))
        columns = zip(learned.names, area, learned.sample.labelled.tolist(), drawn, scores, colours, strict=True)
        classes = [SegmentClass(*row) for row in columns]
        ways = tuple(WayRow(one.way, one.pooled.mean_iou, one.deviation, one.pooled.accuracy) for one in learned.ways)
    tested = learned.tested if learned else None
    doubts = learned.doubts if learned else ()
    return SegmentReport(target, kept.kind, kept.features, opened.tile_stride, tested, ways, tuple(classes), doubts)
