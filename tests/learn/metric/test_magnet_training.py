"""A small network learns by the magnet loss and batches of its index, with labels and without."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from geolabel.learn.metric.magnet.batches import draw_batch
from geolabel.learn.metric.magnet.index import ClusterIndex, build_index, place_index, with_losses
from geolabel.learn.metric.magnet.loss import magnet_loss
from geolabel.scoring.cluster_vote import cluster_vote

STEPS, REBUILD, NOISE = 200, 40, 6


def crossed(count: int, seed: int):
    """Two classes of two modes each, in the corners of a square as in XOR, lost among noise.

    Pixels (count, 2 + NOISE), labels and places: eight tiles of one mode in a row are a place.
    """
    rng = np.random.default_rng(seed)
    places = np.arange(count) // 8
    corner = rng.integers(0, 2, (places[-1] + 1, 2))[places]
    tiles = 2.0 * corner + rng.normal(0, 0.3, (count, 2))
    noise = rng.normal(0, 1.2, (count, NOISE))
    return np.hstack([tiles, noise]).astype(np.float32), corner[:, 0] ^ corner[:, 1], places


def seen_by(network: nn.Module, tiles: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(tiles)).numpy()


def accuracy(network: nn.Module) -> float:
    """kNC of tiles that did not train, by clusters of those that did."""
    tiles, labels, _ = crossed(1600, seed=1)
    others, truth, _ = crossed(400, seed=2)
    index = build_index(seen_by(network, tiles), labels, 4, seed=0)
    posterior = cluster_vote(seen_by(network, others), **index.to_arrays(), class_count=2)
    return float((posterior.argmax(axis=1) == truth).mean())


@pytest.mark.parametrize("supervised", [True, False])
def test_knc_rises_over_that_of_the_untrained_network(supervised: bool):
    """With labels nearly all of it; by places half of the way, since places of one mode are pushed apart too."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    tiles, labels, places = crossed(1600, seed=1)
    network = nn.Sequential(nn.Linear(2 + NOISE, 32), nn.ReLU(), nn.Linear(32, 4))
    before = accuracy(network)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    index: ClusterIndex | None = None
    losses = []
    for step in range(STEPS):
        if step % REBUILD == 0:
            vectors = seen_by(network, tiles)
            new = build_index(vectors, labels, 4, seed=step) if supervised else place_index(vectors, places)
            seen = np.flatnonzero(np.isfinite(index.latest)) if index else np.arange(0)
            index = with_losses(new, seen, index.latest[seen] if index else np.zeros(0))
        assert index is not None
        batch = draw_batch(index, 12, 8, rng)
        outcome = magnet_loss(
            network(torch.from_numpy(tiles[batch.rows])),
            torch.from_numpy(batch.cluster),
            torch.from_numpy(batch.classes),
            margin=1.0,
        )
        optimiser.zero_grad()
        outcome.loss.backward()
        optimiser.step()
        index = with_losses(index, batch.rows, outcome.losses.numpy())
        losses.append(outcome.loss.item())
    after = accuracy(network)
    assert before < 0.65
    if supervised:
        assert np.mean(losses[-20:]) < np.mean(losses[:20]) / 5
        assert after > 0.9
    assert after > before + 0.1
