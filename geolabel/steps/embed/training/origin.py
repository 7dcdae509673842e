"""What an embedder is trained by: recipe, inputs, how these are drawn, labelled and judged; as run.json keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import checked, files
from geolabel.errors import DamagedError, OptionError
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.steps.embed.training.ground import Drawing
from geolabel.steps.embed.training.labelled import Judging, LabelMaps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMAND = "embed train"
CHECKPOINT, MODEL, TILES = "checkpoint.ckpt", "model.safetensors", "tiles.parquet"


@dataclass(frozen=True, slots=True)
class Origin:
    """Everything that decides what comes of a training. Raises OptionError for what does not go together."""

    sources: tuple[Path, ...]
    recipe: EmbedRecipe = field(default_factory=EmbedRecipe)
    drawing: Drawing = field(default_factory=Drawing)
    maps: LabelMaps = field(default_factory=LabelMaps)
    judging: Judging = field(default_factory=Judging)

    def __post_init__(self) -> None:
        indexes = [path for path in self.sources if path.suffix.lower() == ".parquet"]
        if indexes and len(self.sources) > 1:
            raise OptionError(f"{indexes[0]}: give one tile index, or rasters, and not both")
        if indexes and self.drawing != Drawing():
            raise OptionError(f"{indexes[0]}: its tiles are there already; --size, --bands, --aoi … are for rasters")
        if indexes and self.maps.paths():
            raise OptionError(f"{indexes[0]}: its labels are those it has; attach others with geolabel label")
        if not indexes and self.recipe.supervised and not self.maps.paths():
            raise OptionError("rasters have no labels; name maps of them: --osm, --clc, --raster, --vector")

    @property
    def choices(self) -> tuple[EmbedRecipe, Drawing, LabelMaps, Judging]:
        """What was asked for, apart from the inputs."""
        return self.recipe, self.drawing, self.maps, self.judging

    @property
    def is_index(self) -> bool:
        """Whether tiles are there already."""
        return self.sources[0].suffix.lower() == ".parquet"

    @property
    def from_labels(self) -> bool:
        """Whether rasters are learned from by maps of labels."""
        return bool(self.maps.paths()) and self.recipe.supervised is not False

    def inputs(self) -> list[Path]:
        """All files that it reads."""
        weights = [] if self.recipe.weights in ("none", "default") else [Path(self.recipe.weights)]
        others = [self.maps.legend, self.maps.scheme_file, self.drawing.aoi_file]
        return [*self.sources, *self.maps.paths(), *(path for path in others if path is not None), *weights]

    def record(self, output: Path) -> dict[str, Any]:
        """What run.json of the run folder `output` holds; files are named from there."""

        def named(path: Path) -> str:
            return files.relative_to(path, output / files.RECORD) if files.exists(path) else str(path)

        return {
            "command": COMMAND,
            "options": self.recipe,
            "drawing": _told(asdict(self.drawing), named),
            "labels": _told(asdict(self.maps), named),
            "judging": asdict(self.judging),
            "inputs": {named(path): files.fingerprint(path) for path in self.inputs() if files.exists(path)},
            "versions": files.versions(),
        }


def kept_origin(output: Path, sources: Sequence[Path]) -> Origin:
    """What a run that is to be resumed was begun with. Raises OptionError where it is another, or damaged."""
    record = files.read_json(output / files.RECORD, "the run.json of a run to resume")
    try:
        checked.check(record)
        kept = checked.Told(record)
        found = Origin(
            tuple(sources),
            EmbedRecipe(**checked.fields_of(kept["options"], EmbedRecipe)),
            Drawing(**_found(checked.fields_of(kept["drawing"], Drawing), output)),
            LabelMaps(**_found(checked.fields_of(kept["labels"], LabelMaps), output)),
            Judging(**checked.fields_of(kept["judging"], Judging)),
        )
        same = kept["inputs"].table() == found.record(output)["inputs"]
    except DamagedError as error:
        raise OptionError(f"{output / files.RECORD}: is damaged ({error}); train anew with --overwrite") from error
    if not same:
        raise OptionError(f"{output}: was not trained on these inputs; train anew with --overwrite")
    if not (output / CHECKPOINT).exists():
        raise OptionError(f"{output}: holds no checkpoint, so there is nothing to resume; train with --overwrite")
    return found


def _told(options: dict[str, Any], named: Callable[[Path], str]) -> dict[str, Any]:
    """Options for run.json."""

    def told(value: Any) -> Any:
        return named(value) if isinstance(value, Path) else value

    return {
        name: [told(item) for item in value] if isinstance(value, tuple) else told(value)
        for name, value in options.items()
    }


def _found(options: dict[str, Any], output: Path) -> dict[str, Any]:
    """Options out of the run.json of the folder `output`; files that it names are found from there."""

    def here(value: Any) -> Any:
        return output / value if isinstance(value, Path) and (output / value).exists() else value

    return {
        name: tuple(map(here, value)) if isinstance(value, tuple) else here(value) for name, value in options.items()
    }
