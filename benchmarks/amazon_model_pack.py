"""Packs what amazon_model.py made into the model that comes with geolabel, with its contract and its card.

    python benchmarks/amazon_model_pack.py [-o benchmarks/out/amazon-model]

Reads state.safetensors and folds.json, scores the test part through geolabel itself (as predict would see it), and
writes geolabel/models/amazon-mining-rgb.safetensors and the card beside it, after amazon_model_card.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from amazon_chips import Chips, read_chips
from amazon_model import DATA, DEVIATION, MEAN, REPOSITORY, by_set
from amazon_model_folds import Sides, interval
from safetensors.torch import load_file

from geolabel import files
from geolabel.inference import Decision, levels_of
from geolabel.labels.scheme_file import find_scheme
from geolabel.learn.forward import build_network, make_classifier
from geolabel.learn.predictor import Predictor, calibrated
from geolabel.model import BandContract, Head, ModelCard, write_model
from geolabel.scoring.calibration import Calibration, Temperature
from geolabel.scoring.multilabel import Scores, score

NAME = "amazon-mining-rgb"
WHITE = 0.3
"""Reflectance that the chips show as 255."""
ATTRIBUTION = (
    "Contains modified Copernicus Sentinel-2 data 2019–2025",
    "Labels: mining-detector, Earth Genome and partners (MIT)",
    "Start of the weights: SqueezeNet, Song Han and others (BSD 2-clause)",
)
UNSEEN_KIND = "v4.10_Q125_cloud_remnant_negatives"


def contract(at: dict[str, float]) -> ModelCard:
    """The card, thresholds and calibration from the folds."""
    scheme = find_scheme("mining").subset(["mine"])
    calibration = Calibration("temperature", (Temperature(at["temperature"]),))
    return ModelCard(
        architecture="squeezenet-reflect",
        heads=(Head("classes", "sigmoid", ("mine",)),),
        scheme=replace(scheme, attribution="").to_json(),
        bands=tuple(
            BandContract(name, WHITE / 255, 0.0, mean * WHITE, deviation * WHITE)
            for name, mean, deviation in zip(("red", "green", "blue"), MEAN, DEVIATION, strict=True)
        ),
        dtype="uint8",
        gsd_m=10.0,
        tile_px=(48, 48),
        presence={"mine": 0.03},
        thresholds={"mine": round(float(levels_of(np.array([at["threshold_f1"]]))[0]), 3)},
        calibration=calibration.to_json(),
        settings={"encodings": {"uint8": WHITE / 255, "uint16": 1e-4}, "clip": [0.0, WHITE]},
        trained_on={
            "data": "10,315 chips of mining-detector, split by set and place",
            "script": "benchmarks/amazon_model.py",
            "versions": {key: value for key, value in files.versions().items() if key != "platform"},
        },
        licence="MIT; the weights started from SqueezeNet's (BSD 2-clause)",
        attribution=ATTRIBUTION,
    )


def judge(model: Predictor, chips: Chips) -> tuple[Scores, np.ndarray[Any, Any]]:
    """Scores on chips through geolabel, and the probabilities (n,)."""
    pixels = np.ascontiguousarray(chips.pixels.transpose(0, 3, 1, 2))
    found = model(pixels, np.ones((len(chips), *pixels.shape[2:]), bool))
    truth = chips.mine[:, None].astype(np.float32)
    threshold = [model.card.thresholds["mine"]]
    return score(truth, found, ["mine"], threshold, Decision.of(model.card).on_tiles(found)), found[:, 0]


def page(card: ModelCard, learnt: Chips, test: Chips, probability: np.ndarray[Any, Any], at: dict[str, float]) -> str:
    """The model card in Markdown."""
    scores = card.scores["test"]["classes"][0]
    low, high = interval(test.mine, probability, test.sets)
    some_low, some_high = interval(test.mine, probability, np.arange(len(test)))
    known = test.sets != UNSEEN_KIND
    mines, others = by_set(test, probability, card.thresholds["mine"]), int((~test.mine).sum())
    without = score(
        test.mine[known, None].astype(np.float32), probability[known, None].astype(np.float32), ["mine"],
        [card.thresholds["mine"]],
    ).classes[0]  # fmt: skip
    template = (Path(__file__).parent / "amazon_model_card.md").read_text(encoding="utf-8")
    return template.format(
        learnt=len(learnt), learnt_mines=int(learnt.mine.sum()), test=len(test), test_mines=int(test.mine.sum()),
        test_others=others, ap=scores["average_precision"], auc=scores["auc"], precision=scores["precision"],
        recall=scores["recall"], f1=scores["f1"], low=low, high=high, some_low=some_low, some_high=some_high,
        without_ap=without.average_precision, without_precision=without.precision, threshold=card.thresholds["mine"],
        f2=at["threshold_f2"], temperature=at["temperature"], fold_ap=at["network"], forest_ap=at["forest"],
        chance=test.mine.mean(), by_set=mines,
    )  # fmt: skip


def main() -> int:
    """Read, judge, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=REPOSITORY / "benchmarks" / "out" / "amazon-model")
    out = parser.parse_args().out
    at = json.loads((out / "folds.json").read_text())
    state = load_file(out / "state.safetensors")
    card = contract(at)
    network = build_network(card)
    network.load_state_dict({name: value.float() for name, value in state.items()})
    chips = read_chips(DATA / "amazon-mining")
    sides = Sides(chips)
    learnt, test = chips.take(sides.rest), chips.take(sides.test)
    scores, probability = judge(calibrated(make_classifier(card, network, torch.device("cpu"))), test)
    card = replace(card, scores={"test": files.to_json(scores)})
    folder = REPOSITORY / "geolabel" / "models"
    write_model(folder / f"{NAME}.safetensors", card, {name: value.numpy() for name, value in state.items()})
    text = page(card, learnt, test, probability, at)
    (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"{(folder / f'{NAME}.safetensors').stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
