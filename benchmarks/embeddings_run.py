"""How embeddings.py teaches an embedder and judges it, by geolabel's own commands; what is known is not done again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amazon_command import geolabel

from geolabel.steps.embed.evaluation.table import Outcome

if TYPE_CHECKING:
    from pathlib import Path

REPEATS = 5
"""Draws that judge an embedder."""
PROBES = ("--single-class-classifiers", "knn,svc", "--multi-class-classifiers", "knn")


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to train an embedder."""

    name: str
    words: tuple[str, ...]
    """Options of `geolabel embed train`."""

    @property
    def folder(self) -> str:
        """Name of its run."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.name).split())


@dataclass(frozen=True, slots=True)
class Taught:
    """A variant that was trained and judged."""

    name: str
    words: tuple[str, ...]
    learned_from: str
    epochs: int
    best_epoch: int
    judged_by: str
    score: float | None
    """On val, of the best epoch."""
    active: float
    """Share of the tuples that still taught something in the last epoch."""
    seconds: float
    outcomes: tuple[Outcome, ...]
    """On test, draw by draw; those of the baselines too where they were asked for."""

    def save(self, path: Path) -> None:
        """Keep it as JSON."""
        kept = {name: getattr(self, name) for name in self.__slots__ if name != "outcomes"}
        kept["outcomes"] = [[one.encoder, one.mix, one.repeat, dict(one.scores)] for one in self.outcomes]
        path.write_text(json.dumps(kept), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Taught:
        """Read what `save` wrote."""
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        words, outcomes = tuple(kept.pop("words")), tuple(Outcome(*one) for one in kept.pop("outcomes"))
        return cls(**kept, words=words, outcomes=outcomes)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What all variants of a data set have in common."""

    out: Path
    """Folder in which all of it lies."""
    taught_on: str
    """Tile index that embedders learn from."""
    judged_on: str
    """Tile index whose train tiles teach probes, and whose test tiles judge them."""
    words: tuple[str, ...]
    """Options of `geolabel embed train`."""
    drawn: int
    """Tiles of train, and of test, in a draw that judges: fewer than there are, so that draws differ."""


def teach(lesson: Lesson, variant: Variant, baselines: tuple[str, ...]) -> Taught:
    """Train and judge a variant, unless its result is there; `baselines`: options of `embed evaluate` for them."""
    out = lesson.out
    path = out / f"{variant.folder}.json"
    options = (lesson.taught_on, *lesson.words, *variant.words)
    words = (*options, lesson.judged_on, str(lesson.drawn), *baselines)
    if path.exists() and Taught.load(path).words == words:
        return Taught.load(path)
    run = out / variant.folder
    trained = geolabel(out, "embed", "train", *options, "-o", run, "--overwrite")
    history = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["history"]
    print("  " + " ".join(_figure(row["score"]) for row in history) + f"  {trained.report['judged_by']} on val")
    print("  " + " ".join(_figure(row["active"]) for row in history) + "  active", flush=True)
    geolabel(
        out, "embed", "evaluate", run / "model.safetensors", lesson.judged_on, "-o", run / "test", *PROBES,
        "--repeats", REPEATS, "--validation-tiles", lesson.drawn, *(baselines or ("--baselines", "none")),
        "--overwrite",
    )  # fmt: skip
    told = json.loads((run / "test" / "metrics.json").read_text(encoding="utf-8"))
    found = Taught(
        name=variant.name,
        words=words,
        learned_from=trained.report["learned_from"],
        epochs=trained.report["epochs"],
        best_epoch=trained.report["best_epoch"],
        judged_by=trained.report["judged_by"],
        score=trained.report["score"],
        active=history[-1]["active"],
        seconds=trained.seconds,
        outcomes=tuple(
            Outcome(
                one["encoder"], one["mix"], one["repeat"], {key: _number(value) for key, value in one["scores"].items()}
            )
            for one in told["outcomes"]
        ),
    )
    found.save(path)
    return found


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
