"""Made-up tiles as the tests of the explore page share them: each class its place, its cluster and its colour."""

from __future__ import annotations

import numpy as np

from geolabel.views.atlas import make_atlas, side_for
from geolabel.views.explore_page import Colouring, ExplorePage, Finding, Group, Projected, TextColumn

EVIL = 'Rio </script><img src=x onerror="window.broken=1"> & "co"'
CLASSES = ("forest", "mine", "river")
SHADES = np.array([[30, 110, 60], [220, 160, 60], [50, 90, 200]])


def plain_pictures(codes: np.ndarray, side: int, seed: int = 1) -> np.ndarray:
    """(n, side, side, 3): each tile all of one colour, near that of its class."""
    noise = np.random.default_rng(seed).integers(-28, 29, (len(codes), 3))
    colors = np.clip(SHADES[codes] + noise, 0, 255).astype(np.uint8)
    return np.broadcast_to(colors[:, None, None], (len(codes), side, side, 3)).copy()


def scene(count: int = 240, *, placed: bool = True, pictured: bool = True, budget: int = 20_000_000) -> ExplorePage:
    """A grid of tiles at the equator; columns of the grid are classes, classes are clusters in plane and space."""
    rng = np.random.default_rng(0)
    across = int(np.ceil(np.sqrt(count)))
    col, row = np.arange(count) % across, np.arange(count) // across
    codes = col * len(CLASSES) // across
    centres = np.array([[-4.0, 0, 0], [4, 0, 1], [0, 5, -3]])
    space = (centres[codes] + rng.normal(0, 0.6, (count, 3))).astype(np.float32)
    lost = space[:, :2].copy()
    lost[0] = np.nan
    score = rng.random(count).astype(np.float32)
    score[3] = np.nan
    labels = np.where(np.arange(count) % 11 == 5, -1, codes)
    side = side_for(count)
    pictures = plain_pictures(codes, side)
    split = (np.arange(count) % 2).astype(np.int64)
    return ExplorePage(
        title=f"Tiles of {EVIL}",
        about=EVIL,
        name="scene.explore",
        facts=((f"{count:,}", "tiles"), ("3", "classes")),
        tiles=np.arange(count) * 2 + 100,
        projections=(
            Projected("PCA", "61 % of the variance", space[:, :2]),
            Projected("UMAP, 3-D", "Only neighbours mean something", space),
            Projected("Without one", "", lost),
        ),
        lon=col * 0.01 if placed else None,
        lat=-row * 0.01 if placed else None,
        side_deg=np.full((count, 2), 0.01) if placed else None,
        colourings=(
            Colouring("Class", "classes", labels, CLASSES, ("#1f7a5c", "#e08e1b", "#2f6fd0")),
            Colouring("Score", "numbers", score),
            Colouring("Split", "classes", split, ("train", EVIL), ("#555555", "#bf3b2b")),
        ),
        columns=(TextColumn("Source", ("a.tif", EVIL), split),),
        atlas=make_atlas(pictures, budget) if pictured else None,
        findings=(
            Finding("outliers", "Outliers", "Far from all.", (Group("Outliers", np.array([7, 3, 11, 12, 13, 14])),)),
            Finding(
                "leaks",
                "Leaks",
                EVIL,
                (Group("Pair 1", np.array([4, 5]), "train and test"), Group(EVIL, np.array([8, 9]))),
            ),
        ),
        separation="<table><tbody><tr><th>silhouette</th><td>.81</td></tr></tbody></table>",
        notes=(EVIL,),
    )
