"""The table of an evaluation: means, deviations, and what is said of baselines that do better."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geolabel.steps.embed.evaluation.table import (
    LabelRow,
    Outcome,
    ShareRow,
    Spread,
    encoder_rows,
    probe_rows,
    score_keys,
    spread,
    verdicts,
)

NAN = float("nan")
KEYS = score_keys("knn", "dt")


def outcome(
    encoder: str, repeat: int, accuracy: float, error: float, mix: str = "natural", rank: float = 0.5
) -> Outcome:
    scores = {"accuracy.knn": accuracy, "balanced_accuracy.knn": accuracy, "summed_error.dt": error}
    return Outcome(encoder, mix, repeat, {**scores, "map_at_r": rank, "knc": rank, "soft_map_at_r": rank, "gsil": rank})


def test_a_spread_is_mean_and_sample_deviation():
    found = spread([0.5, 0.7, 0.9])
    assert (found.mean, found.deviation) == (pytest.approx(0.7), pytest.approx(np.std([0.5, 0.7, 0.9], ddof=1)))
    assert str(found) == "0.700 ±.200"
    assert str(spread([0.5])) == "0.500"
    assert str(spread([NAN])) == "–"
    assert spread([NAN, 0.25, 0.75]).mean == 0.5
    assert math.isnan(spread([]).mean)


def test_rows_are_those_of_the_first_probes():
    outcomes = [outcome("model", at, 0.5 + 0.1 * at, 1.0, mix) for mix in ("natural", "balanced") for at in range(3)]
    rows, shares = (encoder_rows(kind, outcomes, KEYS) for kind in (LabelRow, ShareRow))
    assert [(row.encoder, row.mix) for row in rows] == [("model", "natural"), ("model", "balanced")]
    assert rows[0].accuracy == Spread(pytest.approx(0.6), pytest.approx(0.1))
    assert shares[0].summed_error.mean == 1.0
    probes = probe_rows(outcomes, ["knn", "dt"])
    assert [(row.probe, row.mix) for row in probes] == [
        ("knn", "natural"), ("dt", "natural"), ("knn", "balanced"), ("dt", "balanced"),
    ]  # fmt: skip
    assert probes[0].summed_error is None
    assert probes[1].accuracy is None
    assert probes[1].summed_error == shares[0].summed_error


def test_a_baseline_that_does_better_is_named():
    model = [outcome("model", 0, 0.6, 0.5), outcome("model", 1, 0.7, 0.5)]
    pixels = [outcome("pixels", 0, 0.8, 0.6), outcome("pixels", 1, 0.7, 0.6)]
    colour = [outcome("colour", at, 0.5, 0.4, rank=0.4) for at in range(2)]
    found = verdicts([*model, *pixels, *colour], KEYS)
    assert found == (
        "Raw pixels do better than the model in accuracy (1 of 2 repeats) on the natural mix.",
        "Colour statistics do better than the model in summed error on the natural mix.",
    )
    worse = [outcome("chance", at, 0.1, 1.9, rank=NAN) for at in range(2)]
    (told,) = verdicts([*model, *worse], KEYS)
    assert told == ("No baseline does better than the model in accuracy, MAP@R, soft MAP@R, gSil or summed error.")


def test_a_baseline_has_one_sentence_for_all_mixes():
    model, untrained = (
        [outcome(name, at, right, 0.5, mix, rank) for mix, rank in ranks for at in range(3)]
        for name, right, ranks in (
            ("model", 0.6, (("natural", 0.5), ("balanced", 0.5))),
            ("untrained", 0.7, (("natural", 0.4), ("balanced", 0.6))),
        )
    )
    assert verdicts([*model, *untrained], KEYS) == (
        "The same network untrained does better than the model in accuracy on the natural mix, in accuracy, MAP@R, "
        "soft MAP@R and gSil on the balanced mix.",
    )


def test_repeats_without_a_score_decide_nothing():
    model, colour = (
        [outcome(name, at, 0.5, error, rank=rank) for at, error in enumerate(errors)]
        for name, errors, rank in (("model", (0.5, NAN, 0.5), NAN), ("colour", (0.4, NAN, 0.3), NAN))
    )
    assert verdicts([*model, *colour], KEYS) == (
        "Colour statistics do better than the model in summed error on the natural mix.",
    )
