"""The built-in model on the test part of the real chips, beside a forest on colour: an evaluation, no training of nets.

Chips, parts and rules are those of amazon_chips.py: sets, places and pictures of the test part are in no other. The
model learned from none of them, and its threshold comes from folds; the forest learns from train and takes its
threshold from val. Intervals resample chips, or whole sets. Run: python benchmarks/amazon_built_in.py [--json FILE]
"""

from __future__ import annotations

import argparse

import numpy as np
from amazon_chips import part_chips, read_chips
from amazon_forest import forest, judge
from amazon_model import DATA
from amazon_model_folds import interval
from dense import built_in
from measured import Result, add_json, write_json
from sklearn.metrics import average_precision_score

CLOUDS = "cloud_remnant"
"""In the name of sets that are cloud remnants: a kind that training does not know."""


def main() -> None:
    """Score both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_json(parser)
    asked = parser.parse_args()
    everything = read_chips(DATA / "amazon-mining")
    parts, _ = part_chips(everything)
    chips = everything.take(np.flatnonzero(parts == "test"))
    model = built_in()
    pixels = np.ascontiguousarray(chips.pixels.transpose(0, 3, 1, 2))
    probability = model(pixels, np.ones((len(pixels), *pixels.shape[2:]), bool))[:, 0]
    ours = judge(chips.mine, probability, model.card.thresholds["mine"]).scores
    trees = forest(everything.pixels, everything.mine, parts, 0).scores
    clear = np.char.find(np.char.lower(chips.sets.astype(str)), CLOUDS) < 0
    bounds = interval(chips.mine, probability, np.arange(len(chips)))
    over_sets = interval(chips.mine, probability, chips.sets)
    found = {
        "average precision": ours.average_precision,
        "of the forest": trees.average_precision,
        "gain over the forest": ours.average_precision - trees.average_precision,
        "without cloud remnants": average_precision_score(chips.mine[clear], probability[clear]),
        "precision": ours.precision,
        "recall": ours.recall,
        "least over chips": bounds[0],
        "least over sets": over_sets[0],
        "by chance": float(chips.mine.mean()),
    }
    print(f"{len(chips):,} test chips, {chips.mine.sum()} with mines")
    for name, value in found.items():
        print(f"  {name:26}{value:.3f}")
    write_json(asked.json, [Result(name, (float(value),)) for name, value in found.items()])


if __name__ == "__main__":
    main()
