"""Geospatial labeling: rasters to tiles, labels, models and maps that open, styled, in QGIS.

Each command of `geolabel` is a function of the same name here: `geolabel.tile(...)`, `geolabel.label(...)`,
`geolabel.split(...)`, `geolabel.train(...)`, `geolabel.evaluate(...)`, `geolabel.explain(...)`, `geolabel.tune(...)`,
`geolabel.compare(...)`, `geolabel.ensemble(...)`, `geolabel.report(...)`, `geolabel.predict(...)`,
`geolabel.merge(...)`, `geolabel.export(...)`, `geolabel.change(...)`, `geolabel.polygons(...)`, `geolabel.demo(...)`,
`geolabel.inspect(...)`, `geolabel.explore(...)`, `geolabel.doctor()`, `geolabel.dehaze(...)`, `geolabel.verify(...)`.
Those of a group bear its name before: `geolabel.embed_train(...)`, `geolabel.embed_encode(...)`,
`geolabel.embed_search(...)`, `geolabel.embed_evaluate(...)`, `geolabel.embed_segment(...)`,
`geolabel.embed_cluster(...)`. They are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geolabel.steps.change import change
    from geolabel.steps.compare import compare
    from geolabel.steps.dehaze import dehaze
    from geolabel.steps.demo import demo
    from geolabel.steps.doctor import doctor
    from geolabel.steps.embed.cluster import cluster as embed_cluster
    from geolabel.steps.embed.encode import encode as embed_encode
    from geolabel.steps.embed.evaluate import evaluate as embed_evaluate
    from geolabel.steps.embed.search import search as embed_search
    from geolabel.steps.embed.segment import segment as embed_segment
    from geolabel.steps.embed.train import train as embed_train
    from geolabel.steps.ensemble import ensemble
    from geolabel.steps.evaluate import evaluate
    from geolabel.steps.explain import explain
    from geolabel.steps.explore import explore
    from geolabel.steps.export import export
    from geolabel.steps.inspect import inspect
    from geolabel.steps.label import label
    from geolabel.steps.merge import merge
    from geolabel.steps.polygons import polygons
    from geolabel.steps.predict import predict
    from geolabel.steps.report import report
    from geolabel.steps.split import split
    from geolabel.steps.tile import tile
    from geolabel.steps.train import train
    from geolabel.steps.tune import tune
    from geolabel.steps.verify import verify

__version__: str
"""Of the installed distribution, made of the tag it was built from; looked up when asked for."""

__all__ = [
    "allow_remote",
    "change",
    "compare",
    "dehaze",
    "demo",
    "doctor",
    "embed_cluster",
    "embed_encode",
    "embed_evaluate",
    "embed_search",
    "embed_segment",
    "embed_train",
    "ensemble",
    "evaluate",
    "explain",
    "explore",
    "export",
    "inspect",
    "label",
    "merge",
    "polygons",
    "predict",
    "report",
    "split",
    "tile",
    "train",
    "tune",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("geolabel")
    if name == "allow_remote":
        from geolabel.raster import allow_remote

        return allow_remote
    if name not in __all__:
        raise AttributeError(f"module 'geolabel' has no attribute {name!r}")
    room, _, verb = name.rpartition("_")
    return getattr(import_module(f"geolabel.steps.{room}.{verb}" if room else f"geolabel.steps.{name}"), verb)
