"""`geolabel compare`: ways of training, each on the same tiles, scored once on the test tiles."""

from __future__ import annotations

import csv
import itertools
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import EmptyError, OptionError
from geolabel.inference import Decision
from geolabel.learn.augment import Augmentation
from geolabel.learn.predictor import predict_chips
from geolabel.learn.recipe import Recipe
from geolabel.progress import track
from geolabel.scoring.intervals import Answers
from geolabel.scoring.multilabel import Scores, score
from geolabel.scoring.thresholds import Aim
from geolabel.steps.comparison import Gain, Outcome, Row, gains, rows
from geolabel.steps.making import makes
from geolabel.steps.missing import learn_missing
from geolabel.steps.places import places
from geolabel.steps.recipe_words import parse_variation
from geolabel.steps.record import write_record
from geolabel.steps.reporting.ground import ground_of
from geolabel.steps.task import Task, make_task
from geolabel.steps.teach import Desk
from geolabel.tiling.index import TileIndex, read_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geolabel.learn.chips import Chips

_OF_THE_TASK = ("heads", "targets", "presence", "weigh_known")
"""Fields that change what there is to learn, not only how."""


@dataclass(frozen=True, slots=True)
class CompareReport:
    """What ways of training gave on the test tiles."""

    output: Path
    first: str
    """The way that the differences are to."""
    train_tiles: int
    val_tiles: int
    test_tiles: int
    places: int | None
    """Blocks or groups of test tiles, which intervals draw whole; None where they draw tiles."""
    repeats: int
    comparison: tuple[Row, ...]
    difference: tuple[Gain, ...]
    """To the first way, with 95 % of the resamples; one that holds 0 may be chance."""


@makes("compare", "tiles")
def compare(
    tiles: Path,
    *,
    vary: Sequence[str],
    output: Path = Path("comparison"),
    recipe: Recipe | None = None,
    repeats: int = 1,
    cache: Path | None = None,
    overwrite: bool = False,
    **options: Any,
) -> CompareReport:
    """Train every combination of `vary` (`dehaze=no,yes`), `repeats` times with seeds of their own.

    Each learns from the train tiles, chooses its thresholds by val, and is scored on test. All are judged by the
    labels as the first way reads them. `options` are fields of `Recipe`, for callers who have none. Raises
    TileIndexError (not labelled, not split), EmptyError, OptionError, OutputError.
    """
    base = recipe or Recipe(**options)
    if repeats < 1:
        raise OptionError(f"--repeats must be more than 0, got {repeats}")
    ways = _ways(base, vary)
    files.check_new(output, overwrite=overwrite, folder="compare", inputs=(tiles,))
    index = read_index(tiles)
    tasks = _tasks(index, tiles, ways.values())
    first = next(iter(tasks.values()))
    test = first.of_part("test")
    found: dict[str, list[tuple[Scores, Answers]]] = {name: [] for name in ways}
    with (
        first.chips(cache, output.parent) as chips,
        files.new_directory(output, "compare", overwrite=overwrite) as draft,
    ):
        jobs = [(name, replace(way, seed=way.seed + run)) for name, way in ways.items() for run in range(repeats)]
        for name, way in track(jobs, what="comparing", unit="models"):
            try:
                found[name].append(_learn(tasks[_key(way)], first, chips, way))
            except (OptionError, EmptyError) as error:
                raise type(error)(f"{name}: {error}") from error
        near = places(index, first.rows[test])
        outcomes = [Outcome(name, *map(tuple, zip(*pairs, strict=True))) for name, pairs in found.items()]
        report = CompareReport(
            output=output,
            first=outcomes[0].variant,
            train_tiles=len(first.of_part("train")),
            val_tiles=len(first.of_part("val")),
            test_tiles=len(test),
            places=None if near is None else len(set(near.tolist())),
            repeats=repeats,
            comparison=rows(outcomes, first.names),
            difference=gains(first.truth[test], outcomes, first.names, near),
        )
        ground = ground_of(index, first.rows[test], first.names, first.truth[test])
        _write(draft, report, outcomes, ground, {"options": base, "vary": vary, "repeats": repeats}, tiles)
    return report


def _ways(base: Recipe, vary: Sequence[str]) -> dict[str, Recipe]:
    """Every combination, by its name. Raises OptionError."""
    variations = [parse_variation(text) for text in vary]
    names = [name for name, _ in variations]
    if len(set(names)) < len(names):
        raise OptionError("--vary names the same option twice; give all its values in one: --vary loss=bce,focal")
    if "seed" in names:
        raise OptionError("--vary seed: a seed is no way of training; give --repeats")
    ways = {}
    for values in itertools.product(*(values for _, values in variations)):
        chosen = dict(zip(names, values, strict=True))
        way = replace(base, **chosen)
        Augmentation.parse(way.augment)
        Aim.parse(way.aim)
        ways[" ".join(f"{name.replace('_', '-')}={_told(value)}" for name, value in chosen.items())] = way
    if len(ways) < 2:  # noqa: PLR2004 - one with another
        raise OptionError("--vary: one way is nothing to compare; give two values at least: --vary dehaze=no,yes")
    return ways


def _told(value: object) -> str:
    if value is None:
        return "default"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


def _key(way: Recipe) -> tuple[Any, ...]:
    return tuple(getattr(way, name) for name in _OF_THE_TASK)


def _tasks(index: TileIndex, tiles: Path, ways: Any) -> dict[tuple[Any, ...], Task]:
    """What there is to learn, for each way that sees it differently; tiles are the same in all."""
    found: dict[tuple[Any, ...], Task] = {}
    for way in ways:
        if _key(way) not in found:
            found[_key(way)] = make_task(index, tiles, way, parts=("train", "val", "test"))
    return found


def _learn(task: Task, judge: Task, chips: Chips, way: Recipe) -> tuple[Scores, Answers]:
    """Train one model; its scores on the test tiles, by the labels and in the order of classes of `judge`."""
    taught, _ = learn_missing(task, chips, way, Desk(), None)
    if taught.interrupted:
        raise KeyboardInterrupt
    test, card = judge.of_part("test"), taught.predictor.card
    order = [card.classes.index(name) for name in judge.names]
    found = predict_chips(taught.predictor, chips, test)
    detected = Decision.of(card).on_tiles(found)[:, order]
    thresholds = [card.thresholds[name] for name in judge.names]
    answers = Answers(found[:, order], detected)
    return score(judge.truth[test], answers.probabilities, judge.names, thresholds, detected), answers


def _write(
    folder: Path, report: CompareReport, outcomes: Sequence[Outcome], ground: str, asked: Mapping[str, Any], tiles: Path
) -> None:
    gained = {(gain.variant, gain.name): gain for gain in report.difference}
    table = [{**asdict(row), **_flat(gained.get((row.variant, row.name)))} for row in report.comparison]
    with (folder / "comparison.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    files.write_json(
        folder / "metrics.json",
        {
            "comparison": report.comparison,
            "difference": report.difference,
            "test": {one.variant: one.scores for one in outcomes},
            "ground": ground,
        },
    )
    record = {
        "command": "compare",
        **asked,
        "tiles_fingerprint": files.fingerprint(tiles),
        "versions": files.versions(),
    }
    write_record(folder, record)


def _flat(gain: Gain | None) -> dict[str, float | None]:
    """Differences for a table, three columns each; empty for the first way."""
    return {
        f"{name}_difference{end}": getattr(getattr(gain, field), part) if gain else None
        for name, field in (("ap", "average_precision"), ("f2", "f2"))
        for end, part in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
