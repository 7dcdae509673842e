"""A region and the model that fits it, opened: what every process that predicts shards starts from."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geolabel import files, raster, vector
from geolabel.errors import EmptyError, OptionError
from geolabel.grid import Grid
from geolabel.inference import Plan, Shard, cut, make_plan
from geolabel.learn import dense
from geolabel.learn.device import choose_device
from geolabel.learn.store import load_predictor
from geolabel.learn.turned import turned
from geolabel.steps import preflight
from geolabel.steps.models import choose_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Window
    from geolabel.learn.predictor import Predictor
    from geolabel.steps.region.choices import Choices

_WARPED_BLOCK = (512, 512)
"""A view that is resampled has no compressed blocks of its own."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is predicted, and by what."""

    path: Path
    """One raster: the file itself, or one that shows several as one."""
    model: Path
    device: Any
    """torch's, on which the network runs."""
    fit: preflight.Fit
    predictor: Predictor
    """Under the contract adapted to the raster, with the turns that were asked for."""
    plan: Plan
    block: tuple[int, int]
    """Width and height of the file's compressed blocks."""
    inside: Callable[[Window], NDArray[np.bool_]] | None
    area: NDArray[np.bool_] | None
    """The area of interest, seen from afar: which of some hundred cells along each axis it lies in; None: all."""
    dense_stride: int | None
    """Step between tiles that could be windows of one feature map; None where they cannot, or are not to."""

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The parts of the region."""
        return cut(self.plan, self.block)

    def planned(self, stride: int) -> Scene:
        """The same with another step between tiles."""
        return replace(self, plan=make_plan(self.plan.width, self.plan.height, self.predictor.card.tile_px, stride))

    @contextmanager
    def reader(self) -> Iterator[raster.Reader]:
        """The raster, on the grid of the prediction."""
        with raster.open_raster(self.fit.info, self.fit.grid, self.fit.resampling) as reader:
            yield reader


@contextmanager
def open_scene(
    rasters: Sequence[str],
    model: Path | None,
    choices: Choices,
    device: str,
    *,
    load: Callable[[Path, Any], Predictor] = load_predictor,
    folder: Path | None = None,
) -> Iterator[Scene]:
    """Open rasters and model (the built-in one that fits, where None), and check that they fit each other.

    `load` reads the model file for a device. The VRT that shows several rasters as one is written into `folder`; where
    None, it goes with the scene. Raises InputError, ModelError, ContractError and BandError (the raster breaks the
    model's contract), CRSError, OptionError, EmptyError (the area of interest lies elsewhere).
    """
    with files.scratch() if folder is None else nullcontext(folder) as room:
        path = raster.gather(rasters, room, bands=choices.bands)
        model = model or choose_model(path, choices.bands)
        place = choose_device(device)
        plain = load(model, place)
        fit = preflight.check(path, plain.card, bands=choices.bands, scale=choices.scale)
        predictor = turned(plain.with_card(preflight.adapted(plain.card, fit)), choices.tta)
        inside, area = _inside(choices.aoi, fit.grid)
        yield Scene(
            path=path,
            model=model,
            device=place,
            fit=fit,
            predictor=predictor,
            plan=make_plan(fit.grid.width, fit.grid.height, predictor.card.tile_px, choices.stride),
            block=_WARPED_BLOCK if fit.resampled else fit.info.block,
            inside=inside,
            area=area,
            dense_stride=_dense_stride(predictor, choices),
        )


def _dense_stride(predictor: Predictor, choices: Choices) -> int | None:
    """The step asked for, or the multiple of the network's own next below half a tile.

    None where windows are not asked for, and the network is not made for them or tiles do not overlap. Raises
    OptionError where they are asked for and cannot be.
    """
    side = min(predictor.card.tile_px)
    asked = choices.dense == "on" or choices.refine
    engine = choices.engine == "openvino" or choices.compiled or choices.batch is not None
    apart = (choices.stride or 1) >= side
    if choices.dense == "off" or (not asked and (engine or apart or not dense.ready(predictor))):
        return None
    try:
        own = dense.make_dense(predictor, choices.stride or side).lattice
    except OptionError as error:
        if not asked:
            return None
        why = dense.eligible(predictor, choices.stride or side)
        raise OptionError(f"--{'refine' if choices.refine else 'dense on'}: {why}; leave it away") from error
    return choices.stride or max(side // 2 // own, 1) * own


_FAR = 256
"""Cells along each axis of an area of interest that is seen from afar."""


def _inside(
    aoi: Path | None, grid: Grid
) -> tuple[Callable[[Window], NDArray[np.bool_]] | None, NDArray[np.bool_] | None]:
    """What tells whether pixels of a window are asked for, and the area seen from afar."""
    if aoi is None:
        return None, None
    area = vector.read_area(aoi, grid)
    if not len(area):
        raise EmptyError(f"{aoi}: the area of interest does not touch the raster; check its CRS (ogrinfo -so)")
    ones = np.ones(len(area), dtype=np.uint8)
    width, height = min(_FAR, grid.width), min(_FAR, grid.height)
    larger = grid.transform @ Affine.scale(grid.width / width, grid.height / height)
    far = raster.burn(area, ones, Grid(grid.crs, larger, width, height)).astype(bool)
    return lambda window: raster.burn(area, ones, grid.part(window)).astype(bool), far
