"""`geolabel embed encode`: the vectors of a region's tiles, or of those of an index, and a picture of them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import files
from geolabel.embeddings.lattice import placed, placed_in
from geolabel.errors import EmptyError, OptionError
from geolabel.learn.encoder import load_encoder
from geolabel.model import read_card
from geolabel.progress import log
from geolabel.steps.embed.encoding.colours import draw
from geolabel.steps.embed.encoding.plan import EncodePlan, estimate
from geolabel.steps.embed.encoding.writing import DType, Target, Written, write_region, write_tiles
from geolabel.steps.embed.lattice_raster import numbered
from geolabel.steps.making import makes
from geolabel.steps.models import find_model
from geolabel.steps.predict import stem
from geolabel.steps.region.choices import Choices, DenseChoice, EngineChoice, PrecisionChoice
from geolabel.steps.region.scene import open_scene
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

INDEX, ENDING = ".parquet", ".embeddings"
MIN_VALID = 0.5


@dataclass(frozen=True, slots=True)
class EncodeReport:
    """What encoding made."""

    output: Path
    tiles: int
    size: int
    """Numbers a vector."""
    dtype: str
    megabytes: float
    seconds: float
    """For reading, encoding and writing the vectors."""
    tiles_per_s: float
    engine: str
    """What ran the network, and in which precision."""
    dense: bool
    """Whether tiles were answered as windows of one feature map."""
    resampled: bool
    """Whether the raster was brought to the encoder's GSD."""
    explained: tuple[float, ...]
    """Share of the vectors' variance that red, green and blue of the picture show; () without one."""
    pictures: tuple[Path, ...]
    """One a raster; none where tiles have no place."""


@makes("embed encode", "region", "model", "aoi")
def encode(
    region: str | Path | Sequence[str | Path],
    *,
    model: str | Path,
    output: Path | None = None,
    stride: int | None = None,
    dtype: DType = "float16",
    bands: Sequence[str] = (),
    scale: float | None = None,
    aoi: Path | None = None,
    min_valid: float = MIN_VALID,
    dense: DenseChoice = "auto",
    engine: EngineChoice = "auto",
    precision: PrecisionChoice = "auto",
    batch: int | None = None,
    compiled: bool = False,
    colours: bool = True,
    device: str = "auto",
    overwrite: bool = False,
    dry_run: bool = False,
) -> EncodeReport | EncodePlan:
    """Encode the tiles of a region into an embeddings file (default: `<region>.embeddings.parquet`), whole or not.

    `region` is what `predict` takes, or a tile index alone, whose columns are kept: see `encode_tiles`. `model` is an
    embedder, or a classifier, whose features are taken. Beside the file, `<region>.colours.tif` shows the vectors'
    three principal components, one cell a stride; of several rasters that an index names there is one each. Where a
    region is resampled, or made of several files, the folder `<region>.embeddings.region` holds VRTs that show it as it
    was read: the tiles are cut from there. Raises InputError, ModelError, ContractError, BandError, CRSError,
    OptionError, InstallError, EmptyError, OutputError.
    """
    names = [str(region)] if isinstance(region, str | Path) else [str(name) for name in region]
    if not 0 <= min_valid <= 1:
        raise OptionError(f"--min-valid must lie in 0–1, got {min_valid:g}")
    chosen = find_model(str(model))
    choices = Choices(
        bands=tuple(bands),
        scale=scale,
        stride=min(read_card(chosen).tile_px) if stride is None else stride,
        aoi=aoi,
        dense=dense,
        engine=engine,
        precision=precision,
        batch=batch,
        compiled=compiled,
    )
    target = output or _named_after(names[0])
    if dry_run:
        with open_scene(names, chosen, choices, device, load=load_encoder) as scene:
            return estimate(target, scene, choices, min_valid, dtype)
    room = target.with_name(f"{target.stem}.region")

    def write(to: Target) -> Written:
        return write_region(names, chosen, choices, device, min_valid, room, to)

    inputs = (*map(Path, names), chosen, aoi)
    return _finished(write, target, dtype, inputs, room=room, pictures=int(colours), overwrite=overwrite)


@makes("embed encode", "tiles", "model")
def encode_tiles(
    tiles: Path,
    *,
    model: str | Path,
    output: Path | None = None,
    dtype: DType = "float16",
    colours: bool = True,
    device: str = "auto",
    overwrite: bool = False,
) -> EncodeReport:
    """Encode the tiles of an index; its columns, labels among them, are kept.

    Raises InputError, TileIndexError, ModelError, ContractError, BandError, OptionError, EmptyError, OutputError.
    """
    chosen, target = find_model(str(model)), output or _named_after(str(tiles))
    index = read_index(tiles)
    if not len(index):
        raise EmptyError(f"{tiles}: has no tiles; tile again, with a lower --min-valid")
    count = len(placed(index)) if colours else 0
    if colours and not count:
        log.warning("%s: its tiles do not lie on a grid, so there is no picture of the vectors", target)
    return _finished(
        lambda to: write_tiles(index, tiles, chosen, device, to),
        target,
        dtype,
        (tiles, chosen),
        pictures=count,
        overwrite=overwrite,
    )


def _named_after(name: str) -> Path:
    return Path(f"{stem(name).removesuffix(ENDING)}{ENDING}{INDEX}")


def _finished(
    write: Callable[[Target], Written],
    target: Path,
    dtype: DType,
    inputs: Sequence[Path | None],
    *,
    room: Path | None = None,
    pictures: int,
    overwrite: bool,
) -> EncodeReport:
    """The file that `write` makes, with so many pictures; the folder `room` stays where `write` fills it."""
    if target.suffix.lower() != INDEX:
        raise OptionError(f"{target}: vectors are written as Parquet; give it a name that ends with {INDEX}")
    names = numbered(target.with_name(f"{target.stem.removesuffix(ENDING)}.colours.tif"), pictures)
    for path in (target, *names):
        files.check_new(path, overwrite=overwrite, inputs=inputs)
    with ExitStack() as stack:
        if room is not None:
            stack.enter_context(_kept(room, overwrite=overwrite))
        draft = stack.enter_context(files.new_file(target, overwrite=overwrite))
        made = write(Target(target, draft, dtype))
        drafts = [stack.enter_context(files.new_file(path, overwrite=overwrite)) for path in names]
        colours = draw(draft, placed_in(draft), drafts) if drafts else None
        explained = tuple(round(share, 3) for share in colours.explained) if colours else ()
        megabytes = draft.stat().st_size / 1e6
    return EncodeReport(
        output=target,
        tiles=made.tiles,
        size=made.size,
        dtype=dtype,
        megabytes=megabytes,
        seconds=made.seconds,
        tiles_per_s=made.tiles / max(made.seconds, 1e-9),
        engine=made.engine,
        dense=made.dense,
        resampled=made.resampled,
        explained=explained,
        pictures=names,
    )


@contextmanager
def _kept(room: Path, *, overwrite: bool) -> Iterator[None]:
    """A folder for what a region's tiles are cut from; it goes where nothing was put into it."""
    record = room / files.RECORD
    with files.work_directory(room, "embed encode", overwrite=overwrite):
        files.write_json(record, {"format": 1, "command": "embed encode"})  # a run that is killed can be done again
        yield
        if list(room.iterdir()) == [record]:
            record.unlink()
            room.rmdir()
