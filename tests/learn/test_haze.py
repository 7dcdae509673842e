"""Haze against a literal transcription of the papers, laws of it, and haze that was planted."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from geolabel.errors import BandError, InputError, OptionError
from geolabel.learn.haze import DarkChannel, atmospheric_light, dehaze, haze_degree, pieces
from geolabel.learn.haze.compiled import guided_on_cpu
from geolabel.learn.haze.guided import guided, guided_by_torch
from geolabel.learn.haze.sliding import Sliding

SMALL = DarkChannel(window=5, radius=4)
PLAIN = DarkChannel(window=1, radius=0)


def scene(count: int, height: int, width: int, bands: int = 3, seed: int = 0) -> torch.Tensor:
    """Smooth made-up images between 5 and 205, float64."""
    noise = np.random.default_rng(seed).random((count, bands, height, width))
    smooth = ndimage.gaussian_filter(noise, (0, 0, 2, 2))
    low, high = smooth.min(), smooth.max()
    return torch.from_numpy((smooth - low) / (high - low) * 200 + 5)


def seen(images: torch.Tensor) -> torch.Tensor:
    return torch.ones((len(images), *images.shape[2:]), dtype=torch.bool)


def by_the_papers(image: np.ndarray, settings: DarkChannel, light: np.ndarray | None = None) -> np.ndarray:
    """(bands, h, w) without haze: He, Sun, Tang as they write it, by SciPy's filters."""

    def darkest(values: np.ndarray) -> np.ndarray:
        return ndimage.minimum_filter(values.min(axis=0), settings.window, mode="constant", cval=np.inf)

    if light is None:
        dark = darkest(image)
        least = np.sort(dark.ravel())[-max(1, dark.size // 1000)]
        bright = np.where(dark >= least, image.sum(axis=0), -np.inf)
        light = image[:, *np.unravel_index(bright.argmax(), bright.shape)]
    if settings.scalar_light:
        light = np.full_like(light, light.mean())
    relative = image / light[:, None, None]
    through = 1 - settings.omega * darkest(relative)
    if settings.radius:
        side, guide = 2 * settings.radius + 1, relative.mean(axis=0)
        share = ndimage.uniform_filter(np.ones_like(guide), side, mode="constant")

        def mean(values: np.ndarray) -> np.ndarray:
            return ndimage.uniform_filter(values, side, mode="constant") / share

        a = (mean(guide * through) - mean(guide) * mean(through)) / (mean(guide**2) - mean(guide) ** 2 + settings.eps)
        b = mean(through) - a * mean(guide)
        through = mean(a) * guide + mean(b)
    light = light[:, None, None]
    return (image - light) / np.clip(through, settings.floor, 1) + light


def veiled(images: torch.Tensor, through: float | torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    return images * through + light[:, None, None] * (1 - through)


def psnr(images: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Of each 8-bit image, in dB."""
    error = (images.clamp(0, 255) - truth).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255**2 / error)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"window": 0}, {"radius": -1}, {"omega": 0}, {"omega": 1.1}, {"floor": 0}, {"floor": 2}, {"eps": 0}),
        *({"omega": math.nan}, {"eps": math.inf}),
    ],
)
def test_settings_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="haze: "):
        DarkChannel(**wrong)  # type: ignore[arg-type]


def test_tensors_that_do_not_fit_are_refused() -> None:
    images = scene(2, 6, 7)
    valid = seen(images)
    with pytest.raises(InputError, match="float32 or float64"):
        dehaze(images.to(torch.uint8), valid, SMALL)
    with pytest.raises(InputError, match="not empty"):
        dehaze(images[:0], valid[:0], SMALL)
    with pytest.raises(InputError, match="valid must be bool"):
        dehaze(images, valid[:1], SMALL)
    with pytest.raises(InputError, match="light must be"):
        dehaze(images, valid, SMALL, light=torch.ones(2))
    for visible in ((0, 1, 3), (0, 0), ()):
        with pytest.raises(BandError, match="visible bands"):
            haze_degree(images, valid, SMALL, visible)


def test_a_pixel_by_hand() -> None:
    # I / A = .6, .8, .5; t = 1 − .95 · .5 = .525; J = (I − A) / t + A
    image = torch.tensor([60.0, 80.0, 100.0], dtype=torch.float64).view(1, 3, 1, 1)
    light = torch.tensor([100.0, 100.0, 200.0])
    expected = torch.tensor([100 - 40 / 0.525, 100 - 20 / 0.525, 200 - 100 / 0.525], dtype=torch.float64)
    found = dehaze(image, seen(image), PLAIN, light=light)
    torch.testing.assert_close(found.flatten(), expected)
    assert haze_degree(image, seen(image), PLAIN, light=light).item() == pytest.approx(0.5)
    # a dense veil lets only `floor` through: 1 − .95 · .99 = .0595 < .1
    dense = torch.full((1, 3, 1, 1), 99.0)
    assert dehaze(dense, seen(dense), PLAIN, light=torch.full((3,), 100.0))[0, 0].item() == pytest.approx(90)


def test_the_light_is_the_brightest_of_the_least_dark() -> None:
    image = torch.full((1, 3, 50, 40), 10.0)
    image[0, :, 3, 4] = torch.tensor([250.0, 250.0, 0.0])  # brighter, and dark in blue
    image[0, :, 20, 30] = torch.tensor([100.0, 110.0, 120.0])
    image[0, :, 20, 31] = torch.tensor([100.0, 90.0, 150.0])  # the second of the top .1 %, and brighter
    image[0, :, 40, 7] = torch.tensor([80.0, 240.0, 240.0])  # brightest of all but the third of 2,000
    valid = seen(image)
    assert atmospheric_light(image, valid, PLAIN).tolist() == [[100, 90, 150]]
    valid[0, 20, 31] = False  # 1,999: one pixel is the top
    assert atmospheric_light(image, valid, PLAIN).tolist() == [[100, 110, 120]]
    scalar = DarkChannel(window=1, radius=0, scalar_light=True)
    assert atmospheric_light(image, valid, scalar).tolist() == [[110, 110, 110]]
    assert atmospheric_light(image, ~seen(image), PLAIN).tolist() == [[0, 0, 0]]


@given(
    st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.integers(1, 61), st.integers(0, 9), st.integers(0, 9)
)
def test_sliding_windows_are_those_of_scipy(n: int, height: int, width: int, length: int, more: int, seed: int) -> None:
    planes = torch.from_numpy(np.random.default_rng(seed).integers(0, 99, (n, height, width)).astype(np.float32))
    sliding = Sliding(planes, (n + more % 2, height + more, width), length + more)
    smallest = ndimage.minimum_filter(planes.numpy(), (1, length, length), mode="constant", cval=np.inf)
    np.testing.assert_array_equal(sliding.minima(planes, length, torch.empty_like(planes)).numpy(), smallest)
    total = ndimage.correlate(planes.double().numpy(), np.ones((1, length, length)), mode="constant")
    np.testing.assert_array_equal(sliding.sums(planes, length, torch.empty_like(planes)).numpy(), total)


def guided_by_hand(guide: np.ndarray, values: np.ndarray, known: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """A least-squares line in each window, and the mean of the lines of all windows that a pixel lies in."""
    height, width = guide.shape
    lines = np.zeros((height, width, 2))
    around = [
        [(slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1)) for x in range(width)]
        for y in range(height)
    ]
    for y, x in np.argwhere(known):
        part = around[y][x]
        g, v = guide[part][known[part]], values[part][known[part]]
        slope = ((g - g.mean()) * (v - v.mean())).mean() / (g.var() + eps)
        lines[y, x] = slope, v.mean() - slope * g.mean()
    found = np.zeros_like(guide)
    for y, x in np.argwhere(known):
        part = around[y][x]
        slope, start = lines[part][known[part]].mean(axis=0)
        found[y, x] = slope * guide[y, x] + start
    return found


@given(
    st.integers(1, 3), st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.floats(0.1, 1), st.integers(0, 9)
)
def test_guided_filter_by_hand(n: int, height: int, width: int, radius: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    guide, values = (torch.from_numpy(random.random((n, height, width))) for _ in range(2))
    known = torch.from_numpy(random.random((n, height, width)) < share)
    expected = [
        guided_by_hand(g.numpy(), v.numpy(), k.numpy(), radius, 1e-3)
        for g, v, k in zip(guide, values, known, strict=True)
    ]
    sliding = Sliding(guide, (n, height, width), 2 * radius + 1)

    def spare() -> list[torch.Tensor]:
        return list(torch.full((4, *guide.shape), math.nan, dtype=torch.float64))

    counts = ndimage.correlate(
        known.numpy().astype(float), np.ones((1, 2 * radius + 1, 2 * radius + 1)), mode="constant"
    )
    share = torch.from_numpy(known.numpy() / counts.clip(1))
    clean = [plane.masked_fill(~known, 0) for plane in (guide, values)]
    rows, copies = slice(0, height), [plane.clone() for plane in clean]
    ways = {
        "either": guided(guide.clone(), values.clone(), known, rows, radius, 1e-3, sliding, spare()),
        "compiled": guided_on_cpu(*copies, share, rows, radius, 1e-3, spare()),
        "torch": guided_by_torch(*clean, share, radius, 1e-3, sliding, spare()),
    }
    for name, found in ways.items():
        np.testing.assert_allclose(found[known].numpy(), np.stack(expected)[known.numpy()], atol=1e-9, err_msg=name)
    if height > 4:
        part = guided(guide.clone(), values.clone(), known, slice(2, height - 2), radius, 1e-3, sliding, spare())
        torch.testing.assert_close(part[:, 2:-2], ways["either"][:, 2:-2])


@pytest.mark.parametrize(
    ("height", "width", "settings"),
    [
        (48, 48, DarkChannel()),
        (64, 64, DarkChannel(window=7, omega=0.8, floor=0.3, radius=9, eps=1e-2)),
        (70, 133, DarkChannel(scalar_light=True)),
        (45, 61, DarkChannel(window=20, floor=0.55, radius=0, scalar_light=True)),  # as the fourth system has it
        (9, 5, DarkChannel(radius=2)),
        (1, 1, DarkChannel()),
    ],
)
def test_it_is_what_the_papers_say(height: int, width: int, settings: DarkChannel) -> None:
    images = scene(5, height, width)
    found = dehaze(images, seen(images), settings).numpy()
    expected = np.stack([by_the_papers(image, settings) for image in images.numpy()])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-7)
    narrow = dehaze(images.float(), seen(images), settings).numpy()
    np.testing.assert_allclose(narrow, expected, atol=0.02)  # a hundredth of a grey level of 255


def test_strips_of_an_image_are_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    images, settings = scene(1, 190, 60), DarkChannel(window=6, radius=3)
    valid = torch.from_numpy(np.random.default_rng(1).random((1, 190, 60)) < 0.9)
    whole = dehaze(images, valid, settings), haze_degree(images, valid, settings)
    monkeypatch.setattr(pieces, "_BATCH", 1)
    monkeypatch.setattr(pieces, "_STRIP", 1)
    work = pieces.Work(images, settings)
    assert len(list(work.strips(settings.reach))) == math.ceil(190 / (4 * settings.reach)) == 6
    torch.testing.assert_close((dehaze(images, valid, settings), haze_degree(images, valid, settings)), whole)


def test_images_do_not_know_each_other() -> None:
    images = scene(7, 48, 52)
    valid = torch.from_numpy(np.random.default_rng(2).random((7, 48, 52)) < 0.9)
    together = dehaze(images, valid, SMALL)
    for number in range(7):
        alone = dehaze(images[number : number + 1], valid[number : number + 1], SMALL)
        assert torch.equal(together[number], alone[0])


@given(st.integers(-6, 6), st.floats(0.01, 100), st.integers(0, 9))
def test_scale_does_not_matter(power: int, factor: float, seed: int) -> None:
    images = scene(2, 40, 33, bands=4, seed=seed)
    valid = torch.from_numpy(np.random.default_rng(seed).random((2, 40, 33)) < 0.8)
    plain, degree = dehaze(images, valid, SMALL), haze_degree(images, valid, SMALL)
    assert torch.equal(dehaze(images * 2.0**power, valid, SMALL), plain * 2.0**power)  # to the bit
    torch.testing.assert_close(dehaze(images * factor, valid, SMALL), plain * factor)
    torch.testing.assert_close(haze_degree(images * factor, valid, SMALL), degree)


def test_invalid_pixels_count_nowhere_and_stay() -> None:
    images, strange = scene(3, 48, 48), torch.tensor([math.nan, math.inf, -math.inf, 1e9, 0.0])
    valid = torch.from_numpy(ndimage.gaussian_filter(np.random.default_rng(3).random((3, 48, 48)), (0, 2, 2)) < 0.5)
    valid[2] = False
    other = images.clone()
    fill = strange.double()[torch.arange(images.numel()).view(images.shape) % len(strange)]
    other = torch.where(valid[:, None], images, fill)
    one, two = dehaze(images, valid, SMALL), dehaze(other, valid, SMALL)
    mask = valid[:, None].expand_as(images)
    assert torch.equal(one[mask], two[mask])
    assert not torch.equal(one[mask], images[mask])
    assert torch.equal(one[~mask], images[~mask])
    np.testing.assert_array_equal(two[~mask].numpy(), other[~mask].numpy())
    degrees = haze_degree(images, valid, SMALL), haze_degree(other, valid, SMALL)
    assert torch.equal(degrees[0][:2], degrees[1][:2])
    assert degrees[0][2].isnan()
    assert degrees[1][2].isnan()


def test_infrared_stays_and_visible_bands_may_stand_anywhere() -> None:
    rgb, infrared = scene(2, 48, 48), scene(2, 48, 48, bands=2, seed=9)
    images = torch.stack([infrared[:, 0], rgb[:, 2], rgb[:, 0], infrared[:, 1], rgb[:, 1]], dim=1)
    found = dehaze(images, seen(images), SMALL, visible=(2, 4, 1))
    assert torch.equal(found[:, [2, 4, 1]], dehaze(rgb, seen(rgb), SMALL))
    assert torch.equal(found[:, [0, 3]], infrared)


@pytest.mark.parametrize("settings", [DarkChannel(), DarkChannel(radius=0), DarkChannel(scalar_light=True)])
def test_without_haze_not_a_bit_changes(settings: DarkChannel) -> None:
    images = scene(2, 48, 48).float()
    images[0, 1] = 0  # dark in green everywhere
    images[1] = 0
    assert torch.equal(dehaze(images, seen(images), settings), images)
    assert haze_degree(images, seen(images), settings).tolist() == [0, 0]


def shaded(count: int) -> torch.Tensor:
    """Images (count, 3, 64, 64) for which the prior holds: a tenth of the pixels is black."""
    dark = np.random.default_rng(0).random((count, 1, 64, 64)) < 0.1
    return scene(count, 64, 64).masked_fill(torch.from_numpy(dark), 0)


AIR = torch.tensor([220.0, 230.0, 240.0], dtype=torch.float64)


def test_degree_ranks_haze_of_known_strength_and_is_it_where_the_light_is_known() -> None:
    clear, strengths = shaded(6), torch.tensor([0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95], dtype=torch.float64)
    hazy = [veiled(clear, 1 - strength.item(), AIR) for strength in strengths]
    known = torch.stack([haze_degree(images, seen(images), DarkChannel(), light=AIR) for images in hazy])
    torch.testing.assert_close(known, strengths[:, None].expand(7, 6), atol=1e-6, rtol=0)
    own = torch.stack([haze_degree(images, seen(images), DarkChannel()) for images in hazy])
    assert (own.diff(dim=0) > 0.01).all()
    assert ((own >= known - 1e-9) & (own <= 1)).all()  # its light is dimmer than A


def test_planted_haze_is_removed_and_nothing_else() -> None:
    clear, settings = shaded(6), DarkChannel(omega=1)
    valid = seen(clear)
    even = dehaze(veiled(clear, 0.4, AIR), valid, settings, light=AIR)
    torch.testing.assert_close(even, clear, atol=1e-6, rtol=0)
    hazy = veiled(clear, torch.linspace(0.4, 0.9, 64, dtype=torch.float64).expand(64, 64), AIR)
    gain = psnr(dehaze(hazy, valid, settings, light=AIR), clear) - psnr(hazy, clear)
    assert gain.min() > 6  # haze that changes within a window is found too small
    own = psnr(dehaze(hazy, valid, settings), clear) - psnr(hazy, clear)
    assert own.min() > 1  # less: its light is a bright pixel of the scene
    assert torch.equal(dehaze(clear, valid, settings, light=AIR), clear)


def test_planted_haze_is_removed_from_real_chips(shared_data) -> None:
    folder = shared_data / "amazon-mining"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder}")
    sheet = "BD_MineriaAurifera_Peru-curated2025-09_clear0.75.png"
    with (folder / "chips.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["sheet"] == sheet][:64]
    picture = torch.from_numpy(np.asarray(Image.open(folder / "sheets" / sheet).convert("RGB")).copy()).permute(2, 0, 1)
    corners = [(int(row["row"]) * 48, int(row["col"]) * 48) for row in rows]
    clear = torch.stack([picture[:, top : top + 48, left : left + 48] for top, left in corners]).float()
    air = torch.tensor([225.0, 230.0, 235.0])
    hazy = veiled(clear, torch.linspace(0.4, 0.8, 48).expand(48, 48), air)
    before, after = psnr(hazy, clear), psnr(dehaze(hazy, seen(hazy), DarkChannel(), light=air), clear)
    assert (after - before).median() > 4
    degrees = [haze_degree(veiled(clear, 1 - s, air), seen(clear), DarkChannel()) for s in (0, 0.2, 0.4, 0.6, 0.8)]
    assert (torch.stack(degrees).diff(dim=0) > 0).all()
