"""Augmentation: literal transcriptions, laws of what stays, and what is drawn how often."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geolabel.errors import OptionError
from geolabel.learn.augment import AUGMENTATIONS, Augmentation, geometry, light, sky

ALL = [*((name,) for name in AUGMENTATIONS), AUGMENTATIONS]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some(count: int = 16, bands: int = 3, height: int = 12, width: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Chips, 0 where not valid, and their validity."""
    valid = torch.rand(count, height, width, generator=generator(1)) > 0.15
    return torch.randn(count, bands, height, width, generator=generator(2)) * valid[:, None], valid


def done(names: tuple[str, ...], chips: torch.Tensor, valid: torch.Tensor, seed: int = 0) -> torch.Tensor:
    augmentation = Augmentation(names)
    return augmentation.apply(chips, valid, augmentation.draw(len(chips), chips.shape[1], generator(seed)))


def test_names():
    assert Augmentation.parse("all").names == Augmentation().names == AUGMENTATIONS
    assert AUGMENTATIONS == ("dihedral", "scale", "light", "haze", "bands", "clouds")
    assert Augmentation.parse("none").names == ()
    assert Augmentation.parse("light, dihedral,light").names == ("light", "dihedral")
    for text in ("rain", "dihedral,rain", "", "all,light"):
        with pytest.raises(OptionError, match=r"no such augmentation; give all, none, or some of dihedral,scale"):
            Augmentation.parse(text)


def test_without_names_nothing_changes():
    chips, valid = some()
    assert torch.equal(done((), chips, valid), chips)


@pytest.mark.parametrize("names", ALL)
@pytest.mark.parametrize("shape", [(16, 3, 12, 12), (9, 1, 16, 23)])
def test_laws_of_all(names: tuple[str, ...], shape: tuple[int, int, int, int]):
    chips, valid = some(*shape)
    before = chips.clone()
    augmentation = Augmentation(names)
    draws = augmentation.draw(shape[0], shape[1], generator(3))
    whole = augmentation.apply(chips, valid, draws)
    assert whole.shape == chips.shape
    assert whole.dtype == torch.float32
    assert whole.isfinite().all()
    assert torch.equal(chips, before)  # what is given stays
    assert torch.equal(whole, done(names, chips, valid, seed=3))  # determined by the generator
    if names != ("bands",) or shape[1] > 1:
        assert not torch.equal(whole, done(names, chips, valid, seed=4))
    parts = [slice(0, 5), slice(5, 6), slice(6, None)]
    apart = torch.cat([augmentation.apply(chips[part], valid[part], draws[part]) for part in parts])
    torch.testing.assert_close(apart, whole)
    moved = augmentation.apply(chips, valid, draws.to(torch.device("cpu")))
    assert torch.equal(moved, whole)


@pytest.mark.parametrize("names", [names for names in ALL if not {"dihedral", "scale"} & set(names)])
def test_what_is_not_valid_stays_0_where_it_is(names: tuple[str, ...]):
    chips, valid = some(64)
    seen = done(names, chips, valid)
    assert (seen[~valid[:, None].expand_as(seen)] == 0).all()


def test_what_is_not_valid_stays_0_where_it_goes():
    chips = torch.ones(64, 1, 12, 12)
    valid = torch.ones(64, 12, 12, dtype=torch.bool)
    valid[:, :, :5] = False  # a strip, of which turns and zooms make four others
    chips *= valid[:, None]
    names = ("dihedral", "scale", "light", "haze", "clouds")
    augmentation = Augmentation(names)
    draws = augmentation.draw(64, 1, generator())
    place = Augmentation(("dihedral", "scale"))
    moved = place.apply(chips, valid, draws)
    assert ((moved == 0) | ((moved - 1).abs() < 1e-3)).all()  # nothing between: no pixel partly of what is not valid
    assert (augmentation.apply(chips, valid, draws)[moved == 0] == 0).all()
    assert 0.3 < (moved == 0).float().mean() < 0.6


@given(seed=st.integers(0, 1000))
def test_turning_keeps_every_pixel_and_all_its_bands(seed: int):
    chips, valid = some(8, 2, 6, 6)
    turned = done(("dihedral",), chips, valid, seed)
    for before, after in zip(chips.flatten(2), turned.flatten(2), strict=True):
        assert sorted(map(tuple, before.T.tolist())) == sorted(map(tuple, after.T.tolist()))


def test_all_symmetries_are_as_likely():
    chip = torch.arange(9.0).view(1, 1, 3, 3)
    turned = done(("dihedral",), chip.expand(8000, -1, -1, -1), torch.ones(8000, 3, 3, dtype=torch.bool))
    quarters = [chip.rot90(k, (2, 3)) for k in range(4)]
    eight = {tuple(turn.flatten().tolist()) for quarter in quarters for turn in (quarter, quarter.flip(3))}
    pictures, counts = turned.flatten(1).unique(dim=0, return_counts=True)
    assert {tuple(picture.tolist()) for picture in pictures} == eight
    assert stats.chisquare(counts.numpy()).pvalue > 0.001
    long = torch.arange(6.0).view(1, 1, 2, 3).expand(400, -1, -1, -1)
    pictures = done(("dihedral",), long, torch.ones(400, 2, 3, dtype=torch.bool)).flatten(1).unique(dim=0)
    assert len(pictures) == 4


def test_zoom_about_the_centre():
    ramp = torch.arange(10.0).view(1, 1, 1, 10).expand(3, 1, 10, 10)  # values are positions: pixel j holds j
    zoomed = geometry.zoom(ramp, torch.tensor([1.0, 2.0, 0.5]))
    centre, at = 4.5, torch.arange(10.0)
    torch.testing.assert_close(zoomed[0], ramp[0])
    torch.testing.assert_close(zoomed[1, 0, 3], centre + (at - centre) / 2)
    # half the size: two pixels a step, and beyond the border mirrored
    mirrored = [3.5, 1.5, 0, 1.5, 3.5, 5.5, 7.5, 9, 7.5, 5.5]
    assert zoomed[2, 0, 3].tolist() == pytest.approx(mirrored, abs=1e-5)


def test_zooms_are_even_and_half_of_the_chips_stay_sharp():
    (zooms,) = geometry.draw_zooms(4000, generator())
    assert zooms.min() >= 1 / 1.25 - 1e-6
    assert zooms.max() <= 1.25 + 1e-6
    assert float((zooms == 1).float().mean()) == pytest.approx(0.5, abs=0.03)
    changed = zooms[zooms != 1].log() / math.log(1.25)
    assert stats.kstest(changed.numpy(), stats.uniform(-1, 2).cdf).pvalue > 0.001


def test_light_by_hand():
    chips, _ = some(5, 3)
    contrast, gain, offset = light.draw_lights(5, 3, generator())
    mean = chips.mean(dim=(2, 3), keepdim=True)
    by_hand = (mean + (chips - mean) * contrast) * gain + offset
    torch.testing.assert_close(light.relight(chips, contrast, gain, offset), by_hand)


def test_light_is_as_strong_as_it_was_tuned():
    contrast, gain, offset = light.draw_lights(20_000, 4, generator())
    assert contrast.shape == (20_000, 1, 1, 1)
    assert gain.shape == offset.shape == (20_000, 4, 1, 1)
    assert contrast.log().mean().item() == pytest.approx(0, abs=0.01)
    assert contrast.log().std().item() == pytest.approx(0.2, rel=0.03)
    assert gain.mean().item() == pytest.approx(1, abs=0.01)
    # (1 + .15 a)(1 + .1 b) and .2 a + .3 b of independent normal a, b
    assert gain.std().item() == pytest.approx(math.sqrt(0.15**2 + 0.1**2 + 0.015**2), rel=0.03)
    assert offset.std().item() == pytest.approx(math.hypot(0.2, 0.3), rel=0.03)
    # what bands share: the veil, the brightness
    assert torch.corrcoef(offset[:, :2, 0, 0].T)[0, 1].item() == pytest.approx(0.09 / 0.13, abs=0.03)
    assert torch.corrcoef(gain[:, :2, 0, 0].T)[0, 1].item() == pytest.approx(0.15**2 / gain.var().item(), abs=0.03)


def test_at_most_one_band_is_lost_and_never_the_only_one():
    (kept,) = light.draw_kept_bands(8000, 4, generator())
    lost = (kept == 0).flatten(1)
    assert ((kept == 0) | (kept == 1)).all()
    assert lost.sum(dim=1).max() == 1
    assert lost.any(dim=1).float().mean().item() == pytest.approx(0.1, abs=0.015)
    assert stats.chisquare(lost.sum(dim=0).numpy()).pvalue > 0.001
    assert (light.draw_kept_bands(500, 1, generator())[0] == 1).all()
    chips, _ = some(2, 4)
    seen = light.drop_bands(chips, torch.tensor([[1.0, 0, 1, 1], [1, 1, 1, 1]])[:, :, None, None])
    assert (seen[0, 1] == 0).all()
    assert torch.equal(seen[0, [0, 2, 3]], chips[0, [0, 2, 3]])
    assert torch.equal(seen[1], chips[1])


def test_fields_are_normal_at_every_pixel_and_smooth():
    knots = torch.randn(6000, 4, 4, generator=generator())
    field = sky.smooth_field(knots, 20, 30)
    assert field.shape == (6000, 1, 20, 30)
    assert field.mean(dim=0).abs().max() < 0.06
    assert (field.std(dim=0) - 1).abs().max() < 0.05
    assert field.diff(dim=2).abs().max() < 1.5  # a deviation takes several pixels
    assert field.diff(dim=2).std() < 0.3


def test_a_shift_moves_the_field():
    knots = torch.randn(2, 8, 8, generator=generator())
    # 21 px for 7 distances between knots: 3 px each
    moved = sky.smooth_field(knots, 21, 21, torch.tensor([[1.0, 0.0], [-1.0, 2 / 3]]))
    still = sky.smooth_field(knots, 21, 21)
    torch.testing.assert_close(moved[0, :, 9:15], still[0, :, 6:12], atol=0.02, rtol=0)
    torch.testing.assert_close(moved[1, :, 6:12, 8:14], still[1, :, 9:15, 6:12], atol=0.02, rtol=0)


def test_haze_is_between_the_ground_and_its_own_brightness():
    chips, _ = some(200)
    strength, bright, knots = sky.draw_haze(200, generator())
    hazed = sky.add_haze(chips, strength, bright, knots)
    clear = strength.flatten() == 0
    assert 70 < clear.sum() < 130
    torch.testing.assert_close(hazed[clear], chips[clear])
    # J·t + A·(1 − t): the same t for all bands, between 1 − strength and 1
    t = (hazed - bright) / (chips - bright)
    torch.testing.assert_close(t[:, 0], t[:, 2], atol=1e-3, rtol=1e-3)
    assert ((t <= 1 + 1e-3) & (t >= 1 - strength - 1e-3)).all()
    assert ((bright >= 2) & (bright <= 3)).all()
    assert strength.max() <= 0.6
    full = sky.add_haze(chips, torch.ones(200, 1, 1, 1), bright, 1e3 * torch.ones_like(knots))
    torch.testing.assert_close(full, bright.expand_as(full))


def test_clouds_cover_a_small_share_and_cast_shadows():
    count = 4000
    level, bright, shift, knots = sky.draw_clouds(count, generator())
    clouded = sky.add_clouds(torch.zeros(count, 1, 24, 24), level, bright, shift, knots)[:, 0]
    cloudy = level.flatten().isfinite()
    assert cloudy.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert (clouded[~cloudy] == 0).all()
    bare, shaded = (clouded > 0)[cloudy].float(), (clouded < 0)[cloudy].float()
    # cover is even between 0 and .2; a shadow is as large as its cloud, and partly under it
    assert bare.mean().item() == pytest.approx(0.1, abs=0.02)
    assert 0.03 < shaded.mean().item() < 0.1
    assert bare.mean(dim=(1, 2)).quantile(0.99) < 0.45
    assert 2 < clouded.max() <= 4
    assert clouded.min().item() == pytest.approx(-0.75, abs=0.01)  # half of −1.5


def test_a_shadow_lies_where_the_cloud_is_shifted_to():
    knots = torch.zeros(1, 8, 8)
    knots[0, 2, 2] = 30.0  # one round cloud about knot (2, 2); 42 px for 7 distances
    level, bright = torch.full((1, 1, 1, 1), 15.0), torch.full((1, 1, 1, 1), 3.0)
    seen = sky.add_clouds(torch.zeros(1, 2, 42, 42), level, bright, torch.tensor([[1.0, 2.0]]), knots)
    rows, columns = torch.meshgrid(torch.arange(42.0), torch.arange(42.0), indexing="ij")
    for mask, row, column in ((seen[0, 0] > 0, 2, 2), (seen[0, 0] < 0, 3, 4)):
        assert mask.any()
        assert rows[mask].mean().item() == pytest.approx(row * 6 - 0.5, abs=0.5)
        assert columns[mask].mean().item() == pytest.approx(column * 6 - 0.5, abs=0.5)
    assert torch.equal(seen[:, 0], seen[:, 1])
