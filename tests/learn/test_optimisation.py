"""Parameter groups, the course of the learning rate, the running mean."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from geolabel.learn import backbones
from geolabel.learn.apart import Apart
from geolabel.learn.optimisation import RunningMean, Schedule, make_optimizer
from tests.learn.lessons import RECIPE


def rates(schedule: str, steps: int = 100, **more: float) -> list[float]:
    network = torch.nn.Linear(2, 1)
    recipe = replace(RECIPE, schedule=schedule, lr=1.0, **more)
    optimizer = make_optimizer(network, recipe)
    course, found = Schedule(optimizer, recipe, steps), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        course.step()
    return found


def test_cosine_rises_then_falls_to_nothing():
    found = rates("cosine")
    assert found[0] < 0.05
    assert max(found) == found[5] == 1
    assert found[5:] == sorted(found[5:], reverse=True)
    assert found[-1] < 1e-3
    assert found[52] == pytest.approx(0.5 * (1 + np.cos(np.pi * 47 / 95)))


def test_one_cycle_is_torchs_own():
    found = rates("one-cycle")
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=101)
    for rate in found:
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_constant_stays_after_warming_up():
    found = rates("constant", warm_up=0.1)
    assert found[10:] == [1.0] * 90
    assert found[5] == pytest.approx(0.5)


def test_plateau_falls_when_nothing_gets_better_and_only_then():
    network = torch.nn.Linear(2, 1)
    recipe = replace(RECIPE, schedule="plateau", lr=1.0, patience=4, warm_up=0.0)
    optimizer = make_optimizer(network, recipe)
    course, found = Schedule(optimizer, recipe, 100), []
    for merit in (0.1, 0.2, 0.3, 0.3, 0.3, 0.3):
        optimizer.step()
        course.step()
        found.append(optimizer.param_groups[0]["lr"])
        course.epoch(merit)
    assert found[:5] == [1.0] * 5
    assert found[5] == pytest.approx(0.3)


def test_layers_before_learn_slower_and_norms_do_not_decay():
    network = backbones.start("small-cnn", 3, 2, "none", 0)
    optimizer = make_optimizer(network, replace(RECIPE, lr=1.0, layer_decay=0.5, weight_decay=0.1))
    rate_of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    decay_of = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    named = dict(network.named_parameters())
    assert rate_of[id(named["head.weight"])] == 1.0
    assert rate_of[id(named["stem.0.weight"])] < rate_of[id(named["stages.2.conv1.weight"])] < 1.0
    assert len(rate_of) == len(named)
    assert decay_of[id(named["head.weight"])] == 0.1
    assert decay_of[id(named["stem.1.weight"])] == 0.0


def test_the_running_mean_by_hand():
    network = torch.nn.Linear(1, 1, bias=False)
    mean = RunningMean(network, 0.9)
    value = network.weight.item()
    for number in range(1, 30):
        with torch.no_grad():
            network.weight.fill_(number)
        mean.update(network)
        decay = min(0.9, (1 + number) / (10 + number))
        value = decay * value + (1 - decay) * number
    assert float(mean.values["weight"]) == pytest.approx(value, rel=1e-5)
    other = RunningMean(torch.nn.Linear(1, 1, bias=False), 0.9)
    other.load_state_dict(copy.deepcopy(mean.state_dict()))
    assert torch.equal(other.values["weight"], mean.values["weight"])


def test_networks_apart_have_layers_too_and_share_nothing():
    network = Apart(backbones.start("small-cnn", 3, count, "none", 0) for count in (2, 1))
    optimizer = make_optimizer(network, replace(RECIPE, lr=1.0, layer_decay=0.5))
    rate_of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    named = dict(network.named_parameters())
    assert rate_of[id(named["networks.0.head.weight"])] == rate_of[id(named["networks.1.head.weight"])] == 1.0
    assert rate_of[id(named["networks.1.stem.0.weight"])] < 1.0
    logits = network(torch.rand(2, 3, 32, 32))
    assert logits.shape == (2, 3)
    logits[:, 2].sum().backward()
    assert float(named["networks.0.stem.0.weight"].grad.abs().sum()) == 0
    assert float(named["networks.1.stem.0.weight"].grad.abs().sum()) > 0
