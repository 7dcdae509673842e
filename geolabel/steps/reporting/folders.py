"""Folders of train, embed train, tune, compare and evaluate, read as what can be set side by side."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import InputError, OptionError, TableError
from geolabel.progress import log
from geolabel.scoring.mistaken import Confusion
from geolabel.steps.manifest import read_manifest
from geolabel.steps.reporting.history import read_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geolabel.views.history_charts import History

TRAININGS = ("train", "embed train", "tune")
_COMMANDS = (*TRAININGS, "compare", "evaluate")
_AVERAGES = ("average_precision", "auc", "f1", "f2")


@dataclass(frozen=True, slots=True)
class Ground:
    """By what scores were measured."""

    told: str
    """As `ground_of` names tiles and truth; "" where the folder does not say."""
    index: str
    """Fingerprint of the index, the part, and how labels were read."""

    def same(self, other: Ground) -> bool:
        """Whether scores of both can be compared, as far as is known."""
        return self.told == other.told if self.told and other.told else self.index == other.index


@dataclass(frozen=True, slots=True)
class Measured:
    """Scores of a model on some tiles."""

    name: str
    """The run, or the way of a comparison."""
    part: str
    tiles: int | None
    averages: Mapping[str, float]
    """Means over the classes: average_precision, auc, f1, f2; or the measure that an embedder is judged by."""
    classes: Mapping[str, float]
    """Average precision of each class."""
    ground: Ground
    interval: tuple[float, float] | None = None
    """Of the mean average precision."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds."""

    path: Path
    name: str
    command: str
    options: Mapping[str, Any]
    """The recipe: of tune, the best one; {} of an evaluation."""
    history: History | None
    measured: tuple[Measured, ...]
    """Of a training on val, of an evaluation on its part, of a comparison of each way on test."""
    model: str
    """Fingerprint of the model file it holds, or scored; "" where there is none."""
    confusions: tuple[Confusion, ...] = ()
    """Of an evaluation: what errors have in common."""
    trials: tuple[float, ...] = ()
    """Of tune: average precision of each, NaN where it was stopped."""
    done: bool = True
    """Whether the command came to its end."""

    @property
    def minutes(self) -> float | None:
        """Its epochs took; None where that is not known."""
        return sum(self.history.columns["seconds"]) / 60 if self.history and "seconds" in self.history.columns else None


def read_folders(paths: Sequence[Path]) -> tuple[Folder, ...]:
    """Read folders; those of one name are called by their path. Raises InputError, OptionError."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise OptionError("a run is given twice; name each once")
    names = [path.resolve().name for path in paths]
    return tuple(
        _read(path, name if names.count(name) == 1 else str(path)) for path, name in zip(paths, names, strict=True)
    )


def _read(path: Path, name: str) -> Folder:
    record = read_manifest(path)
    command = record["command"]
    if command not in _COMMANDS:
        raise OptionError(
            f"{path}: was made by geolabel {command}; give folders of {', '.join(_COMMANDS[:-1])} or evaluate"
        )
    read = {"train": _training, "embed train": _embedder, "tune": _search, "compare": _comparison}
    try:
        return read.get(command, _evaluation)(path, name, record)
    except (AttributeError, KeyError, OverflowError, StopIteration, TypeError, ValueError) as error:
        raise InputError(f"{path}: its JSON files are damaged ({error!r}); run geolabel {command} again") from error


def _training(path: Path, name: str, record: Mapping[str, Any]) -> Folder:
    metrics = _metrics(path)
    options = record["options"]
    ground = Ground(str(metrics.get("ground", "")), _index(record["tiles_fingerprint"], "val", options))
    measured = (_scores(name, "val", metrics["val"], ground),) if metrics else ()
    return Folder(path, name, "train", options, _history(path), measured, _model(path), done=bool(metrics))


def _embedder(path: Path, name: str, record: Mapping[str, Any]) -> Folder:
    metrics, options = _metrics(path), record["options"]
    history = _history(path)
    value = history.at_best("score") if history else None
    judged = (str(metrics["judged_by"]), value) if metrics and value is not None else None
    how = {key: options.get(key) for key in ("seed", "by", "supervised", "targets")}
    ground = Ground("", f"{sorted(record['inputs'].values())} {record.get('drawing')} {how} val")
    measured = (Measured(name, "val", None, {judged[0]: judged[1]}, {}, ground),) if judged else ()
    return Folder(path, name, "embed train", options, history, measured, _model(path), done=bool(metrics))


def _search(path: Path, name: str, record: Mapping[str, Any]) -> Folder:
    best = files.read_json(path / "best.json", "the best.json of a search") if (path / "best.json").exists() else {}
    options = best.get("recipe", record["options"])
    ground = Ground(str(best.get("ground", "")), _index(record["tiles_fingerprint"], "val", options))
    averages = {"average_precision": float(best["average_precision"])} if best else {}
    measured = (Measured(f"{name}: trial {best['best_trial']}", "val", None, averages, {}, ground),) if best else ()
    return Folder(path, name, "tune", options, None, measured, "", trials=_trials(path), done=bool(best))


def _comparison(path: Path, name: str, record: Mapping[str, Any]) -> Folder:
    metrics = files.read_json(path / "metrics.json", "the metrics.json of a comparison")
    told = str(metrics.get("ground", ""))
    ground = Ground(told, _index(record["tiles_fingerprint"], "test", record["options"]))
    by_way: dict[str, dict[str, dict[str, Any]]] = {}
    for row in metrics["comparison"]:
        by_way.setdefault(row["variant"], {})[row["name"]] = row
    measured = tuple(
        Measured(
            f"{name}: {way}",
            "test",
            None,
            _known(rows["macro"], _AVERAGES),
            {of: _float(row["average_precision"]) for of, row in rows.items() if of != "macro"},
            ground,
        )
        for way, rows in by_way.items()
    )
    return Folder(path, name, "compare", record["options"], None, measured, "")


def _evaluation(path: Path, name: str, record: Mapping[str, Any]) -> Folder:
    metrics = files.read_json(path / "metrics.json", "the metrics.json of an evaluation")
    inputs, part = record["inputs"], str(record["options"]["split"])
    ground = Ground(str(metrics.get("ground", "")), f"evaluated {inputs['tiles_fingerprint']} {part}")
    found = next(one["macro"] for one in metrics["intervals"] if one["measure"] == "average_precision")
    interval = None if found["low"] is None else (float(found["low"]), float(found["high"]))
    measured = _scores(name, part, metrics["scores"], ground, tiles=int(metrics["tiles"]), interval=interval)
    confusions = tuple(Confusion(**pair) for pair in metrics.get("confusions", ()))
    return Folder(path, name, "evaluate", {}, None, (measured,), str(inputs.get("model_fingerprint", "")), confusions)


def _scores(
    name: str,
    part: str,
    scores: Mapping[str, Any],
    ground: Ground,
    *,
    tiles: int | None = None,
    interval: tuple[float, float] | None = None,
) -> Measured:
    averages = {one: _float(scores[f"macro_{one}"]) for one in ("average_precision", "auc", "f1")}
    averages["f2"] = _float(scores["macro"]["f2"])
    classes = {str(one["name"]): _float(one["average_precision"]) for one in scores["classes"]}
    count = int(scores["samples"]["tiles"]) if tiles is None else tiles
    return Measured(name, part, count, averages, classes, ground, interval)


def _metrics(path: Path) -> dict[str, Any]:
    """What a training wrote at its end; {} where it was killed before."""
    found = files.read_json(path / "metrics.json", "metrics.json") if (path / "metrics.json").exists() else {}
    if not found:
        log.warning("%s: did not come to its end, so it has no scores; go on with --resume", path)
    return dict(found)


def _history(path: Path) -> History | None:
    try:
        return read_history(path)
    except TableError as error:
        log.warning("%s; it is shown without curves", error)
        return None


def _model(path: Path) -> str:
    model = path / "model.safetensors"
    return files.fingerprint(model) if model.exists() else ""


def _trials(path: Path) -> tuple[float, ...]:
    try:
        with (path / "trials.csv").open(newline="", encoding="utf-8") as stream:
            return tuple(_float(row["average_precision"] or None) for row in csv.DictReader(stream))
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, ValueError) as error:
        log.warning("%s: is damaged (%s); it is shown without its trials", path / "trials.csv", error)
        return ()


def _index(fingerprint: str, part: str, options: Mapping[str, Any]) -> str:
    """Ground of folders that do not name it: an index, a part, and the options by which labels are read."""
    return f"{fingerprint} {part} {options.get('presence')} {options.get('heads')}"


def _known(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    return {name: _float(row[name]) for name in names}


def _float(value: Any) -> float:
    """A number out of JSON, where NaN is null."""
    return math.nan if value is None else float(value)
