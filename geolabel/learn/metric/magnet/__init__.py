"""MagNet (Rippel et al., arXiv 1511.05939): classes of several clusters, neighbourhoods as batches."""

from geolabel.learn.metric.magnet.batches import Neighbourhood, draw_batch, seed_chances
from geolabel.learn.metric.magnet.index import ClusterIndex, build_index, place_index, with_losses
from geolabel.learn.metric.magnet.loss import MagnetOutcome, magnet_loss

__all__ = [
    "ClusterIndex",
    "MagnetOutcome",
    "Neighbourhood",
    "build_index",
    "draw_batch",
    "magnet_loss",
    "place_index",
    "seed_chances",
    "with_losses",
]
