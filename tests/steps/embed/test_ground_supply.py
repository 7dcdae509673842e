"""What is drawn from rasters for an embedder: windows that lie as the recipe says, and their pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geolabel import raster
from geolabel.errors import BandError, EmptyError, OptionError
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.teacher import TupleTeacher
from geolabel.steps.embed.training import ground_supply
from geolabel.steps.embed.training.ground import Drawing, open_ground, split_ground
from geolabel.steps.embed.training.ground_supply import prepare_ground
from geolabel.steps.embed.training.ground_tuples import Layout, lay_places, lay_tuples
from geolabel.steps.embed.training.prepared import Prepared
from geolabel.steps.embed.training.tuples import candidates
from geolabel.tiling.ground import Ground
from tests.conftest import WriteRaster
from tests.steps.embed.distances import apart

SIZE = 8
BANDS = ("red", "green", "blue")
NEAR = EmbedRecipe(min_pos_dist=1, max_pos_dist=2, min_neg_dist=4, max_neg_dist=8, batch=8, steps=3, output_size=4)


def write_places(write_raster: WriteRaster, name: str = "a.tif", *, side: int = 160, first: int = 0) -> Path:
    """Pixels say where they lie: row in red, column in green, `first` in blue; none are valid in a corner."""
    row, col = np.indices((side, side))
    mask = np.full((side, side), 255, "uint8")
    mask[: side // 4, : side // 4] = 0
    pixels = np.stack([row, col, np.full_like(row, first)]).astype("uint16")
    return write_raster(name, pixels, descriptions=BANDS, mask=mask)


@pytest.fixture
def ground(write_raster: WriteRaster) -> Ground:
    paths = [write_places(write_raster), write_places(write_raster, "b.tif", side=96, first=1)]
    return Ground.of([raster.describe(path) for path in paths], SIZE)


@contextmanager
def opened(paths: Sequence[Path], recipe: EmbedRecipe, drawing: Drawing) -> Iterator[Prepared]:
    """As `train` does it."""
    sources, ground = open_ground(paths, drawing, paths[0].parent / "run" / "tiles.parquet")
    parts = split_ground(ground, drawing, recipe.max_pos_dist, recipe.seed, tested=False)
    with prepare_ground(sources, parts, recipe, drawing) as prepared:
        yield prepared


def centres(layout: Layout, rows: np.ndarray) -> np.ndarray:
    """In tile sides: (…, 2)."""
    return np.stack([layout.places.col[rows], layout.places.row[rows]], axis=-1) / SIZE + 0.5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.data())
def test_tuples_lie_in_their_rings_on_one_raster(ground: Ground, data: st.DataObject):
    seed = data.draw(st.integers(0, 1000))
    low, wide, gap, far = (data.draw(st.floats(*ends)) for ends in ((0, 1.5), (0.5, 3), (0.1, 2), (1, 6)))
    recipe = EmbedRecipe(
        min_pos_dist=low,
        max_pos_dist=low + wide,
        min_neg_dist=low + wide + gap,
        max_neg_dist=low + wide + gap + far,
        loss=data.draw(st.sampled_from(["triplet", "quadruplet"])),
        mining=data.draw(st.sampled_from(["", "random-hard-negative", "random-hard-positive"])),
        random_reset=data.draw(st.sampled_from([0.0, 0.5, 1.0])),
        redraws=3,
        batch=8,
    )
    layout = lay_tuples(ground, 20, recipe, np.random.default_rng(seed))
    drawn = layout.tuples
    assert drawn is not None
    near, far_ones = candidates(recipe)
    assert drawn.positives.shape == (20, near)
    assert drawn.negatives.shape == (20, far_ones)
    assert len(layout.places) == len(layout.labels) == 20 * (1 + near + far_ones)
    everybody = np.concatenate([drawn.anchors, drawn.positives.ravel(), drawn.negatives.ravel()])
    assert np.unique(everybody).size == len(layout.places)  # each window is somebody, once
    assert ground.allows(layout.places).all()
    source = layout.places.source
    for part, (least, most) in (
        (drawn.positives, (recipe.min_pos_dist, recipe.max_pos_dist)),
        (drawn.negatives, (recipe.min_neg_dist, recipe.max_neg_dist)),
    ):
        assert (source[part] == source[drawn.anchors][:, None]).all()
        distance = apart(centres(layout, drawn.anchors)[:, None], centres(layout, part))
        assert (distance >= least - 1e-9).all()
        assert (distance <= most + 1e-9).all()


def test_anchors_lie_together_where_nothing_is_reset(ground: Ground):
    recipe = EmbedRecipe(
        min_pos_dist=1, max_pos_dist=1.5, min_neg_dist=3, max_neg_dist=9, random_reset=0.0, batch=10, output_size=2
    )
    layout = lay_tuples(ground, 100, recipe, np.random.default_rng(0))
    assert layout.tuples is not None
    anchors = layout.tuples.anchors.reshape(10, 10)
    lie = centres(layout, anchors)
    reach = apart(lie[:, :1], lie)
    together = (reach <= recipe.max_pos_dist) & (layout.places.source[anchors] == layout.places.source[anchors[:, :1]])
    assert together.mean() > 0.9  # but for tiles that have nobody
    anywhere = lay_tuples(
        ground, 100, EmbedRecipe(max_pos_dist=1.5, min_neg_dist=3, batch=10), np.random.default_rng(0)
    )
    lie = centres(anywhere, anchors)
    assert (apart(lie[:, :1], lie)[:, 1:] <= recipe.max_pos_dist).mean() < 0.2


def test_places_lie_apart_and_their_tiles_together(ground: Ground):
    recipe = EmbedRecipe(
        loss="magnet", max_pos_dist=2, min_neg_dist=3, magnet_clusters=6, magnet_tiles=4, output_size=2
    )
    for seed in range(5):
        layout = lay_places(ground, 40, recipe, np.random.default_rng(seed))
        assert layout.tuples is None
        assert ground.allows(layout.places).all()
        lie = centres(layout, np.arange(len(layout.places)))
        on_one = layout.places.source[:, None] == layout.places.source
        same = layout.labels[:, None] == layout.labels
        between = apart(lie[:, None], lie)
        assert on_one[same].all()
        assert (between[same] <= recipe.max_pos_dist + 1e-9).all()
        assert (between[~same & on_one] >= recipe.min_neg_dist - 1e-9).all()
        counts = np.bincount(layout.labels)
        assert len(counts) > 6
        assert (counts >= recipe.magnet_tiles).all()


def test_ground_for_one_place_only(write_raster: WriteRaster):
    ground = Ground.of([raster.describe(write_places(write_raster, side=60))], SIZE)
    recipe = EmbedRecipe(loss="magnet", max_pos_dist=5, min_neg_dist=8)
    with pytest.raises(EmptyError, match=r"too small for two places 104 px apart.*lower them") as told:
        lay_places(ground, 4, recipe, np.random.default_rng(0))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("loss", ["triplet", "magnet"])
def test_pools_hold_the_pixels_of_their_places(write_raster: WriteRaster, monkeypatch: pytest.MonkeyPatch, loss: str):
    """Of two rasters, in pools of one step each; the same ones for the same epoch, others for the next."""
    tile = SIZE * SIZE * (3 * 2 + 1)
    monkeypatch.setattr(ground_supply, "_POOL_BYTES", tile * 8 * 3)
    recipe = EmbedRecipe(**{**asked(NEAR), "loss": loss, "steps": 3})
    paths = [write_places(write_raster), write_places(write_raster, "b.tif", side=96, first=1)]
    with opened(paths, recipe, Drawing(SIZE, val=0)) as prepared:
        pools = list(prepared.supply.pools(0))
        assert [count for _, count in pools] == ([3] if loss == "magnet" else [1, 1, 1])
        assert {int(found) for pool, _ in pools for found in pool.sources} == {0, 1}  # type: ignore[union-attr]
        for pool, _ in pools:
            assert pool.centres is not None
            assert pool.sources is not None
            corner = np.rint((pool.centres - 0.5) * SIZE).astype(int)
            assert (pool.chips.pixels[:, 0, 0, 0] == corner[:, 1]).all()
            assert (pool.chips.pixels[:, 1, 0, -1] == corner[:, 0] + SIZE - 1).all()
            assert (pool.chips.pixels[:, 2] == pool.sources[:, None, None]).all()
            side = np.array([160, 96])[pool.sources]
            unseen = ((corner < side[:, None] // 4) & (corner + SIZE > side[:, None] // 4)).all(axis=1)
            assert (~pool.chips.valid.all(axis=(1, 2)))[unseen].all()
        again, after = list(prepared.supply.pools(0)), list(prepared.supply.pools(1))
        assert all(
            (one.chips.pixels == other.chips.pixels).all() for (one, _), (other, _) in zip(pools, again, strict=True)
        )
        assert not np.array_equal(pools[0][0].chips.pixels, after[0][0].chips.pixels)
        if loss == "triplet":
            steps = TupleTeacher.of(recipe).steps(pools[0][0], lambda _: np.zeros((0, 4)), np.random.default_rng(0), 1)
            (step,) = steps
            assert len(step.rows) == 8 * 3


def asked(recipe: EmbedRecipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in recipe.__slots__}


def test_what_does_not_train_is_not_trained_on(write_raster: WriteRaster):
    path = write_places(write_raster, side=320)
    with opened([path], NEAR, Drawing(SIZE, val=0.3)) as prepared:
        supply = prepared.supply
        assert isinstance(supply, ground_supply.GroundSupply)
        assert supply.val is not None
        seen = np.zeros((2, 320, 320), bool)
        for number, part in enumerate((supply.train, supply.val)):
            layout = lay_tuples(part, 300, NEAR, np.random.default_rng(0))
            for col, row in zip(layout.places.col, layout.places.row, strict=True):
                seen[number, row : row + SIZE, col : col + SIZE] = True
        assert seen.any(axis=(1, 2)).all()
        assert not (seen[0] & seen[1]).any()


def test_rasters_too_small_for_two_parts_all_train(write_raster: WriteRaster):
    path = write_places(write_raster, side=20)
    with opened([path], NEAR, Drawing(SIZE, val=0.5)) as prepared:
        supply = prepared.supply
        assert isinstance(supply, ground_supply.GroundSupply)
        assert supply.val is None


@pytest.mark.parametrize(
    ("options", "drawing", "error", "told"),
    [
        ({"by": "site"}, Drawing(SIZE), OptionError, "--by names a column of a tile index; rasters have none"),
        (
            {},
            Drawing(200),
            EmptyError,
            r"no tile of 200 px fits: of 1 rasters the largest is 160 × 160 px; lower --size",
        ),
        ({}, Drawing(SIZE, ("red", "nir")), BandError, "nir"),
    ],
)
def test_refused(
    write_raster: WriteRaster,
    options: dict[str, Any],
    drawing: Drawing,
    error: type[Exception],
    told: str,
):
    path = write_places(write_raster)
    with (
        pytest.raises(error, match=told) as found,
        opened([path], EmbedRecipe(**options), drawing),
    ):
        pass
    assert "\n" not in str(found.value)


def test_rasters_of_other_bands_are_refused(write_raster: WriteRaster):
    one = write_places(write_raster)
    other = write_raster("other.tif", np.ones((2, 160, 160), "uint16"), descriptions=("red", "nir"))
    with (
        pytest.raises(BandError, match=r"other.tif: uint16 bands red, nir, but .*a.tif has uint16 red, green, blue"),
        opened([one, other], NEAR, Drawing(SIZE)),
    ):
        pass
    common = Drawing(SIZE, ("red",))
    with opened([one, other], NEAR, common) as prepared:
        assert [band.name for band in prepared.card.bands] == ["red"]
