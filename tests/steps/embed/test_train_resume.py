"""A run that was stopped goes on as if nothing had been: the same bytes in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geolabel.errors import GeolabelError, InterruptedRunError, OptionError
from geolabel.learn.encoder import load_encoder
from geolabel.model import read_model
from geolabel.steps.embed.train import train
from geolabel.steps.embed.training.ground import Drawing
from tests.alike import differences
from tests.conftest import WriteRaster
from tests.steps.embed.places import RINGS, SIZE, Places, write_places
from tests.steps.embed.test_train import CPU

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "labels": ("labels", {"ema": 0.8}),
    "magnet of labels": ("labels", {"loss": "magnet", "schedule": "plateau"}),
    "places": ("places", {"mining": "random-hard-negative", "random_reset": 0.0}),
    "magnet of places": ("places", {"loss": "magnet"}),
    "rasters": ("rasters", {"loss": "quadruplet", "mining": "hard-negative"}),
    "magnet of rasters": ("rasters", {"loss": "magnet", "ema": 0.5}),
}
NOT_USED = "goes on with the options it was begun with; those given now are not used"


@pytest.fixture
def places(write_raster: WriteRaster) -> Places:
    return write_places(write_raster)


def options_of(places: Places, way: str) -> dict[str, Any]:
    origin, options = WAYS[way]
    return {
        "sources": [places.raster if origin == "rasters" else places.tiles],
        "drawing": Drawing(SIZE) if origin == "rasters" else None,
        **({} if origin == "labels" else RINGS),
        "epochs": 3,
        "steps": 3,
        "batch": 9,
        "output_size": 6,
        "magnet_clusters": 4,
        **options,
    }


def stop(epoch: int) -> Any:
    """Ctrl-C when that epoch has ended."""

    def on_epoch(row: Any) -> None:
        if row.epoch == epoch:
            raise KeyboardInterrupt

    return on_epoch


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_run_goes_on_to_the_same_model(places: Places, way: str):
    options, folder = options_of(places, way), places.tiles.parent
    whole = train(output=folder / "whole", **options)
    with pytest.raises(InterruptedRunError, match=r"holds the best of 1 epochs\. Go on with: geolabel embed train"):
        train(output=folder / "run", on_epoch=stop(1), **options)
    seen: list[int] = []
    report = train(output=folder / "run", resume=True, on_epoch=lambda row: seen.append(row.epoch), **options)
    assert seen == [2, 3]
    assert report.epochs == 3
    assert not differences(report.model, whole.model)
    assert without_seconds(folder / "run") == without_seconds(folder / "whole")


def without_seconds(run: Path) -> list[list[str]]:
    """The history, without how long it took."""
    return [line.split(",")[:-2] for line in (run / "history.csv").read_text().splitlines()]


KILLED = """
import os, signal, sys
from geolabel.learn.metric import loop
from geolabel.steps.embed.training.ground import Drawing
from geolabel.steps.embed.train import train
learn, steps = loop._learn, 0
def counted(*given):
    global steps
    steps += 1
    if steps == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return learn(*given)
loop._learn = counted
from pathlib import Path
train(output=Path({run!r}), **{{**{options!r}, "sources": [Path({source!r})], "drawing": {drawing}}})
"""


@pytest.mark.slow
@pytest.mark.parametrize(("way", "at"), [("labels", 5), ("magnet of rasters", 8), ("rasters", 2)])
def test_a_killed_run_goes_on_to_the_same_model(places: Places, way: str, at: int):
    """In the middle of the first, the second and the third epoch of three steps each."""
    options, folder = options_of(places, way), places.tiles.parent
    whole = train(output=folder / "whole", **options)
    code = KILLED.format(
        at=at,
        run=str(folder / "run"),
        options={name: value for name, value in options.items() if name not in ("sources", "drawing")},
        source=str(options["sources"][0]),
        drawing=f"Drawing({SIZE})" if options["drawing"] else None,
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ}, capture_output=True, check=False, timeout=200
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (folder / "run" / "model.safetensors").exists()
    report = train(output=folder / "run", resume=True, **options)
    assert not differences(report.model, whole.model)
    assert {path.name for path in (folder / "run").iterdir()} == {path.name for path in (folder / "whole").iterdir()}


def test_stopped_in_its_first_epoch_it_has_next_to_nothing(places: Places, monkeypatch: pytest.MonkeyPatch):
    from geolabel.learn.metric import loop

    def at_once(*_: object) -> None:
        raise KeyboardInterrupt

    options, folder = options_of(places, "labels"), places.tiles.parent
    whole = train(output=folder / "whole", **options)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_learn", at_once)
        with pytest.raises(InterruptedRunError, match="a network that has learned next to nothing"):
            train(output=folder / "run", **options)
    assert read_model(folder / "run" / "model.safetensors")[0].scores == {}
    load_encoder(folder / "run" / "model.safetensors", CPU)
    assert not differences(train(output=folder / "run", resume=True, **options).model, whole.model)


def test_a_finished_run_stays_as_it_is(places: Places):
    options = options_of(places, "labels")
    first = train(output=places.tiles.parent / "run", **options)
    made = first.model.read_bytes()
    again = train(output=places.tiles.parent / "run", resume=True, **{**options, "epochs": 50})
    assert again == first  # with the options it was begun with
    assert again.model.read_bytes() == made


def test_it_goes_on_with_what_it_was_begun_with_only(
    places: Places, write_raster: WriteRaster, caplog: pytest.LogCaptureFixture
):
    run = places.tiles.parent / "run"
    options = {**options_of(places, "rasters"), "epochs": 1}
    first = train(output=run, **options)
    with caplog.at_level("WARNING", "geolabel"):
        assert train(output=run, resume=True, **{**options, "drawing": Drawing(8)}) == first
    assert sum(NOT_USED in said for said in caplog.messages) == 1
    caplog.clear()
    with caplog.at_level("WARNING", "geolabel"):
        assert train([places.raster], output=run, resume=True) == first  # as the line after Ctrl-C says
    assert not any(NOT_USED in said for said in caplog.messages)
    other = write_raster("other.tif", np.ones((3, 200, 200), "uint8"), descriptions=("red", "green", "blue"))
    for given, told in (
        ({"sources": [other]}, "was not trained on these inputs"),
        ({"overwrite": True}, "--resume goes on with a run, --overwrite begins anew: give one of them"),
        ({"output": places.tiles.parent / "nowhere"}, "nowhere"),
    ):
        with pytest.raises(GeolabelError, match=told) as refused:
            train(**{"sources": [places.raster], "output": run, "resume": True, **given})
        assert "\n" not in str(refused.value)
    (run / "checkpoint.ckpt").unlink()
    with pytest.raises(OptionError, match="holds no checkpoint, so there is nothing to resume"):
        train([places.raster], output=run, resume=True)
    write_raster("region.tif", np.ones((3, 192, 320), "uint8"), descriptions=("red", "green", "blue"))  # other pixels
    with pytest.raises(OptionError, match="was not trained on these inputs"):
        train([places.raster], output=run, resume=True)
