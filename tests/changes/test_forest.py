import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from geolabel.changes.forest import follow_forest, learn_forest, probability, score
from geolabel.errors import EmptyError
from geolabel.world import BANDS, make_world

NAMES = list(BANDS)


@pytest.fixture(scope="module")
def world():
    return make_world(512, 3)


def clear(scene):
    return scene.valid & ~scene.cloud & ~scene.shadow


@pytest.mark.parametrize("names", [NAMES, NAMES[:3]])
def test_forest_is_found_without_labels(world, names):
    scene = world.before
    seen, truth = clear(scene), scene.truth == 1
    image = scene.image[: len(names)]
    found = probability(score(image, learn_forest(image[:, seen], names), names))[seen]
    assert average_precision_score(truth[seen], found) > 0.97
    assert f1_score(truth[seen], found > 0.5) > 0.9


def test_it_is_followed_into_another_light(world):
    before, after = world.before, world.after
    both = clear(before) & clear(after)
    first = learn_forest(before.image[:, both], NAMES)
    was = probability(score(before.image, first, NAMES))[both] > 0.5
    darker = (after.image * 0.8).astype(np.float32)
    there = follow_forest(darker[:, both], was, first, NAMES)
    found = probability(score(darker, there, NAMES))[both]
    assert f1_score(after.truth[both] == 1, found > 0.5) > 0.9
    stubborn = probability(score(darker, first, NAMES))[both]
    assert f1_score(after.truth[both] == 1, found > 0.5) > f1_score(after.truth[both] == 1, stubborn > 0.5)


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_units_do_not_matter(world, gain):
    seen = clear(world.before)
    pixels = world.before.image[:, seen].astype(np.float32)
    one = score(pixels, learn_forest(pixels, NAMES), NAMES)
    other = score(pixels * gain, learn_forest(pixels * gain, NAMES), NAMES)
    assert np.mean((one < 3) == (other < 3)) > 0.99


def test_a_desert_has_no_forest():
    rng = np.random.default_rng(0)
    sand = rng.normal([[1500], [2000], [2600], [3000]], 60, (4, 5_000))
    with pytest.raises(EmptyError, match="no forest stands out"):
        learn_forest(np.clip(sand[:, :100], 1, None), NAMES)
    with pytest.raises(EmptyError, match="red and green"):
        learn_forest(sand[:1], ["pan"])


def test_darker_is_not_less_forest_but_water_is():
    rng = np.random.default_rng(1)
    forest = rng.normal([[250], [400], [250], [3000]], [[15], [20], [15], [120]], (4, 4_000))
    field = rng.normal([[500], [800], [900], [2500]], 60, (4, 4_000))
    known = learn_forest(np.concatenate([forest, field], axis=1), NAMES)
    middle = forest.mean(axis=1, keepdims=True)
    darker, water = middle * 0.9, np.array([[250.0], [300.0], [150.0], [100.0]])
    assert score(darker, known, NAMES).item() < 1.5
    assert score(water, known, NAMES).item() > 5
    assert probability(np.array([3.0], np.float32)).item() == pytest.approx(0.5)


def test_floats_and_bytes_find_the_same_forest(world):
    seen = clear(world.before)
    whole = world.before.image[:, seen]
    floats, coarse = (whole / 10_000).astype(np.float32), np.clip(whole / 12, 0, 255).astype(np.uint8)
    for pixels in (floats, coarse):
        found = score(pixels, learn_forest(pixels, NAMES), NAMES) < 3
        assert f1_score(world.before.truth[seen] == 1, found) > 0.9
