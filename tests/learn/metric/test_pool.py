import numpy as np
import pytest
import torch

from geolabel.errors import EmptyError, OptionError
from geolabel.learn.chips import Chips
from geolabel.learn.metric.batches import by_class, by_tuple
from geolabel.learn.metric.magnet.index import build_index, place_index
from geolabel.learn.metric.magnet.loss import magnet_loss
from geolabel.learn.metric.magnet.standing import with_standing
from geolabel.learn.metric.pool import Pool, Rings, Tuples
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.relation import Relation
from geolabel.learn.metric.teacher import harden

RINGS = Rings((1.0, 2.0), (4.0, 8.0))


def pool(labels, **given) -> Pool:
    count = len(labels)
    chips = Chips(np.zeros((count, 1, 2, 2), np.uint8), np.ones((count, 2, 2), bool))
    return Pool(chips, np.asarray(labels, np.int64), **given)


def test_batches_by_class_hold_some_of_each_and_nothing_unknown() -> None:
    labels = np.repeat([0, 1, 2, 3, -1], [50, 50, 50, 2, 30])
    seen = np.zeros(4)
    for draw in by_class(pool(labels), 12, 4, (0.3, 0.7), np.random.default_rng(0), 200):
        found, counts = np.unique(labels[draw.rows], return_counts=True)
        assert -1 not in found
        assert (counts == 4).all()
        assert len(found) == 3
        seen[found] += 1
        same = labels[draw.rows][:, None] == labels[draw.rows]
        assert torch.equal(draw.relation.negative, torch.from_numpy(~same))
        assert torch.equal(draw.relation.positive, torch.from_numpy(same & ~np.eye(12, dtype=bool)))
    assert seen.min() > 120, "the class of two tiles is drawn as often as the others"


def test_one_class_teaches_nothing() -> None:
    with pytest.raises(EmptyError, match="only one class"):
        next(by_class(pool([0, 0, -1]), 8, 2, (0.3, 0.7), np.random.default_rng(0), 1))


def test_shares_say_how_alike_tiles_are() -> None:
    shares = torch.tensor([[1.0, 0.0], [0.8, 0.2], [0.0, 1.0], [0.5, 0.5]])
    found = Relation.of_shares(shares, (0.3, 0.7))
    common = [[1.0, 0.8, 0.0, 0.5], [0.8, 1.0, 0.2, 0.7], [0.0, 0.2, 1.0, 0.5], [0.5, 0.7, 0.5, 1.0]]
    assert found.similarity is not None
    assert torch.allclose(found.similarity, torch.tensor(common))
    assert found.positive.nonzero().tolist() == [[0, 1], [1, 0], [1, 3], [3, 1]]
    assert found.negative.nonzero().tolist() == [[0, 2], [1, 2], [2, 0], [2, 1]]


def test_relations_by_distance_by_hand() -> None:
    centres = np.array([[0.0, 0.0], [1.5, 0.0], [5.0, 0.0], [20.0, 0.0], [0.0, 1.0]])
    known = pool([-1] * 5, centres=centres, sources=np.array([0, 0, 0, 0, 1]))
    found = known.by_distance(np.arange(5), RINGS, np.array([[0, 1, 2]]))
    assert found.positive.nonzero().tolist() == [[0, 1], [1, 0]], "another raster's tile is not near"
    # 1.5 to 5 is 3.5 sides: neither near nor far; 20 is too far to say anything
    assert found.negative.nonzero().tolist() == [[0, 2], [2, 0]]
    assert found.labels.tolist() == [0, 0, 2, 3, 4]


def test_tuples_become_whole_batches() -> None:
    centres = np.column_stack([np.arange(40) * 1.5, np.zeros(40)])
    known = pool([-1] * 40, centres=centres, sources=np.zeros(40, np.int64))
    chosen = np.column_stack([np.arange(20), np.arange(20) + 1, np.arange(20) + 4])
    draws = list(by_tuple(known, chosen, 8, RINGS))
    assert len(draws) == 2, "what is left over waits for the next pool"
    for at, draw in enumerate(draws):
        assert draw.relation.drawn is not None
        assert np.array_equal(draw.rows[draw.relation.drawn.numpy()], chosen[8 * at : 8 * at + 8])
        anchors, near, far = draw.relation.drawn.T
        assert draw.relation.positive[anchors, near].all()
        assert draw.relation.negative[anchors, far].all()


def test_over_the_map_the_hardest_is_taken() -> None:
    vectors = np.array([[0.0], [1.0], [3.0], [9.0], [5.0], [4.0], [7.0]], np.float32)
    # on the ground: 5 lies beside 4, and 6 beside 3
    centres = np.array([[0, 0], [1, 0], [0, 1], [0, 12], [12, 0], [12, 1], [1, 12]], float)
    drawn = Tuples(np.array([0]), np.array([[1, 2]]), np.array([[3, 4, 5, 6]]))
    known = pool([-1] * 7, centres=centres, sources=np.zeros(7, np.int64), tuples=drawn)

    def take(names, **options) -> list[int]:
        recipe = EmbedRecipe(supervised=False, mining=names, **options)
        return harden(known, recipe, lambda rows: vectors[rows])[0].tolist()

    assert take("") == [0, 1, 3]
    assert take("RANDOM_HARD_NEGATIVE") == [0, 1, 5]
    assert take("random-hard-positive") == [0, 2, 3]
    assert take("Random-Hard-Negative,random-hard-positive") == [0, 2, 5]
    assert take("random-hard-negative", loss="quadruplet") == [0, 1, 5, 6], (
        "the next one that lies apart from the first"
    )
    assert take("", loss="quadruplet") == [0, 1, 3, 4]


def test_without_two_places_apart_there_is_no_quadruplet() -> None:
    centres = np.array([[0, 0], [1, 0], [0, 12], [1, 12]], float)
    drawn = Tuples(np.array([0]), np.array([[1]]), np.array([[2, 3]]))
    known = pool([-1] * 4, centres=centres, sources=np.zeros(4, np.int64), tuples=drawn)
    with pytest.raises(EmptyError, match=r"no two negatives of an anchor lie 10 tile sides apart"):
        harden(known, EmbedRecipe(supervised=False, loss="quadruplet"), lambda rows: np.zeros((len(rows), 1)))


def test_standing_losses_are_those_of_the_paper_over_all_clusters() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, -1], 20)
    vectors = rng.normal(0, 0.4, (80, 3)) + np.eye(4)[labels][:, :3]
    index = with_standing(build_index(vectors, labels, 2, 0), vectors, 0.5)
    for row in range(60):
        own = index.assigned[row]
        squares = ((vectors[row] - index.centres.astype(float)) ** 2).sum(axis=1)
        others = index.classes != index.classes[own]
        kernel = np.exp(-squares / (2 * index.variance))
        wanted = max(0.0, -np.log(kernel[own] * np.exp(-0.5) / kernel[others].sum()))
        assert index.latest[row] == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    assert np.isnan(index.latest[60:]).all()
    means = [index.latest[index.assigned == at].mean() for at in range(len(index.centres))]
    assert index.losses == pytest.approx(means, rel=1e-5)


def test_standing_losses_equal_the_batch_loss_where_the_batch_is_all() -> None:
    rng = np.random.default_rng(1)
    places = np.repeat(np.arange(4), 8)
    vectors = (rng.normal(0, 0.5, (32, 2)) + places[:, None]).astype(np.float32)
    index = with_standing(place_index(vectors, places), vectors, 0.3)
    batch = magnet_loss(*(torch.from_numpy(part) for part in (vectors, places, places)), 0.3)
    assert index.latest == pytest.approx(batch.losses.numpy(), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"margin": -1.0}, "--margin must not be negative"),
        ({"output_size": 0}, "--output-size must be more than 0"),
        ({"random_reset": 1.5}, "--random-reset must lie in 0–1"),
        ({"max_pos_dist": 12.0}, "--max-pos-dist 12 must be less than --min-neg-dist 10"),
        ({"min_pos_dist": 6.0}, "--min-pos-dist 6 is more than --max-pos-dist 5"),
        ({"alt_loss": True, "loss": "magnet"}, "--alt-loss goes with"),
        ({"mining": "hard-negative", "loss": "magnet"}, "leave --mining out"),
        ({"loss": "tile2vec"}, "--no-norm-output"),
        ({"mining": "RANDOM_HARD_NEGATIVE", "supervised": True}, "looks over the map"),
        ({"loss": "nonsense"}, "choose triplet"),
        ({"alike": 0.2}, "--unlike 0.3 is more than --alike 0.2"),
        ({"lr": float("nan")}, "--lr"),
    ],
)
def test_choices_that_make_no_sense(options, said) -> None:
    with pytest.raises(OptionError, match=said):
        EmbedRecipe(**options)
