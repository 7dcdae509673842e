"""`geolabel explain`: which pixels speak for a class, in tiles or over a region, and whether that means anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files, raster
from geolabel.errors import EmptyError, OptionError, listed
from geolabel.learn.device import choose_device
from geolabel.learn.explain import METHODS, Method, Settings, check_installed
from geolabel.learn.store import load_predictor
from geolabel.steps.embed.lattice_raster import numbered
from geolabel.steps.explaining.choose import answers, classes_of, of_tiles, rows_of, worth_a_look
from geolabel.steps.explaining.explained import Explained, explain_cases
from geolabel.steps.explaining.layer import band_names, open_layer, tile_layers, write_tile_layer
from geolabel.steps.explaining.region import Asked, Surest, explain_region
from geolabel.steps.explaining.report import PAGE, MethodRow, method_rows, write_report
from geolabel.steps.explaining.trial import ExplainPlan, estimate, estimate_tiles
from geolabel.steps.making import makes
from geolabel.steps.models import find_model
from geolabel.steps.record import write_record
from geolabel.steps.region.choices import Choices
from geolabel.steps.region.job import bare
from geolabel.steps.region.scene import open_scene
from geolabel.steps.tile_contract import check_tiles
from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.model import ModelCard
    from geolabel.steps.explaining.choose import Answered, Case
    from geolabel.steps.region.scene import Scene
    from geolabel.tiling.index import TileIndex

COMMAND, LAYER = "explain", "relevance.tif"


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """What was explained."""

    output: Path
    page: Path
    layers: tuple[Path, ...]
    """Relevance as rasters, one a raster of the tiles; () where they have no place."""
    tiles: int
    """Explained."""
    methods: tuple[MethodRow, ...]
    """By class and method, on the tiles of the page."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Files and options, for the page and the record."""

    model: Path
    source: str
    """As it was given."""
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """What the page calls the source."""
        return Path(bare(self.source)).name or self.source


@makes("explain", "model", "source", "aoi")
def explain(
    model: str | Path,
    source: str | Path,
    *,
    tiles: Sequence[int] = (),
    classes: Sequence[str] = (),
    methods: Sequence[Method] = ("occlusion",),
    count: int = 3,
    samples: int = 400,
    split: str | None = None,
    aoi: Path | None = None,
    bands: Sequence[str] = (),
    scale: float | None = None,
    cache: Path | None = None,
    device: str = "auto",
    seed: int = 0,
    output: Path = Path("explained"),
    overwrite: bool = False,
    dry_run: bool = False,
) -> ExplainReport | ExplainPlan:
    """Explain what a model sees in tiles of an index, or over a raster, into the folder `output`.

    `source` is a tile index, or whatever makes a raster: a file, a folder, a product, STAC, a pattern, an address. Of
    an index, `tiles` by number, each for the classes detected in it; without them, for each class, the `count` surest
    right detections, false alarms and misses of a part of the `split` (test, or all where it is not split). Of a
    raster, every tile of `aoi` in which a class is found, and the `count` surest on the page. `classes` limits or, with
    `tiles`, demands them. Each explanation is checked: what is called relevant is removed, against random order.

    Raises ModelError (no such class, a method the model has not), InputError, TileIndexError, ContractError, BandError,
    OptionError, EmptyError (nothing is found), InstallError (captum), OutputError.
    """
    name = str(source)
    is_index = name.lower().endswith(".parquet")
    of_rasters = {"--aoi": aoi, "--bands": bands, "--scale": scale}
    of_tiles_only = {"--tile": tiles, "--split": split, "--cache": cache}
    _check(name, methods, count, of_rasters if is_index else of_tiles_only, is_index=is_index)
    if tiles and split:
        raise OptionError("--tile names tiles, --split is where they are chosen from; leave one of them away")
    settings = Settings(samples=samples, seed=seed)
    chosen = find_model(str(model))
    check_installed()
    if not dry_run:
        files.check_new(output, overwrite=overwrite, folder=COMMAND, inputs=(chosen, Path(name), aoi))
    ways = tuple(dict.fromkeys(methods))
    told = {"tile": list(tiles), "class": list(classes), "method": list(ways), "count": count, "samples": samples}
    told |= {"split": split, "aoi": aoi, "bands": list(bands), "scale": scale, "seed": seed}
    inputs = _Inputs(chosen, name, told)
    if is_index:
        found = _open_tiles(inputs, tiles, classes, split, device)

        def choose(told: Answered, count: int) -> list[Case]:
            if tiles:
                return of_tiles(told, found.classes, named=bool(classes))
            return worth_a_look(told, found.classes, count)

        if dry_run:
            most = len(found.rows) if tiles else count
            asked = Asked(tuple(found.classes), ways, settings)
            return estimate_tiles(
                output, found.predictor, found.index, found.rows, Path(name).parent, asked, choose, most
            )
        return _explain_tiles(inputs, found, choose, ways, settings, count, cache, output, overwrite)
    choices = Choices(bands=tuple(bands), scale=scale, aoi=aoi, dense="off")
    with open_scene([name], chosen, choices, device) as scene:
        asked = Asked(tuple(classes_of(scene.predictor.card, classes, chosen)), ways, settings)
        if dry_run:
            return estimate(output, scene, asked)
        return _explain_region(inputs, scene, asked, count, output, overwrite)


def _check(source: str, methods: Sequence[str], count: int, only: dict[str, Any], *, is_index: bool) -> None:
    """Raise OptionError where options do not go together; `only` are those for the other kind of input."""
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        raise OptionError(f"--method {listed(unknown)}: is none; choose of {', '.join(METHODS)}")
    if count < 1:
        raise OptionError(f"--count must be 1 or more, got {count}")
    given = [flag for flag, value in only.items() if value]
    if given:
        kinds = ("a tile index", "rasters") if is_index else ("a raster", "tile indexes")
        raise OptionError(f"{source}: is {kinds[0]}; {', '.join(given)} only serve {kinds[1]}; leave them away")


@dataclass(frozen=True, slots=True)
class _Tiles:
    """A tile index, the part of it that is looked at, and the model that fits it."""

    predictor: Predictor
    index: TileIndex
    rows: NDArray[np.int64]
    """(n,), of the index."""
    classes: list[int]
    """Of the model, that are asked for."""


def _open_tiles(inputs: _Inputs, tiles: Sequence[int], names: Sequence[str], split: str | None, device: str) -> _Tiles:
    source = Path(inputs.source)
    index = read_index(source)
    predictor = load_predictor(inputs.model, choose_device(device))
    check_tiles(index, source, predictor.card, inputs.model)
    classes = classes_of(predictor.card, names, inputs.model)
    rows = rows_of(index, source, tiles, split)
    if not len(rows):
        raise EmptyError(f"{source}: has no tiles; tile again, with a lower --min-valid")
    return _Tiles(predictor, index, rows, classes)


def _explain_tiles(
    inputs: _Inputs,
    found: _Tiles,
    choose: Callable[[Answered, int], list[Case]],
    methods: tuple[Method, ...],
    settings: Settings,
    count: int,
    cache: Path | None,
    output: Path,
    overwrite: bool,
) -> ExplainReport:
    source, base = inputs.source, Path(inputs.source).parent
    predictor, index, card = found.predictor, found.index, found.predictor.card
    cases = choose(answers(predictor, index, found.rows, base, cache), count)
    if not cases:
        raise EmptyError(
            f"{source}: {listed(card.classes[one] for one in found.classes)} is detected in none of "
            f"{len(found.rows):,} tiles, and missed in none; name tiles with --tile"
        )
    explained = explain_cases(predictor, index, base, cases, methods, settings, cache)
    silent = [card.classes[one] for one in found.classes if one not in {case.class_at for case in cases}]
    notes = (f"Nothing to explain of {listed(silent)}: detected in no tile, and missed in none.",) if silent else ()
    places = tile_layers(index, explained, base)
    layers = numbered(Path(LAYER), len(places)) if places else ()
    shown = [card.classes[one] for one in dict.fromkeys(case.class_at for case in cases)]
    with files.new_directory(output, COMMAND, overwrite=overwrite) as draft:
        for layer, (path, place) in zip(layers, places.items(), strict=True):
            write_tile_layer(draft / layer, index, path, place, explained, shown, methods, card.attribution)
        seen = len({case.row for case in cases})
        known = files.fingerprint(Path(source))
        return _finish(draft, output, inputs, known, card, explained, methods, seen, len(found.rows), layers, notes)


def _explain_region(
    inputs: _Inputs, scene: Scene, asked: Asked, count: int, output: Path, overwrite: bool
) -> ExplainReport:
    card = scene.predictor.card
    names = [card.classes[one] for one in asked.classes]
    surest = Surest(count)
    with files.new_directory(output, COMMAND, overwrite=overwrite) as draft:
        bands = band_names(names, asked.methods)
        with open_layer(draft / LAYER, scene.fit.grid, bands, card.attribution) as layer:
            seen, found = explain_region(scene, asked, layer, surest)
            if not seen:
                raise EmptyError(f"{inputs.source}: no valid pixel to explain; check its nodata value (gdalinfo)")
            if not found:
                raise EmptyError(
                    f"{inputs.source}: {listed(names)} is found in none of {seen:,} tiles, so nothing is to be "
                    "explained; give another region or --aoi"
                )
        explained = surest.checked(scene, inputs.name, asked.settings.seed)
        silent = [name for name in names if name not in {card.classes[one.case.class_at] for one in explained}]
        notes = [f"The page shows the {count} surest tiles of a class, apart from each other; {LAYER} shows all."]
        notes += [f"{listed(silent)}: found nowhere."] if silent else []
        known = raster.fingerprint(scene.path)
        layers = (Path(LAYER),)
        return _finish(draft, output, inputs, known, card, explained, asked.methods, found, seen, layers, tuple(notes))


def _finish(
    draft: Path,
    output: Path,
    inputs: _Inputs,
    fingerprint: str,
    card: ModelCard,
    explained: Sequence[Explained],
    methods: tuple[Method, ...],
    tiles: int,
    looked_at: int,
    layers: Sequence[Path],
    notes: tuple[str, ...],
) -> ExplainReport:
    """Write the page and the record into the draft, and tell where all will be; `fingerprint` is the source's."""
    rows = method_rows(card, explained, methods)
    checks, good = sum(row.tiles for row in rows), sum(row.meaningful for row in rows)
    facts = (
        (f"{tiles:,}", "tiles explained"),
        (f"{looked_at:,}", "looked at"),
        (f"{good} of {checks}", "explanations that mean something"),
    )
    about = f"{inputs.model.name} on {inputs.name}, by {', '.join(methods)}."
    write_report(draft, card, explained, methods, about, facts, notes, layers)
    record = {
        "format": 1,
        "command": COMMAND,
        "inputs": {
            "source": {"path": bare(inputs.source), "fingerprint": fingerprint},
            **{
                what: {"path": str(path), "fingerprint": files.fingerprint(path)}
                for what, path in (("model", inputs.model), ("aoi", inputs.options["aoi"]))
                if path is not None and path.exists()
            },
        },
        "options": inputs.options,
        "counts": {"tiles": tiles, "looked_at": looked_at},
        "checks": rows,
        "attribution": list(card.attribution),
        "versions": files.versions(),
    }
    write_record(draft, record)
    return ExplainReport(output, output / PAGE, tuple(output / layer for layer in layers), tiles, rows, notes)
