"""The field of a place, tried out, is the one that layers add up to."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn import backbones
from geolabel.learn.dense.field import Field, find_field
from geolabel.learn.dense.network import Trunk

LAYER = st.tuples(
    st.sampled_from(["conv", "max", "mean"]),
    st.integers(1, 5),  # kernel
    st.sampled_from([1, 2]),  # stride
    st.integers(0, 2),  # padding
    st.integers(1, 2),  # dilation, of convolutions
)


def build(layers):
    kinds = {
        "conv": lambda k, s, p, d: nn.Conv2d(2, 2, k, s, p, d),
        "max": lambda k, s, p, d: nn.MaxPool2d(k, s, p),
        "mean": lambda k, s, p, d: nn.AvgPool2d(k, s, p),
    }
    return nn.Sequential(*(kinds[kind](*rest) for kind, *rest in layers)).eval()


def by_hand(layers):
    """Stride, before and after: each layer adds its kernel, in steps of the strides below it."""
    step, before, after = 1, 0, 0
    for kind, kernel, stride, padding, dilation in layers:
        reach = (kernel - 1) * (dilation if kind == "conv" else 1)
        before += padding * step
        after += (reach - padding) * step
        step *= stride
    return step, before, after


@settings(deadline=None, max_examples=40)
@given(st.lists(LAYER, min_size=1, max_size=4))
def test_it_is_what_the_layers_add_up_to(layers):
    layers = [(kind, k, s, min(p, k // 2), d) for kind, k, s, p, d in layers]
    found = find_field(build(layers), 2, (64, 64))
    assert (found.stride, found.before, found.after) == by_hand(layers)


def test_context_is_whole_strides_around_a_tile():
    field = Field(stride=16, before=63, after=91, places=(4, 4))
    assert field.context((64, 64)) == 80  # the last place, at 48, sees 48 + 91 − 63 = 76 px beyond
    assert field.centre == 14
    assert Field(stride=16, before=0, after=15, places=(4, 4)).context((64, 64)) == 0
    assert Field(stride=8, before=9, after=0, places=(3, 3)).context((24, 24)) == 16


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("small-cnn-reflect", Field(16, 78, 78, (4, 4))),  # 1 + 2 (1 + 1) + … : by hand 157 px
        ("squeezenet-reflect", Field(16, 63, 91, (4, 4))),
        ("resnet18", Field(32, 217, 217, (2, 2))),  # the well-known 435 px
        ("squeezenet1_0", Field(16, 60, 94, (3, 3))),
    ],
)
def test_known_networks(name, field):
    assert find_field(Trunk(backbones.build(name, 2, 2).eval()), 2, (64, 64)) == field


class _Position(nn.Module):
    def forward(self, chips):
        return chips + torch.arange(chips.shape[-1]) % 7


@pytest.mark.parametrize(
    ("trunk", "why"),
    [
        (nn.AdaptiveAvgPool2d(1), "grow"),
        (nn.Flatten(), "no map"),
        (nn.GroupNorm(1, 2), "whole picture"),
        (_Position(), "where it lies"),
        (nn.Conv2d(2, 2, (3, 1), padding=(1, 0)), "farther"),
        (nn.LayerNorm((2, 32, 32)), "larger than a tile"),
    ],
)
def test_what_is_no_moving_window(trunk, why):
    with pytest.raises(OptionError, match=why):
        find_field(trunk, 2, (32, 32))
