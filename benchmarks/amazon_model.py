"""Makes the weights of the built-in model amazon-mining-rgb, and says how good they are.

    python benchmarks/amazon_model.py [--folds] [--steps 900] [--amid 450] [--seed 0] [-o benchmarks/out/amazon-model]

With --folds it judges the recipe: four times it learns without some groups of sets and scores them, beside
a forest on colour statistics; from the scores of all four it takes temperature and thresholds, and writes them
to folds.json. Without it, it learns all chips but those of the test part (amazon_chips.py), writes the weights in
half precision to state.safetensors, and scores the test part once. The recipe was chosen on the folds alone.

The trunk starts from SqueezeNet's ImageNet weights (BSD licence, ../shared/data/squeezenet-imagenet). Sets are drawn
more evenly than they come, so that a thousand easy negatives do not outweigh sixty hard ones. Some labels are wrong, so
they are smoothed, and what is kept is the running mean of the weights. In a second course every batch is answered
chip by chip and side by side, as by `geolabel train --context`, so that dense windows agree with tiles. One thread is
enough.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from amazon_chips import Chips, read_chips
from amazon_forest import colour_statistics
from amazon_model_folds import Sides, interval, temperature, threshold
from amazon_model_veils import vary
from safetensors.torch import save_file
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from torch.nn import functional

from geolabel.learn.backbones.dense_ready import SqueezeReflect
from geolabel.learn.backbones.weights import load_weights
from geolabel.learn.context import difference
from geolabel.learn.run import Learner

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
BATCH = 64
RATE, WEIGHT_DECAY, WARM_STEPS = 6e-4, 0.02, 60
AMID_RATE = 3e-4
SMOOTHING = 0.05
MINES_SHARE = 0.4
"""Share of the chips drawn that are mines."""
EVENNESS = 0.5
"""Chips of a set of n are drawn in proportion to n to the power of -EVENNESS."""
MEAN_EVERY, MEAN_KEEPS = 4, 0.995
_AT_ONCE = 256
MEAN, DEVIATION = (0.2990, 0.3526, 0.3742), (0.1876, 0.1328, 0.1170)
"""Of red, green and blue over the chips learnt from, values 0–1."""


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folds", action="store_true", help="judge the recipe instead of making the weights")
    parser.add_argument("--steps", type=int, default=900, help="batches of 64 chips (default: 900)")
    parser.add_argument("--amid", type=int, default=450, help="batches more, side by side too (default: 450)")
    parser.add_argument("--seed", type=int, default=0, help="seed (default: 0)")
    parser.add_argument("-o", "--out", type=Path, default=REPOSITORY / "benchmarks" / "out" / "amazon-model")
    return parser.parse_args()


def to_input(pixels: torch.Tensor) -> torch.Tensor:
    """Values 0–1 (n, 3, h, w) as the network is given them."""
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return ((pixels - mean) / deviation).contiguous(memory_format=torch.channels_last)


def chances(chips: Chips) -> torch.Tensor:
    """How often each chip is drawn: (n,), 1 in sum; sets more evenly than they come, mines MINES_SHARE of all."""
    _, number, count = np.unique(chips.sets, return_inverse=True, return_counts=True)
    chance = count[number].astype(float) ** -EVENNESS
    for rows, share in ((chips.mine, MINES_SHARE), (~chips.mine, 1 - MINES_SHARE)):
        chance[rows] *= share / chance[rows].sum()
    return torch.from_numpy(chance)


def learn(chips: Chips, options: argparse.Namespace) -> nn.Module:
    """A network that has learnt chips one by one, then amid others too; ready to predict."""
    torch.manual_seed(options.seed)
    network = SqueezeReflect(3, 1)
    load_weights(network, DATA / "squeezenet-imagenet" / "squeezenet1_0_torchvision_fp16.npz", 3)
    alone = course(network, chips, options.steps, options.seed, RATE)
    return course(alone, chips, options.amid, options.seed + 1, AMID_RATE, amid=True)


def course(network: nn.Module, chips: Chips, steps: int, seed: int, rate: float, *, amid: bool = False) -> nn.Module:
    """The running mean of a network while it learns chips, ready to predict."""
    torch.manual_seed(seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learner, mean, generator = Learner(network).train(), copy.deepcopy(network), torch.Generator().manual_seed(seed)
    kernels, biases = ([own for own in network.parameters() if (own.ndim > 1) == many] for many in (True, False))
    decays = [{"params": kernels, "weight_decay": WEIGHT_DECAY}, {"params": biases, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(decays, lr=rate, fused=True)
    pixels = torch.from_numpy(chips.pixels).permute(0, 3, 1, 2).contiguous()
    mine = torch.from_numpy(chips.mine).float()
    drawn = torch.multinomial(chances(chips), steps * BATCH, replacement=True, generator=generator).view(steps, BATCH)
    for step, rows in enumerate(drawn):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / WARM_STEPS) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        varied = to_input(vary(pixels[rows].float() / 255, mine[rows], generator))
        order = torch.randperm(BATCH, generator=generator) if amid else None
        with torch.autocast("cpu", torch.bfloat16):
            answers = [logits[:, 0].float() for logits in learner(varied, order)]
        target = mine[rows] * (1 - SMOOTHING) + 0.5 * SMOOTHING
        losses = [functional.binary_cross_entropy_with_logits(logits, target) for logits in answers]
        loss = torch.stack(losses).mean() + (difference(*answers) if amid else 0.0)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        if step % MEAN_EVERY == 0:
            keeps = min(MEAN_KEEPS, (step + 1) / (step + 10)) ** MEAN_EVERY
            with torch.no_grad():
                torch._foreach_lerp_([*mean.parameters()], [*network.parameters()], 1 - keeps)
    return mean.eval()


@torch.no_grad()
def logits_of(network: nn.Module, chips: Chips) -> NDArray[np.float64]:
    """(2, n), of the chips as they are: alone, and side by side in an order by chance."""
    learner, pixels = Learner(network).eval(), torch.from_numpy(chips.pixels).permute(0, 3, 1, 2)
    found = torch.empty(2, len(chips), dtype=torch.float64)
    for rows in torch.randperm(len(chips), generator=torch.Generator().manual_seed(0)).split(_AT_ONCE):
        answers = learner(to_input(pixels[rows].float() / 255), torch.arange(len(rows)))
        found[:, rows] = torch.stack(answers)[:, :, 0].double()
    return found.numpy()


def judge_recipe(chips: Chips, sides: Sides, options: argparse.Namespace) -> dict[str, Any]:
    """Learn and score each fold; temperature and thresholds from all of them."""
    statistics = colour_statistics(chips.pixels)
    (logits, amid), trees = np.full((2, len(chips)), np.nan), np.full(len(chips), np.nan)
    for at, (rows, held) in enumerate(sides.folds()):
        began = time.perf_counter()
        logits[held], amid[held] = logits_of(learn(chips.take(rows), options), chips.take(held))
        forest = RandomForestClassifier(200, class_weight="balanced_subsample", random_state=options.seed)
        trees[held] = forest.fit(statistics[rows], chips.mine[rows]).predict_proba(statistics[held])[:, 1]
        found = (average_precision_score(chips.mine[held], scores[held]) for scores in (logits, amid, trees))
        print(f"fold {at}: {len(rows)} learnt, {len(held)} held out, {int(chips.mine[held].sum())} mines: ", end="")
        print("network {:.3f}, side by side {:.3f}, forest {:.3f}".format(*found), end="")
        r = np.corrcoef(*(1 / (1 + np.exp(-scores[held])) for scores in (logits, amid)))[0, 1]
        print(f"; r of both ways {r:.3f} ({time.perf_counter() - began:.0f} s)", flush=True)
    rest = sides.rest
    mine, divisor = chips.mine[rest], temperature(logits[rest], chips.mine[rest])
    probability = 1 / (1 + np.exp(-logits[rest] / divisor))
    f1, f2 = (threshold(probability, mine, beta) for beta in (1.0, 2.0))
    report = {"temperature": divisor, "threshold_f1": f1[0], "threshold_f2": f2[0], "f1": f1[1], "f2": f2[1]}
    scored = {"network": logits, "amid": amid, "forest": trees}
    report |= {name: average_precision_score(mine, scores[rest]) for name, scores in scored.items()}
    report["r"] = np.corrcoef(*(1 / (1 + np.exp(-scores[rest] / divisor)) for scores in (logits, amid)))[0, 1]
    np.save(options.out / "logits.npy", np.stack([logits, amid]))
    print(json.dumps(report, indent=1))
    print(by_set(chips.take(rest), probability, f1[0]))
    return report


def by_set(chips: Chips, probability: NDArray[np.float64], least: float) -> str:
    """Shares of each set at or above a probability: recall of mines, false alarms of others."""
    lines = []
    for name in np.unique(chips.sets):
        rows = chips.sets == name
        kind = "mines found" if chips.mine[rows][0] else "false alarms"
        lines.append(f"  {name:<56}{int(rows.sum()):>6}  {kind:<13}{float((probability[rows] >= least).mean()):>7.1%}")
    return "\n".join(lines)


def make(chips: Chips, sides: Sides, options: argparse.Namespace) -> None:
    """Learn all but the test part, write the weights, score the test part."""
    learnt = chips.take(sides.rest)
    network = learn(learnt, options)
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(state, options.out / "state.safetensors")
    network.load_state_dict({name: value.float() for name, value in state.items()})
    test = chips.take(sides.test)
    logits = logits_of(network, test)[0]
    found = average_precision_score(test.mine, logits)
    print(f"learnt {len(learnt)} chips, {int(learnt.mine.sum())} mines; test {len(test)}, {int(test.mine.sum())} mines")
    print(f"average precision {found:.3f}, AUC {roc_auc_score(test.mine, logits):.3f}")
    for title, groups in (("chips", np.arange(len(test))), ("sets", test.sets)):
        print("  95 % interval over {}: {:.3f} … {:.3f}".format(title, *interval(test.mine, logits, groups)))
    known = test.sets != "v4.10_Q125_cloud_remnant_negatives"
    print(f"without cloud remnants {average_precision_score(test.mine[known], logits[known]):.3f}")
    at = json.loads((options.out / "folds.json").read_text()) if (options.out / "folds.json").is_file() else None
    if at:
        probability = 1 / (1 + np.exp(-logits / at["temperature"]))
        print(by_set(test, probability, at["threshold_f1"]))


def main() -> int:
    """Run one of the two."""
    options = parse()
    if not (DATA / "amazon-mining" / "chips.csv").is_file():
        print(f"amazon_model: no data at {DATA}; set GEOLABEL_TEST_DATA to the folder that holds amazon-mining")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    chips = read_chips(DATA / "amazon-mining")
    sides = Sides(chips)
    if options.folds:
        (options.out / "folds.json").write_text(json.dumps(judge_recipe(chips, sides, options), indent=1))
    else:
        make(chips, sides, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
