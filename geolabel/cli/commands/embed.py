"""Metric embeddings: the word before `train`, `encode`, `search`, `evaluate`, `segment` and `cluster`."""

from __future__ import annotations

from geolabel.cli.app import group

embed = group("embed", "Learn vectors that tell places apart; find more like this one; probe, cluster and map them.")
