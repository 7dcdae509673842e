"""`geolabel embed evaluate`: how well vectors tell classes apart, beside what nobody had to learn."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import OptionError
from geolabel.learn.chips import load_chips
from geolabel.progress import log, track
from geolabel.steps.embed.evaluation.doubts import doubts_of, leaks
from geolabel.steps.embed.evaluation.draws import NATURAL, Draw, draw_tiles, mixes_of, usual_classes
from geolabel.steps.embed.evaluation.encoders import baselines_of, ready_encoder, supervised_encoder, vectors_of_all
from geolabel.steps.embed.evaluation.page import page_of
from geolabel.steps.embed.evaluation.scores import Probes, score_draw
from geolabel.steps.embed.evaluation.table import (
    CompatRow,
    LabelRow,
    Outcome,
    ProbeRow,
    ShareRow,
    encoder_rows,
    probe_rows,
    score_keys,
    verdicts,
)
from geolabel.steps.embed.evaluation.tiles import judged_tiles
from geolabel.steps.making import makes
from geolabel.steps.record import write_record
from geolabel.tiling.index import read_index
from geolabel.views.embedding_report import embedding_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.learn.forward import Classifier
    from geolabel.steps.embed.evaluation.tiles import JudgedTiles
    from geolabel.tiling.index import TileIndex

FORMAT = 1


@dataclass(frozen=True, slots=True)
class EmbedEvaluateReport:
    """How well an embedding does, and what it must beat."""

    output: Path
    model: Path
    size: int
    """Length of the model's vectors."""
    classes: tuple[str, ...]
    tiles: dict[str, int]
    """Labelled tiles of train, which teach the probes, and of test, which judge them."""
    unlabelled: int
    """Tiles of these parts that are left out, because nothing is known of them."""
    repeats: int
    probes: dict[str, str]
    """Which probe tells accuracy, and which the summed error, in the tables of labels and of shares."""
    labels: tuple[LabelRow, ...]
    shares: tuple[ShareRow, ...]
    compat: tuple[CompatRow, ...]
    """With --compat."""
    by_probe: tuple[ProbeRow, ...]
    """Each probe by itself, where there are several."""
    verdicts: tuple[str, ...]
    """What does better than the model, a sentence each."""
    doubts: tuple[str, ...]
    """What a reader of the numbers should know."""


@makes("embed evaluate", "model", "tiles", "supervised")
def evaluate(
    model: Path,
    tiles: Path,
    *,
    output: Path | None = None,
    single: Sequence[str] = ("knn",),
    multi: Sequence[str] = ("knn",),
    repeats: int = 5,
    validation_tiles: int = 5000,
    class_mix: str = "both",
    single_class_threshold: float = 0.0,
    baselines: Sequence[str] = ("all",),
    supervised: Path | None = None,
    compat: bool = False,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
) -> EmbedEvaluateReport:
    """Judge the vectors of a model by probes, neighbours and clusters, and write it into a folder.

    Default: `<model>.evaluation`, or `<run>.evaluation` for a run's model.safetensors. Probes learn on tiles of the
    part train and are judged on test; `repeats` times, on up to `validation_tiles` tiles of each part, drawn anew. A
    tile's label is the class of its largest share, where that is at least `single_class_threshold`. Raises ModelError,
    TileIndexError (no labels, no split, parts that share ground), ContractError, EmptyError, OptionError, OutputError.
    """
    probes = Probes(tuple(single), tuple(multi), compat, seed)
    chosen, mixes = baselines_of(baselines, supervised), mixes_of(class_mix)
    _check(repeats, validation_tiles, single_class_threshold)
    # every run of train names its model alike
    name = model.resolve().parent.name if model.stem == "model" else model.stem
    target = output or Path(f"{name}.evaluation")
    files.check_new(target, overwrite=overwrite, folder="embed evaluate", inputs=(model, tiles, supervised))
    index = read_index(tiles)
    judged = judged_tiles(index, tiles, single_class_threshold)
    encoder = ready_encoder(model, index, tiles, device)
    other = supervised_encoder(supervised, index, tiles, device) if supervised else None
    if len(mixes) > 1 and len(usual_classes(judged)) < 2:  # noqa: PLR2004 - nothing to balance
        mixes = (NATURAL,)
    draws = draw_tiles(judged, mixes, repeats, validation_tiles, seed)
    outcomes = _outcomes(encoder, other, chosen, index, tiles, judged, draws, probes, target)
    keys = score_keys(probes.single[0], probes.multi[0])
    report = EmbedEvaluateReport(
        output=target,
        model=model,
        size=encoder.card.outputs,
        classes=judged.classes,
        tiles={part: len(judged.of_part(part)) for part in ("train", "test")},
        unlabelled=judged.unlabelled,
        repeats=repeats,
        probes={"accuracy": probes.single[0], "summed_error": probes.multi[0]},
        labels=encoder_rows(LabelRow, outcomes, keys),
        shares=encoder_rows(ShareRow, outcomes, keys),
        compat=encoder_rows(CompatRow, outcomes, keys) if compat else (),
        by_probe=probe_rows(outcomes, list(dict.fromkeys((*single, *multi)))) if len(single) + len(multi) > 2 else (),  # noqa: PLR2004 - one of each
        verdicts=verdicts(outcomes, keys),
        doubts=tuple(doubts_of(index, judged, draws, encoder.card, other.card if other else None)),
    )
    for leak in leaks(index, encoder.card, other.card if other else None):
        log.warning("%s: %s", tiles, leak)
    options = {
        "single_class_classifiers": probes.single,
        "multi_class_classifiers": probes.multi,
        "repeats": repeats,
        "validation_tiles": validation_tiles,
        "class_mix": class_mix,
        "single_class_threshold": single_class_threshold,
        "baselines": chosen,
        "compat": compat,
        "seed": seed,
    }
    _write(report, tiles, supervised, outcomes, options, overwrite=overwrite)
    return report


def _check(repeats: int, validation_tiles: int, threshold: float) -> None:
    if repeats < 1:
        raise OptionError(f"--repeats must be at least 1, got {repeats}")
    if validation_tiles < 2:  # noqa: PLR2004 - a neighbour is another tile
        raise OptionError(f"--validation-tiles must be at least 2, got {validation_tiles}")
    if not 0 <= threshold <= 1:
        raise OptionError(f"--single-class-threshold must lie in 0–1, got {threshold:g}")


def _outcomes(
    encoder: Classifier,
    supervised: Classifier | None,
    baselines: Sequence[str],
    index: TileIndex,
    tiles: Path,
    judged: JudgedTiles,
    draws: Sequence[Draw],
    probes: Probes,
    target: Path,
) -> tuple[Outcome, ...]:
    """Scores of every encoder on every draw; only tiles that are drawn are read."""
    used = np.unique(np.concatenate([rows for draw in draws for rows in (draw.train, draw.test)]))
    train = np.flatnonzero(judged.parts[used] == "train")
    found = []
    with files.scratch(target.parent) as scratch:
        chips = load_chips(index, judged.rows[used], tiles.parent, scratch)
        for name, vectors in vectors_of_all(encoder, supervised, baselines, chips, train, probes.seed):
            for draw in track(draws, what=f"scoring {name}", unit="draws"):
                learned, asked = (vectors[np.searchsorted(used, rows)] for rows in (draw.train, draw.test))
                scores = score_draw(learned, asked, judged, draw, probes, name)
                found.append(Outcome(name, draw.mix, draw.repeat, scores))
    return tuple(found)


def _write(
    report: EmbedEvaluateReport,
    tiles: Path,
    supervised: Path | None,
    outcomes: Sequence[Outcome],
    options: dict[str, Any],
    *,
    overwrite: bool,
) -> None:
    with files.new_directory(report.output, "embed evaluate", overwrite=overwrite) as draft:
        files.write_json(
            draft / "metrics.json",
            {"format": FORMAT, **files.to_json(report), "tiles_index": tiles, "outcomes": list(outcomes)},
        )
        with (draft / "scores.csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream)
            table.writerow(["encoder", "mix", "repeat", "score", "value"])
            for one in outcomes:
                for name, value in one.scores.items():
                    table.writerow([one.encoder, one.mix, one.repeat, name, f"{value:.6g}"])
        (draft / "report.html").write_text(embedding_page(page_of(report, tiles)), encoding="utf-8")
        write_record(
            draft,
            {
                "format": FORMAT,
                "command": "embed evaluate",
                "inputs": {
                    "model": report.model,
                    "model_fingerprint": files.fingerprint(report.model),
                    "supervised": supervised,
                    "supervised_fingerprint": files.fingerprint(supervised) if supervised else None,
                    "tiles": tiles,
                    "tiles_fingerprint": files.fingerprint(tiles),
                },
                "options": options,
                "counts": report.tiles,
                "versions": files.versions(),
            },
        )
