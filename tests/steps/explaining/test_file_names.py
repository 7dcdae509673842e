"""Names of files about classes, whatever these are called."""

from __future__ import annotations

from pathlib import PurePath

from hypothesis import example, given
from hypothesis import strategies as st

from geolabel.checked import MAX_NAME, is_one_line
from geolabel.model import BandContract, Head, ModelCard
from geolabel.steps.explaining.report import file_stem

NAMES = st.text(min_size=1, max_size=MAX_NAME).filter(lambda name: bool(name.strip()) and is_one_line(name))


def card_of(names: tuple[str, ...]) -> ModelCard:
    return ModelCard(
        architecture="small-cnn",
        heads=(Head("all", "sigmoid", names),),
        scheme={},
        bands=(BandContract("red", 1, 0, 0, 1),),
        dtype="uint8",
        gsd_m=None,
        tile_px=(8, 8),
        presence={},
        thresholds=dict.fromkeys(names, 0.5),
    )


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True).map(tuple))
@example(("../../outside", "/elsewhere/x", ".."))
@example(("Mine!", "mine", "mine-1"))
@example(("鉱" * MAX_NAME, "鉱" * (MAX_NAME - 1) + "山"))
def test_each_class_has_a_file_of_its_own_that_stays_in_its_folder(names: tuple[str, ...]) -> None:
    stems = [file_stem("123456789", card_of(names), at, "integrated-gradients") for at in range(len(names))]
    assert len({stem.lower() for stem in stems}) == len(names)
    for stem in stems:
        assert PurePath(stem).name == stem
        assert len(f"{stem}.png".encode()) <= 255


def test_a_plain_class_gives_its_name() -> None:
    assert file_stem("7", card_of(("open pit", "river")), 0, "grad-cam") == "tile-7.open-pit.grad-cam"
