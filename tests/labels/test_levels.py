"""From level to level: tables summed by hand, and laws of sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geolabel.errors import SchemeError
from geolabel.labels.levels import ancestors, children, left_out, regroup
from geolabel.labels.rules import Rules
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.labels.scheme_file import find_scheme, read_scheme

CLC_1, CLC_2, CLC_3 = (find_scheme(f"clc-{level}") for level in (1, 2, 3))
BIGEARTHNET = find_scheme("bigearthnet-19")
SHARES = arrays.arrays(np.float32, (3, 44), elements=st.floats(0, 1, width=32) | st.just(np.nan))


def row(scheme: Scheme, **shares: float) -> np.ndarray:
    """One tile; classes that are not named are absent."""
    assert set(shares) <= set(scheme.names)
    return np.array([[shares.get(name, 0.0) for name in scheme.names]], dtype=np.float32)


def named(scheme: Scheme, shares: np.ndarray) -> dict[str, float]:
    """The classes of a tile that are not absent."""
    return {name: share for name, share in zip(scheme.names, shares[0].tolist(), strict=True) if share != 0}


def test_a_tile_summed_by_hand() -> None:
    tile = row(
        CLC_3, broad_leaved_forest=0.25, mixed_forest=0.125, moors_and_heathland=0.25, mineral_extraction_sites=0.125
    )
    assert named(CLC_2, regroup(tile, ancestors(CLC_3, CLC_2))) == {
        "mine_dump_construction": 0.125,
        "forests": 0.375,
        "scrub_herbaceous": 0.25,
    }
    assert named(CLC_1, regroup(tile, ancestors(CLC_3, CLC_1))) == {
        "artificial_surfaces": 0.125,
        "forest_semi_natural": 0.625,
    }
    assert named(BIGEARTHNET, regroup(tile, ancestors(CLC_3, BIGEARTHNET))) == {
        "broad_leaved_forest": 0.25,
        "mixed_forest": 0.125,
        "moors_and_sclerophyllous": 0.25,
    }


def test_one_unknown_term_makes_the_sum_unknown_and_no_other() -> None:
    tile = row(CLC_3, mixed_forest=float("nan"), broad_leaved_forest=0.5, rice_fields=0.25)
    sums = regroup(tile, ancestors(CLC_3, CLC_2))[0]
    assert np.isnan(sums[CLC_2.names.index("forests")])
    assert np.isnan(sums).sum() == 1
    assert sums[CLC_2.names.index("arable_land")] == 0.25


def test_a_class_without_any_term_is_unknown_not_absent() -> None:
    osm = find_scheme("osm-landuse")
    membership = ancestors(osm, CLC_2)
    sums = regroup(np.full((2, 13), 0.0625, np.float32), membership)
    unknown = {name for name, is_unknown in zip(CLC_2.names, np.isnan(sums).all(axis=0), strict=True) if is_unknown}
    assert unknown == {"heterogeneous_agriculture", "inland_waters", "marine_waters"}
    assert left_out(osm, membership) == ("water_bodies",)


@given(SHARES)
def test_sums_are_kept(shares: np.ndarray) -> None:
    for coarse in (CLC_1, CLC_2):
        sums = regroup(shares, ancestors(CLC_3, coarse))
        known = ~np.isnan(shares).any(axis=1)
        np.testing.assert_allclose(sums[known].sum(axis=1), shares[known].sum(axis=1), rtol=1e-5)
        assert np.isnan(sums).any(axis=1).tolist() == (~known).tolist()


@given(SHARES)
def test_two_steps_are_one(shares: np.ndarray) -> None:
    by_two = regroup(regroup(shares, ancestors(CLC_3, CLC_2)), ancestors(CLC_2, CLC_1))
    np.testing.assert_allclose(by_two, regroup(shares, ancestors(CLC_3, CLC_1)), rtol=1e-5)


def test_two_memberships_are_one() -> None:
    for middle in (CLC_2, BIGEARTHNET):
        by_two = ancestors(CLC_3, middle) @ ancestors(middle, CLC_1)
        direct = ancestors(CLC_3, CLC_1) * ancestors(CLC_3, middle).any(axis=1, keepdims=True)
        assert (by_two == direct).all()


@pytest.mark.parametrize("scheme", [CLC_1, CLC_3, BIGEARTHNET, find_scheme("planet-amazon")])
def test_a_scheme_lies_in_itself(scheme: Scheme) -> None:
    assert (ancestors(scheme, scheme) == np.eye(len(scheme.names))).all()
    part = scheme.subset(scheme.names[:2])
    assert ancestors(scheme, part).shape == (len(scheme.names), 2)
    assert left_out(scheme, ancestors(scheme, part)) == scheme.names[2:]


def test_parents_and_codes_say_the_same() -> None:
    for fine, coarse in ((CLC_3, CLC_2), (CLC_3, CLC_1), (CLC_2, CLC_1), (BIGEARTHNET, CLC_1)):
        without = Scheme(fine.name, fine.classes)
        assert (ancestors(without, coarse) == ancestors(fine, coarse)).all()


def test_bigearthnet_leaves_out_what_it_left_out() -> None:
    out = left_out(CLC_3, ancestors(CLC_3, BIGEARTHNET))
    codes = {code for found in CLC_3.classes if found.name in out for code in found.rules.clc}
    assert codes == {122, 123, 124, 131, 132, 133, 141, 142, 332, 334, 335, 423}
    assert not left_out(BIGEARTHNET, ancestors(BIGEARTHNET, CLC_1))


def test_of_two_rules_the_longer_one_counts() -> None:
    own = Scheme(
        "own",
        (
            LabelClass("mine", rules=Rules(clc=(131,))),
            LabelClass("built", rules=Rules(clc=(1,))),
            LabelClass("green", group="green", rules=Rules(clc=(14, 3))),
        ),
        background=Rules(clc=(133,)),
    )
    inside = {
        name: [own.names[at] for at in np.flatnonzero(lies)]
        for name, lies in zip(CLC_3.names, ancestors(CLC_3, own), strict=True)
    }
    assert inside["mineral_extraction_sites"] == ["mine"]
    assert inside["dump_sites"] == ["built"]
    assert inside["construction_sites"] == []
    assert inside["green_urban_areas"] == ["built", "green"]
    assert inside["mixed_forest"] == ["green"]
    assert inside["rice_fields"] == []
    # mine, dump and construction sites are of three kinds here: wholly in none
    assert not ancestors(CLC_2, own)[CLC_2.names.index("mine_dump_construction")].any()


def test_the_way_down() -> None:
    assert children(CLC_3, "forests") == ("broad_leaved_forest", "coniferous_forest", "mixed_forest")
    assert children(CLC_3, "wetlands") == ("inland_marshes", "peat_bogs", "salt_marshes", "salines", "intertidal_flats")
    assert children(CLC_2, "water_bodies") == ("inland_waters", "marine_waters")
    assert children(CLC_3, "pastures") == ("pastures",)
    for coarse, fine in ((CLC_2, CLC_3), (CLC_1, CLC_3), (CLC_1, CLC_2)):
        assert [name for parent in coarse.names for name in children(fine, parent)] == list(fine.names)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: ancestors(CLC_1, CLC_3),
            "'clc-1' are wider than those of 'clc-3'; only the way from 'clc-3' to 'clc-1'",
        ),
        (lambda: ancestors(find_scheme("worldcover"), CLC_1), "no class of 'worldcover' lies in one of 'clc-1'; give"),
        (lambda: children(CLC_1, "forests"), "'clc-1' has no coarser level; name one"),
        (lambda: children(CLC_3, "mine"), "'mine' is no class above those of 'clc-3'; there are urban_fabric, "),
    ],
)
def test_what_has_no_relation_is_named(make, says: str) -> None:
    with pytest.raises(SchemeError, match=says):
        make()


def test_parents_of_ones_own_lead_on_up(tmp_path: Path) -> None:
    path = tmp_path / "oaks.toml"
    path.write_text(
        'parents = "clc-3"\n[[class]]\nname = "oak"\nparent = "broad_leaved_forest"\n[[class]]\nname = "mist"\n'
    )
    oaks = read_scheme(path)
    membership = ancestors(oaks, CLC_1)
    assert named(CLC_1, membership[:1]) == {"forest_semi_natural": 1.0}
    assert left_out(oaks, membership) == ("mist",)
    assert children(oaks, "forests") == ("oak",)
    path.write_text(path.read_text().replace("broad_leaved_forest", "oak_forest"))
    with pytest.raises(SchemeError, match="parent 'oak_forest' is no class of 'clc-3'; there are continuous_urban"):
        ancestors(read_scheme(path), CLC_1)


def test_parents_in_a_circle_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path, other in zip(paths, paths[::-1], strict=True):
        path.write_text(f'parents = "{other.as_posix()}"\n[[class]]\nname = "x"\nparent = "x"\n')
    with pytest.raises(SchemeError, match="'b': its parents lead back to 'a'; break the circle"):
        ancestors(read_scheme(paths[0]), CLC_1)
