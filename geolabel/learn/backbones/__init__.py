"""Networks by name: our own, timm's and torchvision's, with one interface, for any bands and tile size.

Each offers what timm's networks do: `forward(chips)` gives logits, `forward_features(chips)` a map or tokens,
`forward_head(features, pre_logits=True)` features (n, features), `get_classifier()` the last layer.
"""

from geolabel.learn.backbones.catalogue import OWN, Network, build, start
from geolabel.learn.backbones.names import ALIASES, resolve
from geolabel.learn.backbones.parts import head_parameters, layer_groups, trunk_features

__all__ = [
    "ALIASES",
    "OWN",
    "Network",
    "build",
    "head_parameters",
    "layer_groups",
    "resolve",
    "start",
    "trunk_features",
]
