"""Conventional classifiers on the statistics of chips, or on a network's features."""

from geolabel.learn.baselines.baseline import BASELINES, Baseline, BaselineKind, fit_baseline, from_arrays
from geolabel.learn.baselines.features import Features, NetworkFeatures, StatisticsFeatures, network_features
from geolabel.learn.baselines.predictor import BaselinePredictor, load_baseline

__all__ = [
    "BASELINES",
    "Baseline",
    "BaselineKind",
    "BaselinePredictor",
    "Features",
    "NetworkFeatures",
    "StatisticsFeatures",
    "fit_baseline",
    "from_arrays",
    "load_baseline",
    "network_features",
]
